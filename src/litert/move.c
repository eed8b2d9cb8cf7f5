/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/move.h"
#include "litert/ops.h"
#include <string.h>

static gboolean
fail_open (const UnetLitertOp *op, const gchar *what, GError **error)
{
  return unet_litert_fail (
      op, error, UNET_ERROR_UNSUPPORTED, "%s not constant", what);
}

/* The shape is an input, or in the options of old files. */
gboolean
unet_litert_reshape (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error), *shape;
  gint64 dims[UNET_MAX_DIMS];
  UnetFlatVector given;
  guint n;

  if (!x)
    return FALSE;
  if (unet_litert_input (op, 1)
      && !unet_litert_ints (op, 1, dims, UNET_MAX_DIMS, &n)) {
    shape = unet_litert_real (op, 1, error);
    return shape
        && unet_litert_set (op, 0,
            unet_litert_add_binary (op, UNET_OP_Reshape, x, shape), error);
  }
  if (!unet_litert_input (op, 1)) {
    unet_flat_vector (&op->options, 0, 4, &given);
    if (given.n > UNET_MAX_DIMS)
      return unet_litert_fail (
          op, error, UNET_ERROR_LIMIT, "a rank of %" G_GSIZE_FORMAT, given.n);
    n = (guint) given.n;
    for (guint i = 0; i < n; i++)
      dims[i] = unet_flat_int32_at (&given, i);
  }
  return unet_litert_set (
      op, 0, unet_litert_add_reshape (op, x, dims, n), error);
}

gboolean
unet_litert_squeeze (const UnetLitertOp *op, GError **error)
{
  UnetValue *inputs[2] = { unet_litert_real (op, 0, error), NULL };
  gint64 axes[UNET_MAX_DIMS];
  UnetFlatVector given;

  unet_flat_vector (&op->options, 0, 4, &given);
  if (!inputs[0])
    return FALSE;
  if (given.n > UNET_MAX_DIMS)
    return unet_litert_fail (op, error, UNET_ERROR_PARSE, "too many axes");
  for (guint i = 0; i < given.n; i++)
    axes[i] = unet_flat_int32_at (&given, i);
  if (given.n)
    inputs[1] = unet_litert_add_ints (op, axes, (guint) given.n);
  return unet_litert_set (op, 0,
      unet_litert_add (op, UNET_OP_Squeeze, inputs, given.n ? 2 : 1), error);
}

static UnetValue *
add_unsqueeze (const UnetLitertOp *op, UnetValue *x, gint64 axis)
{
  return unet_litert_add_binary (
      op, UNET_OP_Unsqueeze, x, unet_litert_add_ints (op, &axis, 1));
}

gboolean
unet_litert_expand_dims (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error);
  gint64 axis;
  guint n;

  if (!x)
    return FALSE;
  if (!unet_litert_ints (op, 1, &axis, 1, &n) || n != 1)
    return fail_open (op, "its axis is", error);
  return unet_litert_set (op, 0, add_unsqueeze (op, x, axis), error);
}

/* ---- joining and splitting -------------------------------------------- */

/* @axis: of the option; @pack: each input gets this axis first */
static gboolean
join (const UnetLitertOp *op, gint64 axis, gboolean pack, gint64 activation,
    GError **error)
{
  const guint n = (guint) op->inputs.n;
  g_autofree UnetValue **inputs = g_new0 (UnetValue *, MAX (n, 1));
  UnetValue *y;

  for (guint i = 0; i < n; i++) {
    if (!(inputs[i] = unet_litert_real (op, i, error)))
      return FALSE;
    if (pack)
      inputs[i] = add_unsqueeze (op, inputs[i], axis);
  }
  if (n == 0)
    return unet_litert_fail (op, error, UNET_ERROR_PARSE, "it has no input");
  y = unet_litert_add (op, UNET_OP_Concat, inputs, n);
  unet_node_set_attr_int (y->producer, "axis", axis);
  y = unet_litert_add_activation (op, y, activation, error);
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_concatenation (const UnetLitertOp *op, GError **error)
{
  return join (op, unet_flat_int32 (&op->options, 0, 0), FALSE,
      unet_flat_int8 (&op->options, 1, 0), error);
}

gboolean
unet_litert_pack (const UnetLitertOp *op, GError **error)
{
  return join (op, unet_flat_int32 (&op->options, 1, 0), TRUE, 0, error);
}

/* Adds a Split with all outputs of the operator. @sizes: (nullable): equal */
static UnetNode *
add_split (const UnetLitertOp *op, UnetValue *x, gint64 axis, UnetValue *sizes)
{
  UnetValue *const inputs[] = { x, sizes };
  UnetValue *y = unet_litert_add (op, UNET_OP_Split, inputs, sizes ? 2 : 1);

  unet_node_set_attr_int (y->producer, "axis", axis);
  if (!sizes)
    unet_node_set_attr_int (y->producer, "num_outputs", (gint64) op->outputs.n);
  for (guint i = 1; i < op->outputs.n; i++)
    unet_node_add_output (
        y->producer, unet_graph_add_value (op->litert->graph, op->name));
  return y->producer;
}

gboolean
unet_litert_unpack (const UnetLitertOp *op, GError **error)
{
  const gint64 axis = unet_flat_int32 (&op->options, 1, 0);
  UnetValue *x = unet_litert_real (op, 0, error);
  UnetNode *split;

  if (!x)
    return FALSE;
  split = add_split (op, x, axis, NULL);
  for (guint i = 0; i < op->outputs.n; i++)
    if (!unet_litert_set (op, i,
            unet_litert_add_binary (op, UNET_OP_Squeeze,
                unet_node_output (split, i),
                unet_litert_add_ints (op, &axis, 1)),
            error))
      return FALSE;
  return TRUE;
}

/* SPLIT has axis and input, SPLIT_V input, sizes and axis. */
gboolean
unet_litert_split (const UnetLitertOp *op, GError **error)
{
  const gboolean sized = op->code == UNET_LITERT_SPLIT_V;
  UnetValue *x = unet_litert_real (op, sized ? 0 : 1, error), *sizes = NULL;
  gint64 axis;
  UnetNode *split;
  guint n;

  if (!x || (sized && !(sizes = unet_litert_real (op, 1, error))))
    return FALSE;
  if (!unet_litert_ints (op, sized ? 2 : 0, &axis, 1, &n) || n != 1)
    return fail_open (op, "its axis is", error);
  split = add_split (op, x, axis, sizes);
  for (guint i = 0; i < op->outputs.n; i++)
    if (!unet_litert_set (op, i, unet_node_output (split, i), error))
      return FALSE;
  return TRUE;
}

/* ---- parts ------------------------------------------------------------ */

/* A size of -1 reaches to the end. */
gboolean
unet_litert_slice (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error);
  gint64 starts[UNET_MAX_DIMS], sizes[UNET_MAX_DIMS], steps[UNET_MAX_DIMS];
  guint n, n_sizes;

  if (!x)
    return FALSE;
  if (!unet_litert_ints (op, 1, starts, UNET_MAX_DIMS, &n)
      || !unet_litert_ints (op, 2, sizes, UNET_MAX_DIMS, &n_sizes)
      || n != n_sizes)
    return fail_open (op, "its places are", error);
  for (guint i = 0; i < n; i++) {
    sizes[i] = sizes[i] < 0 ? G_MAXINT32 : starts[i] + sizes[i];
    steps[i] = 1;
  }
  return unet_litert_set (
      op, 0, unet_litert_add_slice (op, x, starts, sizes, steps, n), error);
}

enum {
  BEGIN_MASK,
  END_MASK,
  ELLIPSIS_MASK,
  NEW_AXIS_MASK,
  SHRINK_MASK,
  OFFSET
};

/* Axes of @shrink have one element, and go. */
static gboolean
finish_slice (const UnetLitertOp *op, UnetValue *y, guint64 shrink, guint n,
    GError **error)
{
  gint64 axes[UNET_MAX_DIMS];
  guint k = 0;

  for (guint i = 0; i < n; i++)
    if (shrink & (guint64) 1 << i)
      axes[k++] = i;
  if (k)
    y = unet_litert_add_binary (
        op, UNET_OP_Squeeze, y, unet_litert_add_ints (op, axes, k));
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_strided_slice (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error);
  gint64 starts[UNET_MAX_DIMS], ends[UNET_MAX_DIMS], steps[UNET_MAX_DIMS];
  guint64 masks[OFFSET + 1];
  guint n[3];

  if (!x)
    return FALSE;
  for (guint i = 0; i < OFFSET; i++)
    masks[i] = (guint64) unet_flat_int32 (&op->options, i, 0);
  if (masks[ELLIPSIS_MASK] || masks[NEW_AXIS_MASK]
      || unet_flat_uint8 (&op->options, OFFSET, 0))
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "an ellipsis, new axes and offsets are not supported");
  if (!unet_litert_ints (op, 1, starts, UNET_MAX_DIMS, &n[0])
      || !unet_litert_ints (op, 2, ends, UNET_MAX_DIMS, &n[1])
      || !unet_litert_ints (op, 3, steps, UNET_MAX_DIMS, &n[2]) || n[0] != n[1]
      || n[0] != n[2])
    return fail_open (op, "its places are", error);
  for (guint i = 0; i < n[0]; i++) {
    const guint64 bit = (guint64) 1 << i;
    const gboolean back = steps[i] < 0;
    if (masks[SHRINK_MASK] & bit) {
      steps[i] = 1;
      ends[i] = starts[i] == -1 ? G_MAXINT32 : starts[i] + 1;
      continue;
    }
    if (masks[BEGIN_MASK] & bit)
      starts[i] = back ? G_MAXINT32 : 0;
    if (masks[END_MASK] & bit)
      ends[i] = back ? -(gint64) G_MAXINT32 : G_MAXINT32;
  }
  return finish_slice (op,
      unet_litert_add_slice (op, x, starts, ends, steps, n[0]),
      masks[SHRINK_MASK], n[0], error);
}

/* ---- padding ---------------------------------------------------------- */

/* A mirror that repeats the edge is the edge itself for one element. */
static const gchar *
mirror_mode (const UnetLitertOp *op, const gint64 *pads, guint n)
{
  if (unet_flat_int8 (&op->options, 0, 0) == 0)
    return "reflect";
  for (guint i = 0; i < n; i++)
    if (pads[i] > 1)
      return NULL;
  return "edge";
}

gboolean
unet_litert_pad (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *x = unet_litert_input (op, 0);
  UnetValue *inputs[3] = { unet_litert_real (op, 0, error), NULL, NULL }, *y;
  gint64 pairs[2 * UNET_MAX_DIMS], pads[2 * UNET_MAX_DIMS];
  const gchar *mode = "constant";
  guint n;

  if (!inputs[0])
    return FALSE;
  if (!unet_litert_ints (op, 1, pairs, 2 * UNET_MAX_DIMS, &n)
      || n != 2 * x->n_dims)
    return fail_open (op, "its padding is", error);
  for (guint i = 0; i < n; i++)
    pads[i / 2 + (i % 2) * x->n_dims] = pairs[i];
  if (op->code == UNET_LITERT_MIRROR_PAD)
    mode = mirror_mode (op, pads, n);
  if (!mode)
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "symmetric padding of more than one element is not supported");
  inputs[1] = unet_litert_add_ints (op, pads, n);
  if (op->code == UNET_LITERT_PADV2
      && !(inputs[2] = unet_litert_real (op, 2, error)))
    return FALSE;
  y = unet_litert_add (op, UNET_OP_Pad, inputs, inputs[2] ? 3 : 2);
  unet_node_set_attr_string (y->producer, "mode", mode);
  return unet_litert_set (op, 0, y, error);
}

/* ---- order, shape ----------------------------------------------------- */

gboolean
unet_litert_transpose (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *x = unet_litert_input (op, 0);
  UnetValue *value = unet_litert_real (op, 0, error);
  gint64 perm[UNET_MAX_DIMS];
  guint n;

  if (!value)
    return FALSE;
  if (!unet_litert_ints (op, 1, perm, UNET_MAX_DIMS, &n) || n != x->n_dims)
    return fail_open (op, "its order of axes is", error);
  return unet_litert_set (
      op, 0, unet_litert_add_transpose (op, value, perm, n), error);
}

gboolean
unet_litert_shape (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *to = unet_litert_output (op, 0);
  UnetValue *x = unet_litert_real (op, 0, error), *y;

  if (!x || !to)
    return FALSE;
  y = unet_litert_add_unary (op, UNET_OP_Shape, x);
  if (to->dtype != UNET_DTYPE_I64) {
    y = unet_litert_add_unary (op, UNET_OP_Cast, y);
    unet_node_set_attr_int (y->producer, "to", to->dtype);
  }
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_gather (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error), *indices, *y;

  if (!x || !(indices = unet_litert_real (op, 1, error)))
    return FALSE;
  if (unet_flat_int32 (&op->options, 1, 0) != 0)
    return unet_litert_fail (
        op, error, UNET_ERROR_UNSUPPORTED, "batch_dims are not supported");
  y = unet_litert_add_binary (op, UNET_OP_Gather, x, indices);
  unet_node_set_attr_int (
      y->producer, "axis", unet_flat_int32 (&op->options, 0, 0));
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_repeat (const UnetLitertOp *op, GError **error)
{
  const gboolean fill = op->code == UNET_LITERT_FILL;
  UnetValue *x = unet_litert_real (op, fill ? 1 : 0, error), *n;

  if (!x || !(n = unet_litert_real (op, fill ? 0 : 1, error)))
    return FALSE;
  return unet_litert_set (op, 0,
      unet_litert_add_binary (op,
          op->code == UNET_LITERT_TILE ? UNET_OP_Tile : UNET_OP_Expand, x, n),
      error);
}
