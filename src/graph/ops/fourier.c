/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include <math.h>
#include <string.h>

/* Fourier transforms as products with a constant matrix of cosines and sines.
 * Complex numbers are pairs in the last dimension, so that a line of n numbers
 * with 1 or 2 parts is a row of the product. */

/* Elements of the matrix: 64 MiB. */
#define MAX_MATRIX (1 << 24)

typedef struct {
  gint64 n, parts;  /* of the input */
  gint64 length, m; /* of the transform; numbers that it gives */
  gboolean inverse;
} Transform;

static gboolean
check_transform (const UnetArgs *args, const Transform *t, GError **error)
{
  if (t->parts < 1 || t->parts > 2 || t->length < 1 || t->n < 1)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "the input has neither real nor complex numbers to transform");
  if (t->n > MAX_MATRIX || t->m > MAX_MATRIX
      || t->n * t->parts > MAX_MATRIX / (t->m * 2))
    return unet_args_fail (args, error, UNET_ERROR_LIMIT,
        "a transform of %" G_GINT64_FORMAT " numbers is too long", t->length);
  return TRUE;
}

/* [n * parts, m * 2]; zeros behind the end of the transform. */
static UnetValue *
make_matrix (UnetExpansion *e, const Transform *t, UnetDType dtype)
{
  const gint64 dims[2] = { t->n * t->parts, t->m * 2 };
  UnetTensor *tensor = unet_tensor_new (dtype, 2, dims);
  const gdouble scale = t->inverse ? 1 / (gdouble) t->length : 1;
  UnetTensorView view;

  if (!tensor)
    return NULL;
  unet_tensor_view (tensor, &view);
  for (gint64 i = 0; i < MIN (t->n, t->length); i++)
    for (gint64 k = 0; k < t->m; k++) {
      const gdouble angle =
          2 * G_PI * (gdouble) (i * k % t->length) / (gdouble) t->length;
      const gdouble c = scale * cos (angle);
      const gdouble s = (t->inverse ? scale : -scale) * sin (angle);
      gsize at = (gsize) (i * t->parts * dims[1] + 2 * k);
      unet_view_set_float (&view, at, c);
      unet_view_set_float (&view, at + 1, s);
      if (t->parts == 1)
        continue;
      at += (gsize) dims[1];
      unet_view_set_float (&view, at, -s);
      unet_view_set_float (&view, at + 1, c);
    }
  return unet_graph_add_constant (e->graph, e->node->name, tensor);
}

/* Multiplies the rows of @x, whose last two dimensions are those of the
 * transform. Returns the product, not yet in shape, or %NULL without memory. */
static UnetValue *
multiply (UnetExpansion *e, const Transform *t, UnetValue *x, gint64 rows,
    GError **error)
{
  const gsize size = (gsize) (t->n * t->parts * t->m * 2);
  UnetValue *matrix;

  if (!unet_expansion_claim (e, size * unet_dtype_size (x->dtype), error))
    return NULL;
  matrix = make_matrix (e, t, x->dtype);
  if (!matrix) {
    unet_node_set_error (error, e->graph, e->node, UNET_ERROR_LIMIT,
        "no memory for the transform");
    return NULL;
  }
  x = unet_expansion_reshape (
      e, x, 2, (const gint64[]){ rows, t->n * t->parts });
  return unet_expansion_binary (e, UNET_OP_MatMul, x, matrix);
}

static gboolean
leave_open (UnetNode *node, const UnetValue *x)
{
  unet_node_output (node, 0)->dtype = x->dtype;
  unet_node_output (node, 0)->has_shape = FALSE;
  return TRUE;
}

static gboolean
refuse_type (const UnetArgs *args, const UnetValue *x, GError **error)
{
  return unet_args_fail (args, error, UNET_ERROR_UNSUPPORTED,
      "element type %s is not supported", unet_dtype_name (x->dtype));
}

/* ---- DFT -------------------------------------------------------------- */

/* Transforms along @axis, which goes to the last place but one and back. */
static gboolean
expand_dft (UnetExpansion *e, const Transform *t, guint axis, GError **error)
{
  UnetValue *x = unet_node_input (e->node, 0), *in[2];
  const guint rank = x->n_dims;
  const gint64 count = (gint64) unet_dims_count (rank, x->dims);
  gint64 perm[UNET_MAX_DIMS], back[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];

  for (guint i = 0; i < rank; i++)
    perm[i] = i < axis || i == rank - 1 ? i : i == rank - 2 ? axis : i + 1;
  for (guint i = 0; i < rank; i++) {
    back[perm[i]] = i;
    dims[i] = x->dims[perm[i]];
  }
  dims[rank - 2] = t->m;
  dims[rank - 1] = 2;
  x = unet_expansion_transpose (e, x, perm);
  x = multiply (e, t, x, count / (t->n * t->parts), error);
  if (!x)
    return FALSE;
  x->dtype = unet_node_input (e->node, 0)->dtype;
  x = unet_expansion_reshape (e, x, rank, dims);
  in[0] = unet_expansion_transpose (e, x, back);
  unet_expansion_become (e, UNET_OP_Identity, in, 1);
  return TRUE;
}

UNET_INFER (DFT)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetExpansion e = { graph, node };
  const UnetValue *x = unet_node_input (node, 0);
  gint64 number = node->since < 20 ? unet_node_attr_int (node, "axis", 1) : -2;
  gboolean onesided = unet_node_attr_int (node, "onesided", 0) != 0, open;
  Transform t = { .inverse = unet_node_attr_int (node, "inverse", 0) != 0 };
  UnetInts state;
  guint axis, n;

  if (!unet_dtype_is_float (x->dtype))
    return refuse_type (&args, x, error);
  open = unet_arg_ints (&args, NULL, 2, &number, 1, &n) == UNET_INTS_OPEN;
  state = unet_arg_ints (&args, NULL, 1, &t.length, 1, &n);
  if (!unet_expansion_knows_dims (x) || open || state == UNET_INTS_OPEN)
    return leave_open (node, x);
  if (x->n_dims < 2 || !unet_axis (number, x->n_dims, &axis)
      || axis == x->n_dims - 1)
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "the axis does not fit rank %u", x->n_dims);
  if (onesided && t.inverse)
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "'inverse' of a one-sided transform is not supported; export the whole "
        "spectrum");
  t.n = x->dims[axis];
  t.parts = x->dims[x->n_dims - 1];
  t.length = state == UNET_INTS_ABSENT ? t.n : t.length;
  t.m = onesided ? t.length / 2 + 1 : t.length;
  return check_transform (&args, &t, error) && expand_dft (&e, &t, axis, error);
}

/* ---- STFT ------------------------------------------------------------- */

/* Copies the frames of [batch, length, parts], each after the other. */
static UnetValue *
cut_frames (
    UnetExpansion *e, UnetValue *x, gint64 frames, gint64 size, gint64 step)
{
  const gint64 dims[1] = { frames * size };
  UnetTensor *places = unet_tensor_new (UNET_DTYPE_I64, 1, dims);
  UnetValue *y;

  if (!places)
    return NULL;
  for (gint64 i = 0; i < dims[0]; i++)
    ((gint64 *) places->data)[i] = i / size * step + i % size;
  y = unet_expansion_binary (e, UNET_OP_Gather, x,
      unet_graph_add_constant (e->graph, e->node->name, places));
  unet_node_set_attr_int (y->producer, "axis", 1);
  y->dtype = x->dtype;
  return y;
}

static gboolean
expand_stft (UnetExpansion *e, const Transform *t, gint64 step, GError **error)
{
  UnetValue *x = unet_node_input (e->node, 0), *y;
  UnetValue *window = unet_node_input (e->node, 2), *in[2];
  const gint64 batch = x->dims[0], frames = (x->dims[1] - t->n) / step + 1;
  const gint64 dims[4] = { batch, frames, t->m, 2 };

  if (!unet_expansion_claim (
          e, (gsize) (frames * t->n) * sizeof (gint64), error))
    return FALSE;
  y = cut_frames (e, x, frames, t->n, step);
  if (y && window) {
    y = unet_expansion_reshape (
        e, y, 3, (const gint64[]){ batch * frames, t->n, t->parts });
    y = unet_expansion_binary (e, UNET_OP_Mul, y,
        unet_expansion_reshape (e, window, 2, (const gint64[]){ t->n, 1 }));
    y->dtype = x->dtype;
  }
  if (!y) {
    unet_node_set_error (
        error, e->graph, e->node, UNET_ERROR_LIMIT, "no memory for the frames");
    return FALSE;
  }
  in[0] = multiply (e, t, y, batch * frames, error);
  if (!in[0])
    return FALSE;
  in[1] = unet_graph_add_constant (
      e->graph, e->node->name, unet_tensor_new_ints (dims, 4));
  unet_expansion_become (e, UNET_OP_Reshape, in, 2);
  return TRUE;
}

UNET_INFER (STFT)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetExpansion e = { graph, node };
  const UnetValue *x = unet_node_input (node, 0);
  const UnetValue *window = unet_node_input (node, 2);
  gint64 step = 0, size = 0;
  UnetInts states[2];
  Transform t = { 0 };
  guint n;

  if (!unet_dtype_is_float (x->dtype))
    return refuse_type (&args, x, error);
  states[0] = unet_arg_ints (&args, NULL, 1, &step, 1, &n);
  states[1] = unet_arg_ints (&args, NULL, 3, &size, 1, &n);
  if (!unet_expansion_knows_dims (x)
      || (window && !unet_expansion_knows_dims (window))
      || states[0] == UNET_INTS_OPEN || states[1] == UNET_INTS_OPEN)
    return leave_open (node, x);
  if (states[1] == UNET_INTS_ABSENT && window && window->n_dims == 1)
    size = window->dims[0];
  if (x->n_dims != 3 || step < 1 || size < 1 || size > x->dims[1]
      || (window && (window->n_dims != 1 || window->dims[0] != size)))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "signal, step, window and length of a frame do not fit");
  t.n = t.length = size;
  t.parts = x->dims[2];
  t.m = unet_node_attr_int (node, "onesided", 1) ? size / 2 + 1 : size;
  if (((x->dims[1] - size) / step + 1) > G_MAXINT32 / size)
    return unet_args_fail (
        &args, error, UNET_ERROR_LIMIT, "the frames are too many");
  return check_transform (&args, &t, error)
      && expand_stft (&e, &t, step, error);
}
