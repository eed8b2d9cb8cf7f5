/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/table.h"

gboolean
unet_arg (const UnetArgs *args, guint index, UnetTensorView *view)
{
  const UnetValue *value;

  memset (view, 0, sizeof *view);
  if (args->in) {
    if (index < args->n_in)
      *view = args->in[index];
    return view->dtype != UNET_DTYPE_NONE;
  }
  value = unet_node_input (args->node, index);
  if (!value)
    return FALSE;
  view->dtype = value->dtype;
  view->n_dims = value->n_dims;
  memcpy (view->dims, value->dims, sizeof view->dims);
  view->data = value->constant ? value->constant->data : NULL;
  return TRUE;
}

gboolean
unet_args_fail (const UnetArgs *args, GError **error, UnetError code,
    const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list list;

  va_start (list, format);
  message = g_strdup_vprintf (format, list);
  va_end (list);
  unet_node_set_error (error, args->graph, args->node, code, "%s", message);
  return FALSE;
}

UnetInts
unet_arg_ints (const UnetArgs *args, const gchar *attr, guint index,
    gint64 *ints, guint max, guint *n)
{
  UnetTensorView view;

  *n = 0;
  if (attr && unet_node_attr (args->node, attr)) {
    *n = unet_node_attr_ints (args->node, attr, ints, max);
    return UNET_INTS_KNOWN;
  }
  if (!unet_arg (args, index, &view))
    return UNET_INTS_ABSENT;
  *n = (guint) MIN (unet_view_count (&view), G_MAXUINT);
  if (!view.data)
    return UNET_INTS_OPEN;
  for (guint i = 0; i < MIN (*n, max); i++)
    ints[i] = unet_view_int (&view, i);
  return UNET_INTS_KNOWN;
}

gboolean
unet_axis (gint64 axis, guint rank, guint *out)
{
  if (axis < -(gint64) rank || axis >= (gint64) rank)
    return FALSE;
  *out = (guint) (axis < 0 ? axis + rank : axis);
  return TRUE;
}

gboolean
unet_axes_mask (const gint64 *axes, guint n, guint rank, guint *mask)
{
  guint axis;

  *mask = 0;
  if (n > UNET_MAX_DIMS)
    return FALSE;
  for (guint i = 0; i < n; i++) {
    if (!unet_axis (axes[i], rank, &axis) || *mask & 1u << axis)
      return FALSE;
    *mask |= 1u << axis;
  }
  return TRUE;
}

gboolean
unet_broadcast (guint n_a, const gint64 *a, guint n_b, const gint64 *b,
    guint *n_out, gint64 *out)
{
  gint64 result[UNET_MAX_DIMS];
  guint n = MAX (n_a, n_b);

  for (guint i = 0; i < n; i++) {
    gint64 x = i + n_a >= n ? a[i + n_a - n] : 1;
    gint64 y = i + n_b >= n ? b[i + n_b - n] : 1;
    if (x != y && x != 1 && y != 1 && x >= 0 && y >= 0)
      return FALSE;
    if (x == 1 || (x < 0 && y != 1))
      result[i] = y;
    else
      result[i] = x;
  }
  *n_out = n;
  memcpy (out, result, n * sizeof *out);
  return TRUE;
}

void
unet_infer_out (UnetNode *node, guint index, UnetDType dtype, guint n_dims,
    const gint64 *dims)
{
  UnetValue *value = unet_node_output (node, index);

  if (value)
    unet_value_set_shape (value, dtype, n_dims, dims);
}

gboolean
unet_infer_same (UnetGraph *graph, UnetNode *node, GError **error)
{
  const UnetValue *value = unet_node_input (node, 0);

  unet_infer_out (node, 0, value->dtype, value->n_dims, value->dims);
  return TRUE;
}

gboolean
unet_eval_type_fail (const UnetNode *node, UnetDType dtype, GError **error)
{
  unet_node_set_error (error, NULL, node, UNET_ERROR_UNSUPPORTED,
      "element type %s is not supported", unet_dtype_name (dtype));
  return FALSE;
}

/* ---- moving elements -------------------------------------------------- */

void
unet_strides (guint n_dims, const gint64 *dims, gint64 *strides)
{
  gint64 stride = 1;

  for (guint i = n_dims; i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
}

void
unet_broadcast_strides (
    guint n_dims, const gint64 *dims, guint n_out, gint64 *strides)
{
  gint64 own[UNET_MAX_DIMS];

  unet_strides (n_dims, dims, own);
  for (guint i = 0; i < n_out; i++) {
    gint64 k = (gint64) i + n_dims - n_out;
    strides[i] = k < 0 || dims[k] == 1 ? 0 : own[k];
  }
}

gboolean
unet_next_index (guint n_dims, const gint64 *dims, gint64 *index)
{
  for (guint i = n_dims; i-- > 0;) {
    if (++index[i] < dims[i])
      return TRUE;
    index[i] = 0;
  }
  return FALSE;
}

static void
copy_row (gsize size, gint64 n, gchar *dst, gint64 dst_stride, const gchar *src,
    gint64 src_stride)
{
#define COPY(type)                                                             \
  for (gint64 i = 0; i < n; i++)                                               \
  ((type *) (gpointer) dst)[i * dst_stride] =                                  \
      ((const type *) (gconstpointer) src)[i * src_stride]

  if (dst_stride == 1 && src_stride == 1)
    memcpy (dst, src, (gsize) n * size);
  else if (size == 4)
    COPY (guint32);
  else if (size == 8)
    COPY (guint64);
  else
    COPY (guint8);
#undef COPY
}

void
unet_copy_strided (gsize size, guint n_dims, const gint64 *dims, gpointer dst,
    const gint64 *dst_strides, gconstpointer src, const gint64 *src_strides)
{
  if (n_dims == 0) {
    memcpy (dst, src, size);
    return;
  }
  if (n_dims == 1) {
    copy_row (size, dims[0], dst, dst_strides[0], src, src_strides[0]);
    return;
  }
  for (gint64 i = 0; i < dims[0]; i++)
    unet_copy_strided (size, n_dims - 1, dims + 1,
        (gchar *) dst + i * dst_strides[0] * (gint64) size, dst_strides + 1,
        (const gchar *) src + i * src_strides[0] * (gint64) size,
        src_strides + 1);
}

void
unet_copy_all (const UnetTensorView *in, UnetTensorView *out)
{
  gsize size = unet_view_count (out) * unet_dtype_size (out->dtype);

  if (size && out->data != in->data)
    memcpy (out->data, in->data, size);
}

void
unet_view_set_int (UnetTensorView *view, gsize index, gint64 value)
{
  switch (view->dtype) {
    case UNET_DTYPE_I64:
      ((gint64 *) view->data)[index] = value;
      break;
    case UNET_DTYPE_I32:
      ((gint32 *) view->data)[index] = (gint32) value;
      break;
    case UNET_DTYPE_I8:
    case UNET_DTYPE_U8:
      ((guint8 *) view->data)[index] = (guint8) value;
      break;
    case UNET_DTYPE_BOOL:
      ((guint8 *) view->data)[index] = value != 0;
      break;
    case UNET_DTYPE_F32:
      ((gfloat *) view->data)[index] = (gfloat) value;
      break;
    case UNET_DTYPE_F64:
      ((gdouble *) view->data)[index] = (gdouble) value;
      break;
    default:
      break;
  }
}

void
unet_view_set_float (UnetTensorView *view, gsize index, gdouble value)
{
  if (view->dtype == UNET_DTYPE_F32)
    ((gfloat *) view->data)[index] = (gfloat) value;
  else if (view->dtype == UNET_DTYPE_F64)
    ((gdouble *) view->data)[index] = value;
  else if (view->dtype == UNET_DTYPE_BOOL)
    ((guint8 *) view->data)[index] = value != 0;
  else
    unet_view_set_int (view, index, unet_int_from_double (value));
}

gsize
unet_view_count (const UnetTensorView *view)
{
  return unet_dims_count (view->n_dims, view->dims);
}
