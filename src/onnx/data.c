/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/data.h"
#include "base/half-float.h"
#include "onnx/external.h"
#include <string.h>

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* Types that came after release 1.12 of the standard, whose own file for
 * protobuf may be older. */
enum {
  FLOAT8E4M3FN = 17,
  FLOAT8E4M3FNUZ = 18,
  FLOAT8E5M2 = 19,
  FLOAT8E5M2FNUZ = 20,
  UINT4 = 21,
  INT4 = 22,
};

static const struct {
  const gchar *name;
  UnetDType dtype;
  gsize size; /* in the file; of 4-bit integers, two are in one byte */
} types[] = {
  [TYPE (UNDEFINED)] = { "undefined", UNET_DTYPE_NONE, 0 },
  [TYPE (FLOAT)] = { "float", UNET_DTYPE_F32, 4 },
  [TYPE (UINT8)] = { "uint8", UNET_DTYPE_U8, 1 },
  [TYPE (INT8)] = { "int8", UNET_DTYPE_I8, 1 },
  [TYPE (UINT16)] = { "uint16", UNET_DTYPE_U16, 2 },
  [TYPE (INT16)] = { "int16", UNET_DTYPE_I16, 2 },
  [TYPE (INT32)] = { "int32", UNET_DTYPE_I32, 4 },
  [TYPE (INT64)] = { "int64", UNET_DTYPE_I64, 8 },
  [TYPE (STRING)] = { "string", UNET_DTYPE_NONE, 0 },
  [TYPE (BOOL)] = { "bool", UNET_DTYPE_BOOL, 1 },
  [TYPE (FLOAT16)] = { "float16", UNET_DTYPE_F32, 2 },
  [TYPE (DOUBLE)] = { "double", UNET_DTYPE_F64, 8 },
  [TYPE (UINT32)] = { "uint32", UNET_DTYPE_U32, 4 },
  [TYPE (UINT64)] = { "uint64", UNET_DTYPE_U64, 8 },
  [TYPE (COMPLEX64)] = { "complex64", UNET_DTYPE_NONE, 8 },
  [TYPE (COMPLEX128)] = { "complex128", UNET_DTYPE_NONE, 16 },
  [TYPE (BFLOAT16)] = { "bfloat16", UNET_DTYPE_F32, 2 },
  [FLOAT8E4M3FN] = { "float8e4m3fn", UNET_DTYPE_F8E4M3FN, 1 },
  [FLOAT8E4M3FNUZ] = { "float8e4m3fnuz", UNET_DTYPE_F8E4M3FNUZ, 1 },
  [FLOAT8E5M2] = { "float8e5m2", UNET_DTYPE_F8E5M2, 1 },
  [FLOAT8E5M2FNUZ] = { "float8e5m2fnuz", UNET_DTYPE_F8E5M2FNUZ, 1 },
  [UINT4] = { "uint4", UNET_DTYPE_U4, 1 },
  [INT4] = { "int4", UNET_DTYPE_I4, 1 },
};

UnetDType
unet_onnx_dtype (gint32 data_type)
{
  return data_type >= 0 && data_type < (gint32) G_N_ELEMENTS (types)
      ? types[data_type].dtype
      : UNET_DTYPE_NONE;
}

const gchar *
unet_onnx_type_name (gint32 data_type)
{
  return data_type >= 0 && data_type < (gint32) G_N_ELEMENTS (types)
      ? types[data_type].name
      : "unknown";
}

static gfloat
widen (gint32 data_type, guint16 bits)
{
  return data_type == TYPE (FLOAT16) ? unet_float_from_half (bits)
                                     : unet_float_from_bfloat16 (bits);
}

static guint64
read_le (const guint8 *data, gsize size)
{
  guint64 value = 0;

  for (gsize i = 0; i < size; i++)
    value |= (guint64) data[i] << 8 * i;
  return value;
}

static gboolean
is_packed (gint32 data_type)
{
  return data_type == UINT4 || data_type == INT4;
}

/* Returns how many units of `types` the file has for @count elements. */
static gsize
count_units (gint32 data_type, gsize count)
{
  return is_packed (data_type) ? count / 2 + count % 2 : count;
}

/* Element @i of two in a byte is in the lower half where it is even. */
static void
unpack (UnetTensor *tensor, gsize i, guint byte)
{
  const guint half = i % 2 ? byte >> 4 & 15 : byte & 15;

  ((guint8 *) tensor->data)[i] = (guint8) (tensor->dtype == UNET_DTYPE_I4
          ? (gint) (half ^ 8) - 8
          : (gint) half);
}

/* Raw data is little-endian whatever the machine. */
static void
copy_raw (UnetTensor *tensor, gint32 data_type, const guint8 *raw)
{
  gsize size = types[data_type].size;

  if (data_type == TYPE (FLOAT16) || data_type == TYPE (BFLOAT16)) {
    for (gsize i = 0; i < tensor->n_elements; i++)
      ((gfloat *) tensor->data)[i] =
          widen (data_type, (guint16) read_le (raw + 2 * i, 2));
    return;
  }
  if (is_packed (data_type)) {
    for (gsize i = 0; i < tensor->n_elements; i++)
      unpack (tensor, i, raw[i / 2]);
    return;
  }
  if (G_BYTE_ORDER == G_LITTLE_ENDIAN || size == 1) {
    memcpy (tensor->data, raw, tensor->n_elements * size);
    return;
  }
  for (gsize i = 0; i < tensor->n_elements; i++) {
    guint64 value = read_le (raw + size * i, size);
    if (size == 2)
      ((guint16 *) tensor->data)[i] = (guint16) value;
    else if (size == 4)
      ((guint32 *) tensor->data)[i] = (guint32) value;
    else
      ((guint64 *) tensor->data)[i] = value;
  }
}

/* Bools are stored 0 or 1 whatever the file says. */
static void
normalize_bools (UnetTensor *tensor)
{
  guint8 *data = tensor->data;

  if (tensor->dtype == UNET_DTYPE_BOOL)
    for (gsize i = 0; i < tensor->n_elements; i++)
      data[i] = data[i] != 0;
}

static void
copy_int32_data (UnetTensor *tensor, gint32 data_type, const gint32 *data)
{
  for (gsize i = 0; i < tensor->n_elements; i++)
    switch (tensor->dtype) {
      case UNET_DTYPE_F32:
        ((gfloat *) tensor->data)[i] = widen (data_type, (guint16) data[i]);
        break;
      case UNET_DTYPE_I32:
        ((gint32 *) tensor->data)[i] = data[i];
        break;
      case UNET_DTYPE_I16:
      case UNET_DTYPE_U16:
        ((guint16 *) tensor->data)[i] = (guint16) data[i];
        break;
      case UNET_DTYPE_I4:
      case UNET_DTYPE_U4:
        unpack (tensor, i, (guint) data[i / 2]);
        break;
      default:
        ((guint8 *) tensor->data)[i] = (guint8) data[i];
    }
}

/* Returns how many elements the typed field holds. */
static gsize
typed_data (const Onnx__TensorProto *proto, gconstpointer *data)
{
  switch (proto->data_type) {
    case TYPE (FLOAT):
      *data = proto->float_data;
      return proto->n_float_data;
    case TYPE (DOUBLE):
      *data = proto->double_data;
      return proto->n_double_data;
    case TYPE (INT64):
      *data = proto->int64_data;
      return proto->n_int64_data;
    case TYPE (UINT32):
    case TYPE (UINT64):
      *data = proto->uint64_data;
      return proto->n_uint64_data;
    default:
      *data = proto->int32_data;
      return proto->n_int32_data;
  }
}

static gboolean
fill_typed (const Onnx__TensorProto *proto, UnetTensor *tensor)
{
  gconstpointer data;

  if (typed_data (proto, &data)
      != count_units (proto->data_type, tensor->n_elements))
    return FALSE;
  if (tensor->n_elements == 0)
    return TRUE;
  if (data == proto->int32_data)
    copy_int32_data (tensor, proto->data_type, data);
  else if (tensor->dtype == UNET_DTYPE_U32)
    for (gsize i = 0; i < tensor->n_elements; i++)
      ((guint32 *) tensor->data)[i] = (guint32) proto->uint64_data[i];
  else
    memcpy (tensor->data, data,
        tensor->n_elements * unet_dtype_size (tensor->dtype));
  return TRUE;
}

static gboolean
fill (const Onnx__TensorProto *proto, UnetTensor *tensor, GBytes *external)
{
  gsize size = count_units (proto->data_type, tensor->n_elements)
      * types[proto->data_type].size;

  if (!external && !proto->has_raw_data)
    return fill_typed (proto, tensor);
  if (!external && proto->raw_data.len != size)
    return FALSE;
  if (size)
    copy_raw (tensor, proto->data_type,
        external ? g_bytes_get_data (external, NULL) : proto->raw_data.data);
  return TRUE;
}

/* Dimensions are checked against the data before memory is taken for them,
 * so that a few bytes cannot claim gigabytes. */
static gboolean
check_size (const Onnx__TensorProto *proto, const gchar *where, GError **error)
{
  gsize count = unet_dims_count ((guint) proto->n_dims, proto->dims), have;
  gsize size = types[proto->data_type].size;
  gconstpointer data;

  if (proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
    return TRUE;
  have = proto->has_raw_data ? proto->raw_data.len / size
                             : typed_data (proto, &data);
  if (have == count_units (proto->data_type, count))
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
      "%s: %" G_GSIZE_FORMAT " elements of data in a shape of %" G_GSIZE_FORMAT,
      where, have, count);
  return FALSE;
}

static gboolean
check_dims (const Onnx__TensorProto *proto, const gchar *where, GError **error)
{
  if (unet_onnx_dtype (proto->data_type) == UNET_DTYPE_NONE) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "%s: element type %s (%d) is not supported", where,
        unet_onnx_type_name (proto->data_type), proto->data_type);
    return FALSE;
  }
  if (proto->n_dims > UNET_MAX_DIMS) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "%s: rank %" G_GSIZE_FORMAT " is above %d", where, proto->n_dims,
        UNET_MAX_DIMS);
    return FALSE;
  }
  for (gsize i = 0; i < proto->n_dims; i++)
    if (proto->dims[i] < 0) {
      g_set_error (
          error, UNET_ERROR, UNET_ERROR_PARSE, "%s: negative dimension", where);
      return FALSE;
    }
  return check_size (proto, where, error);
}

static gboolean
read_external (const Onnx__TensorProto *proto, const gchar *folder,
    const gchar *where, GBytes **bytes, GError **error)
{
  gsize count = unet_dims_count ((guint) proto->n_dims, proto->dims), size;

  *bytes = NULL;
  if (proto->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
    return TRUE;
  count = count_units (proto->data_type, count);
  if (!g_size_checked_mul (&size, count, types[proto->data_type].size))
    size = G_MAXSIZE;
  *bytes = unet_onnx_read_external (proto, folder, size, where, error);
  return *bytes != NULL;
}

UnetTensor *
unet_onnx_tensor (const Onnx__TensorProto *proto, const gchar *folder,
    const gchar *where, GError **error)
{
  g_autoptr (UnetTensor) tensor = NULL;
  g_autoptr (GBytes) external = NULL;

  if (!check_dims (proto, where, error)
      || !read_external (proto, folder, where, &external, error))
    return NULL;
  tensor = unet_tensor_new (
      unet_onnx_dtype (proto->data_type), (guint) proto->n_dims, proto->dims);
  if (!tensor) {
    g_set_error (
        error, UNET_ERROR, UNET_ERROR_LIMIT, "%s: too large for memory", where);
    return NULL;
  }
  if (!fill (proto, tensor, external)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
        "%s: data does not fill its shape", where);
    return NULL;
  }
  normalize_bools (tensor);
  return g_steal_pointer (&tensor);
}
