/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include <string.h>

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
