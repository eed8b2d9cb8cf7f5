/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include "graph/ops/window.h"
#include <string.h>

/* Operators that place elements elsewhere: crops, the ways back from pooling
 * and from columns, and sequences turned round. */

static gboolean
fail (const UnetArgs *args, const gchar *what, GError **error)
{
  return unet_args_fail (args, error, UNET_ERROR_SHAPE, "%s", what);
}

/* ---- CenterCropPad ---------------------------------------------------- */

/* The middle of each axis: what is too much goes, what lacks is 0. */
static void
expand_crop (UnetExpansion *e, const gint64 *target)
{
  UnetValue *x = unet_node_input (e->node, 0);
  const guint n = x->n_dims;
  gint64 starts[UNET_MAX_DIMS], ends[UNET_MAX_DIMS], pads[2 * UNET_MAX_DIMS];
  UnetValue *in[3] = { x, NULL, NULL };

  for (guint i = 0; i < n; i++) {
    const gint64 more = x->dims[i] - target[i], less = -more;
    starts[i] = more > 0 ? more / 2 : 0;
    ends[i] = more > 0 ? starts[i] + target[i] : x->dims[i];
    pads[i] = less > 0 ? less / 2 : 0;
    pads[n + i] = less > 0 ? less - less / 2 : 0;
  }
  in[1] = unet_graph_add_constant (
      e->graph, e->node->name, unet_tensor_new_ints (starts, n));
  in[2] = unet_graph_add_constant (
      e->graph, e->node->name, unet_tensor_new_ints (ends, n));
  in[0] = unet_expansion_insert (e, UNET_OP_Slice, in, 3);
  in[1] = unet_graph_add_constant (
      e->graph, e->node->name, unet_tensor_new_ints (pads, 2 * n));
  unet_expansion_become (e, UNET_OP_Pad, in, 2);
}

UNET_INFER (CenterCropPad)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetExpansion e = { graph, node };
  const UnetValue *x = unet_node_input (node, 0);
  gint64 shape[UNET_MAX_DIMS], axes[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  guint n, n_axes = x->n_dims, mask, axis;
  UnetInts state = unet_arg_ints (&args, NULL, 1, shape, UNET_MAX_DIMS, &n);
  gboolean open = state != UNET_INTS_KNOWN;

  for (guint i = 0; i < x->n_dims; i++)
    axes[i] = i;
  if (unet_node_attr (node, "axes"))
    n_axes = unet_node_attr_ints (node, "axes", axes, UNET_MAX_DIMS);
  if (n != n_axes || n > UNET_MAX_DIMS
      || !unet_axes_mask (axes, n, x->n_dims, &mask))
    return fail (&args, "axes or shape do not fit the rank", error);
  memcpy (dims, x->dims, sizeof dims);
  for (guint i = 0; i < n; i++) {
    unet_axis (axes[i], x->n_dims, &axis);
    dims[axis] = open ? -1 : shape[i];
    if (!open && shape[i] < 0)
      return fail (&args, "the shape is negative", error);
  }
  unet_infer_out (node, 0, x->dtype, x->n_dims, dims);
  for (guint i = 0; i < x->n_dims; i++)
    open = open || x->dims[i] < 0;
  if (!open && unet_dims_are_sane (x->n_dims, dims))
    expand_crop (&e, dims);
  return TRUE;
}

/* ---- MaxUnpool -------------------------------------------------------- */

/* Sets the shape to which the indices belong. */
static gboolean
find_pooled_shape (
    const UnetArgs *args, const UnetTensorView *x, gint64 *dims, GError **error)
{
  const UnetNode *node = args->node;
  const guint n = x->n_dims - 2;
  gint64 kernel[3], strides[3] = { 1, 1, 1 }, pads[6] = { 0 };

  if (x->n_dims < 3 || n > 3
      || unet_node_attr_ints (node, "kernel_shape", kernel, 3) != n
      || (unet_node_attr (node, "strides")
          && unet_node_attr_ints (node, "strides", strides, 3) != n)
      || (unet_node_attr (node, "pads")
          && unet_node_attr_ints (node, "pads", pads, 6) != 2 * n))
    return fail (args, "the attributes do not fit the rank", error);
  memcpy (dims, x->dims, 2 * sizeof *dims);
  for (guint i = 0; i < n; i++) {
    if (kernel[i] < 1 || kernel[i] > G_MAXINT16 || strides[i] < 1
        || strides[i] > G_MAXINT16 || pads[i] < 0 || pads[i] > G_MAXINT16
        || pads[n + i] < 0 || pads[n + i] > G_MAXINT16)
      return fail (args, "the attributes make no sense", error);
    dims[i + 2] = x->dims[i + 2] < 0
        ? -1
        : (x->dims[i + 2] - 1) * strides[i] - pads[i] - pads[n + i] + kernel[i];
    if (x->dims[i + 2] >= 0 && dims[i + 2] < 1)
      return fail (args, "nothing is left of the output", error);
  }
  return TRUE;
}

UNET_INFER (MaxUnpool)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x, indices;
  gint64 dims[UNET_MAX_DIMS], given[UNET_MAX_DIMS];
  guint n;
  UnetInts state = unet_arg_ints (&args, NULL, 2, given, UNET_MAX_DIMS, &n);

  unet_arg (&args, 0, &x);
  unet_arg (&args, 1, &indices);
  if (!find_pooled_shape (&args, &x, dims, error))
    return FALSE;
  if (indices.n_dims != x.n_dims || indices.dtype != UNET_DTYPE_I64
      || memcmp (indices.dims, x.dims, x.n_dims * sizeof *x.dims)
      || (state != UNET_INTS_ABSENT && n != x.n_dims))
    return fail (&args, "indices or shape do not fit the input", error);
  for (guint i = 0; state != UNET_INTS_ABSENT && i < n; i++) {
    if (state == UNET_INTS_KNOWN
        && (given[i] < 1 || (i < 2 && x.dims[i] >= 0 && given[i] != x.dims[i])))
      return fail (&args, "the shape does not fit the input", error);
    dims[i] = state == UNET_INTS_KNOWN ? given[i] : -1;
  }
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  return TRUE;
}

UNET_EVAL (MaxUnpool)
{
  UnetArgs args = UNET_EVAL_ARGS;
  const gsize size = unet_dtype_size (out->dtype);
  gint64 dims[UNET_MAX_DIMS], strides[UNET_MAX_DIMS];

  if (!find_pooled_shape (&args, &in[0], dims, error))
    return FALSE;
  unet_strides (out->n_dims, out->dims, strides);
  memset (out->data, 0, unet_view_count (out) * size);
  for (gsize k = 0, n = unet_view_count (&in[0]); k < n; k++) {
    gint64 index = unet_view_int (&in[1], k), to = 0;
    gboolean inside = index >= 0;
    for (guint i = out->n_dims; inside && i-- > 0; index /= dims[i]) {
      inside = index % dims[i] < out->dims[i];
      to += index % dims[i] * strides[i];
    }
    if (!inside || index > 0)
      return fail (&args, "an index lies outside of the output", error);
    memcpy ((gchar *) out->data + (gsize) to * size,
        (const gchar *) in[0].data + k * size, size);
  }
  return TRUE;
}

/* ---- Col2Im ----------------------------------------------------------- */

typedef struct {
  guint n;
  gint64 image[3], block[3], stride[3], dilation[3], pad[3], steps[3];
  gint64 taps, places;
} Columns;

/* Returns %FALSE without an error where the shapes are open. */
static gboolean
read_columns (const UnetArgs *args, Columns *c, GError **error)
{
  const UnetNode *node = args->node;
  gint64 pads[6] = { 0 };
  guint n_block;
  UnetInts image = unet_arg_ints (args, NULL, 1, c->image, 3, &c->n);
  UnetInts block = unet_arg_ints (args, NULL, 2, c->block, 3, &n_block);

  if (c->n < 1 || c->n > 3 || n_block != c->n)
    return fail (args, "image and block do not fit each other", error);
  if (image != UNET_INTS_KNOWN || block != UNET_INTS_KNOWN)
    return FALSE;
  for (guint i = 0; i < 3; i++)
    c->stride[i] = c->dilation[i] = 1;
  unet_node_attr_ints (node, "strides", c->stride, c->n);
  unet_node_attr_ints (node, "dilations", c->dilation, c->n);
  unet_node_attr_ints (node, "pads", pads, 2 * c->n);
  c->taps = c->places = 1;
  for (guint i = 0; i < c->n; i++) {
    gint64 room;
    if (c->image[i] < 1 || c->image[i] > G_MAXINT16 || c->block[i] < 1
        || c->block[i] > G_MAXINT16 || c->stride[i] < 1
        || c->stride[i] > G_MAXINT16 || c->dilation[i] < 1
        || c->dilation[i] > G_MAXINT16 || pads[i] < 0 || pads[i] > G_MAXINT16
        || pads[c->n + i] < 0 || pads[c->n + i] > G_MAXINT16)
      return fail (args, "sizes or attributes make no sense", error);
    c->pad[i] = pads[i];
    room = c->image[i] + pads[i] + pads[c->n + i]
        - c->dilation[i] * (c->block[i] - 1) - 1;
    if (room < 0)
      return fail (args, "the block is larger than the image", error);
    c->steps[i] = room / c->stride[i] + 1;
    c->taps *= c->block[i];
    c->places *= c->steps[i];
  }
  return TRUE;
}

UNET_INFER (Col2Im)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  g_autoptr (GError) local = NULL;
  gint64 dims[5];
  Columns c;

  if (!read_columns (&args, &c, &local)) {
    unet_node_output (node, 0)->has_shape = FALSE;
    if (local)
      g_propagate_error (error, g_steal_pointer (&local));
    return !error || !*error;
  }
  if (x->n_dims != 3 || (x->dims[1] >= 0 && x->dims[1] % c.taps)
      || (x->dims[2] >= 0 && x->dims[2] != c.places))
    return fail (&args, "the columns do not fit image and block", error);
  dims[0] = x->dims[0];
  dims[1] = x->dims[1] < 0 ? -1 : x->dims[1] / c.taps;
  memcpy (dims + 2, c.image, c.n * sizeof *dims);
  unet_infer_out (node, 0, x->dtype, c.n + 2, dims);
  return TRUE;
}

/* Adds one row of columns, those of tap @tap, to a plane. */
static void
add_columns (const Columns *c, const UnetTensorView *x, gsize row,
    const gint64 *tap, UnetTensorView *out, gsize plane)
{
  gint64 at[3] = { 0 };
  gsize from = row * (gsize) c->places;

  do {
    gint64 to = 0;
    gboolean inside = TRUE;
    for (guint i = 0; i < c->n; i++) {
      gint64 p = at[i] * c->stride[i] - c->pad[i] + tap[i] * c->dilation[i];
      inside = inside && p >= 0 && p < c->image[i];
      to = to * c->image[i] + p;
    }
    if (inside)
      unet_view_set_float (out, plane + (gsize) to,
          unet_view_float (out, plane + (gsize) to)
              + unet_view_float (x, from));
    from++;
  } while (unet_next_index (c->n, c->steps, at));
}

UNET_EVAL (Col2Im)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gsize planes = (gsize) (out->dims[0] * out->dims[1]), row = 0, size = 1;
  Columns c;

  if (!read_columns (&args, &c, error))
    return FALSE;
  for (guint i = 0; i < c.n; i++)
    size *= (gsize) c.image[i];
  memset (out->data, 0, unet_view_count (out) * unet_dtype_size (out->dtype));
  for (gsize plane = 0; plane < planes; plane++) {
    gint64 tap[3] = { 0 };
    do {
      add_columns (&c, &in[0], row++, tap, out, plane * size);
    } while (unet_next_index (c.n, c.block, tap));
  }
  return TRUE;
}

/* ---- ReverseSequence -------------------------------------------------- */

UNET_INFER (ReverseSequence)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  const UnetValue *lengths = unet_node_input (node, 1);
  gint64 batch = unet_node_attr_int (node, "batch_axis", 1);
  gint64 time = unet_node_attr_int (node, "time_axis", 0);

  if (x->n_dims < 2 || batch < 0 || batch > 1 || time != 1 - batch
      || lengths->n_dims != 1
      || (x->dims[batch] >= 0 && lengths->dims[0] >= 0
          && lengths->dims[0] != x->dims[batch]))
    return fail (&args, "axes or lengths do not fit the input", error);
  return unet_infer_same (graph, node, error);
}

UNET_EVAL (ReverseSequence)
{
  const gsize batch = unet_node_attr_int (node, "batch_axis", 1) != 0;
  const gsize size = unet_dtype_size (out->dtype)
      * unet_dims_count (out->n_dims - 2, out->dims + 2);

  for (gsize a = 0; a < (gsize) out->dims[0]; a++)
    for (gsize b = 0; b < (gsize) out->dims[1]; b++) {
      const gint64 time = (gint64) (batch ? a : b);
      const gint64 n = CLAMP (
          unet_view_int (&in[1], batch ? b : a), 0, out->dims[1 - batch]);
      const gsize from = (gsize) (time < n ? n - 1 - time : time);
      const gsize row = batch ? from * (gsize) out->dims[1] + b
                              : a * (gsize) out->dims[1] + from;
      memcpy ((gchar *) out->data + (a * (gsize) out->dims[1] + b) * size,
          (const gchar *) in[0].data + row * size, size);
    }
  return TRUE;
}
