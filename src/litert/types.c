/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/types.h"
#include "base/half-float.h"
#include "litert/densify.h"

static const struct {
  const gchar *name;
  UnetDType dtype;
  guint bits; /* in the file */
} types[] = {
  { "float32", UNET_DTYPE_F32, 32 },
  { "float16", UNET_DTYPE_F32, 16 },
  { "int32", UNET_DTYPE_I32, 32 },
  { "uint8", UNET_DTYPE_U8, 8 },
  { "int64", UNET_DTYPE_I64, 64 },
  { "string", UNET_DTYPE_NONE, 0 },
  { "bool", UNET_DTYPE_BOOL, 8 },
  { "int16", UNET_DTYPE_NONE, 0 },
  { "complex64", UNET_DTYPE_NONE, 0 },
  { "int8", UNET_DTYPE_I8, 8 },
  { "float64", UNET_DTYPE_F64, 64 },
  { "complex128", UNET_DTYPE_NONE, 0 },
  { "uint64", UNET_DTYPE_NONE, 0 },
  { "resource", UNET_DTYPE_NONE, 0 },
  { "variant", UNET_DTYPE_NONE, 0 },
  { "uint32", UNET_DTYPE_NONE, 0 },
  { "uint16", UNET_DTYPE_NONE, 0 },
  { "int4", UNET_DTYPE_I8, 4 },
  { "bfloat16", UNET_DTYPE_F32, 16 },
};

UnetDType
unet_litert_dtype (gint type)
{
  return type >= 0 && type < (gint) G_N_ELEMENTS (types) ? types[type].dtype
                                                         : UNET_DTYPE_NONE;
}

const gchar *
unet_litert_type_name (gint type)
{
  return type >= 0 && type < (gint) G_N_ELEMENTS (types) ? types[type].name
                                                         : "unknown";
}

static guint64
read_le (const guint8 *data, gsize size)
{
  guint64 value = 0;

  for (gsize i = 0; i < size; i++)
    value |= (guint64) data[i] << 8 * i;
  return value;
}

/* The lower half of a byte comes first. */
static gint8
read_int4 (const guint8 *data, gsize index)
{
  const guint nibble = data[index / 2] >> 4 * (index % 2) & 15;

  return (gint8) (nibble < 8 ? (gint) nibble : (gint) nibble - 16);
}

static void
copy_element (UnetTensor *to, gsize i, gint type, const guint8 *data, gsize k)
{
  switch (type) {
    case UNET_LITERT_FLOAT16:
      ((gfloat *) to->data)[i] =
          unet_float_from_half ((guint16) read_le (data + 2 * k, 2));
      break;
    case UNET_LITERT_BFLOAT16:
      ((gfloat *) to->data)[i] =
          unet_float_from_bfloat16 ((guint16) read_le (data + 2 * k, 2));
      break;
    case UNET_LITERT_INT4:
      ((gint8 *) to->data)[i] = read_int4 (data, k);
      break;
    case UNET_LITERT_BOOL:
      ((guint8 *) to->data)[i] = data[k] != 0;
      break;
    default:
      switch (unet_dtype_size (to->dtype)) {
        case 1:
          ((guint8 *) to->data)[i] = data[k];
          break;
        case 4:
          ((guint32 *) to->data)[i] = (guint32) read_le (data + 4 * k, 4);
          break;
        default:
          ((guint64 *) to->data)[i] = read_le (data + 8 * k, 8);
      }
  }
}

/* ---- quantised -------------------------------------------------------- */

static UnetTensor *
dequantize (const UnetLitertTensor *from, const UnetTensor *tensor)
{
  UnetTensor *out =
      unet_tensor_new (UNET_DTYPE_F32, tensor->n_dims, tensor->dims);
  const gsize n = from->scales.n;
  UnetTensorView view;
  gsize inner = 1;

  if (!out)
    return NULL;
  if (n > 1)
    inner = unet_dims_count (
        tensor->n_dims - from->axis - 1, tensor->dims + from->axis + 1);
  unet_tensor_view ((UnetTensor *) tensor, &view);
  for (gsize i = 0; i < tensor->n_elements; i++) {
    const gsize k = n > 1 ? i / inner % n : 0;
    const gint64 zero = k < from->zeros.n ? unet_flat_int64_at (&from->zeros, k)
                                          : 0;

    ((gfloat *) out->data)[i] =
        (gfloat) ((gdouble) unet_view_int (&view, i) - (gdouble) zero)
        * unet_flat_float_at (&from->scales, k);
  }
  return out;
}

/* ---- constants -------------------------------------------------------- */

static gboolean
fail (const UnetLitert *self, const UnetLitertTensor *tensor, UnetError code,
    const gchar *what, GError **error)
{
  g_set_error (error, UNET_ERROR, (gint) code, "%s: tensor '%s': %s",
      self->graph->name, tensor->name, what);
  return FALSE;
}

static gboolean
check_constant (
    UnetLitert *self, const UnetLitertTensor *tensor, GError **error)
{
  const gsize count = unet_dims_count (tensor->n_dims, tensor->dims);
  const gsize bits = tensor->dtype ? types[tensor->type].bits : 0;
  gsize bytes;

  if (!bits)
    return fail (self, tensor, UNET_ERROR_UNSUPPORTED,
        "its element type is not supported", error);
  for (guint i = 0; i < tensor->n_dims; i++)
    if (tensor->dims[i] < 0)
      return fail (self, tensor, UNET_ERROR_PARSE,
          "it is constant and has an open size", error);
  if (!g_size_checked_mul (&bytes, count, 8) || bytes > self->bytes_left)
    return fail (self, tensor, UNET_ERROR_LIMIT,
        "constants take more memory than a file of this size needs", error);
  self->bytes_left -= bytes;
  if (!tensor->sparsity.flat && tensor->data.n != (count * bits + 7) / 8)
    return fail (self, tensor, UNET_ERROR_PARSE,
        "its data do not fill its shape", error);
  if (tensor->is_quantized && tensor->scales.n > 1
      && (tensor->axis >= tensor->n_dims
          || tensor->dims[tensor->axis] != (gint64) tensor->scales.n))
    return fail (self, tensor, UNET_ERROR_PARSE,
        "its scales do not fit its shape", error);
  return TRUE;
}

static gboolean
fill (const UnetLitertTensor *from, UnetTensor *to)
{
  const guint8 *data = from->data.flat ? from->data.flat->data + from->data.at
                                       : NULL;
  g_autofree gsize *places = NULL;
  gsize n;

  if (!from->sparsity.flat) {
    for (gsize i = 0; i < to->n_elements; i++)
      copy_element (to, i, from->type, data, i);
    return TRUE;
  }
  places = unet_litert_sparse_places (from, to->n_elements, &n);
  if (!places || from->data.n < (n * types[from->type].bits + 7) / 8)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    copy_element (to, places[i], from->type, data, i);
  return TRUE;
}

UnetTensor *
unet_litert_constant (
    UnetLitert *self, const UnetLitertTensor *tensor, GError **error)
{
  g_autoptr (UnetTensor) out = NULL;
  UnetTensor *floats;

  if (!check_constant (self, tensor, error))
    return NULL;
  out = unet_tensor_new (tensor->dtype, tensor->n_dims, tensor->dims);
  if (!out) {
    fail (self, tensor, UNET_ERROR_LIMIT, "too large for memory", error);
    return NULL;
  }
  if (!fill (tensor, out)) {
    fail (self, tensor, UNET_ERROR_PARSE,
        "its sparse elements do not fit its shape", error);
    return NULL;
  }
  if (!tensor->is_quantized || unet_dtype_is_float (tensor->dtype))
    return g_steal_pointer (&out);
  floats = dequantize (tensor, out);
  if (!floats)
    fail (self, tensor, UNET_ERROR_LIMIT, "too large for memory", error);
  return floats;
}
