/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* Operators that divide by a norm, or give one of each window, as chains of
 * simple operators: inference needs ranks for them only. */

static UnetValue *
reduce (UnetExpansion *e, UnetOp op, UnetValue *x, const gint64 *axes, guint n)
{
  UnetValue *y = unet_expansion_unary (e, op, x);

  unet_node_set_attr_ints (y->producer, "axes", axes, n);
  unet_node_set_attr_int (y->producer, "keepdims", 1);
  return y;
}

static gboolean
fail (UnetGraph *graph, UnetNode *node, const gchar *what, GError **error)
{
  unet_node_set_error (error, graph, node, UNET_ERROR_SHAPE, "%s", what);
  return FALSE;
}

/* ---- normalisation ---------------------------------------------------- */

/* Zhang and Sennrich 2019, "Root Mean Square Layer Normalization". */
UNET_INFER (RMSNormalization)
{
  UnetExpansion e = { graph, node };
  UnetValue *x = unet_node_input (node, 0), *scale = unet_node_input (node, 1);
  const gdouble epsilon = unet_node_attr_float (node, "epsilon", 1e-5f);
  gint64 axes[UNET_MAX_DIMS];
  UnetValue *mean;
  guint axis, n = 0;

  if (!unet_axis (unet_node_attr_int (node, "axis", -1), x->n_dims, &axis)
      || scale->n_dims > x->n_dims)
    return fail (graph, node, "axis or scale do not fit the rank", error);
  for (; axis < x->n_dims; axis++)
    axes[n++] = axis;
  unet_infer_same (graph, node, error);
  mean = reduce (&e, UNET_OP_ReduceMean,
      unet_expansion_binary (&e, UNET_OP_Mul, x, x), axes, n);
  mean = unet_expansion_binary (
      &e, UNET_OP_Add, mean, unet_expansion_number (&e, x->dtype, epsilon));
  x = unet_expansion_binary (
      &e, UNET_OP_Div, x, unet_expansion_unary (&e, UNET_OP_Sqrt, mean));
  unet_expansion_become (&e, UNET_OP_Mul, (UnetValue *[]){ x, scale }, 2);
  return TRUE;
}

UNET_INFER (LpNormalization)
{
  UnetExpansion e = { graph, node };
  UnetValue *x = unet_node_input (node, 0), *norm;
  gint64 p = unet_node_attr_int (node, "p", 2), along;
  guint axis;

  if (!unet_axis (unet_node_attr_int (node, "axis", -1), x->n_dims, &axis)
      || (p != 1 && p != 2))
    return fail (graph, node, "axis or p do not fit", error);
  along = axis;
  unet_infer_same (graph, node, error);
  norm =
      reduce (&e, p == 1 ? UNET_OP_ReduceL1 : UNET_OP_ReduceL2, x, &along, 1);
  /* Zeros stay zeros. */
  norm = unet_expansion_binary (
      &e, UNET_OP_Max, norm, unet_expansion_number (&e, x->dtype, FLT_MIN));
  unet_expansion_become (&e, UNET_OP_Div, (UnetValue *[]){ x, norm }, 2);
  return TRUE;
}

UNET_INFER (MeanVarianceNormalization)
{
  UnetExpansion e = { graph, node };
  UnetValue *x = unet_node_input (node, 0), *d, *deviation;
  gint64 axes[UNET_MAX_DIMS] = { 0, 2, 3 };
  guint n = 3, mask;

  if (unet_node_attr (node, "axes"))
    n = unet_node_attr_ints (node, "axes", axes, UNET_MAX_DIMS);
  if (n == 0 || !unet_axes_mask (axes, n, x->n_dims, &mask))
    return fail (graph, node, "the axes do not fit the rank", error);
  unet_infer_same (graph, node, error);
  d = unet_expansion_binary (
      &e, UNET_OP_Sub, x, reduce (&e, UNET_OP_ReduceMean, x, axes, n));
  deviation = unet_expansion_unary (&e, UNET_OP_Sqrt,
      reduce (&e, UNET_OP_ReduceMean,
          unet_expansion_binary (&e, UNET_OP_Mul, d, d), axes, n));
  /* The standard's function adds this, so that nothing is divided by 0. */
  deviation = unet_expansion_binary (
      &e, UNET_OP_Add, deviation, unet_expansion_number (&e, x->dtype, 1e-9));
  unet_expansion_become (&e, UNET_OP_Div, (UnetValue *[]){ d, deviation }, 2);
  return TRUE;
}

/* ---- pooling ---------------------------------------------------------- */

/* Returns @x or its elements' absolute values to the power of @p. */
static UnetValue *
raise_to (UnetExpansion *e, UnetValue *x, gdouble p)
{
  if (p == 2)
    return unet_expansion_binary (e, UNET_OP_Mul, x, x);
  x = unet_expansion_unary (e, UNET_OP_Abs, x);
  if (p == 1)
    return x;
  return unet_expansion_binary (
      e, UNET_OP_Pow, x, unet_expansion_number (e, UNET_DTYPE_F32, p));
}

/* The node becomes the root of @sum, times @factor. */
static void
end_with_root (UnetExpansion *e, UnetValue *sum, gdouble factor, gdouble p)
{
  UnetValue *in[2] = { sum, unet_expansion_number (e, sum->dtype, factor) };

  if (p == 1) {
    unet_expansion_become (e, UNET_OP_Mul, in, 2);
    return;
  }
  in[0] = unet_expansion_insert (e, UNET_OP_Mul, in, 2);
  in[1] = unet_expansion_number (e, UNET_DTYPE_F32, 1 / p);
  if (p == 2)
    unet_expansion_become (e, UNET_OP_Sqrt, in, 1);
  else
    unet_expansion_become (e, UNET_OP_Pow, in, 2);
}

static gdouble
read_p (const UnetNode *node)
{
  return (gdouble) unet_node_attr_int (node, "p", 2);
}

/* The sum of a window is its mean with padding, times its area. */
UNET_INFER (LpPool)
{
  UnetExpansion e = { graph, node };
  UnetValue *x = unet_node_input (node, 0), *mean;
  const gdouble p = read_p (node);
  gint64 kernel[3], area = 1;
  guint n = unet_node_attr_ints (node, "kernel_shape", kernel, 3);

  if (p < 1 || n < 1 || n > 3 || x->n_dims != n + 2)
    return fail (graph, node, "p or kernel_shape do not fit", error);
  for (guint i = 0; i < n; i++)
    if (kernel[i] < 1 || kernel[i] > G_MAXINT16)
      return fail (graph, node, "kernel_shape makes no sense", error);
    else
      area *= kernel[i];
  mean = unet_expansion_unary (&e, UNET_OP_AveragePool, raise_to (&e, x, p));
  mean->dtype = x->dtype;
  for (guint i = 0; i < node->attrs->len; i++) {
    const UnetAttr *attr = g_ptr_array_index (node->attrs, i);
    if (strcmp (attr->name, "p"))
      unet_node_add_attr (mean->producer, unet_attr_copy (attr));
  }
  unet_node_set_attr_int (mean->producer, "count_include_pad", 1);
  unet_node_output (node, 0)->has_shape = FALSE;
  end_with_root (&e, mean, (gdouble) area, p);
  return TRUE;
}

UNET_INFER (GlobalLpPool)
{
  UnetExpansion e = { graph, node };
  UnetValue *x = unet_node_input (node, 0), *sum;
  const gdouble p = read_p (node);
  gint64 axes[UNET_MAX_DIMS];
  guint n = 0;

  if (p < 1 || x->n_dims < 3)
    return fail (graph, node, "p or the rank do not fit", error);
  for (guint i = 2; i < x->n_dims; i++)
    axes[n++] = i;
  sum = reduce (&e, UNET_OP_ReduceSum, raise_to (&e, x, p), axes, n);
  sum->dtype = x->dtype;
  unet_node_output (node, 0)->has_shape = FALSE;
  end_with_root (&e, sum, 1, p);
  return TRUE;
}

/* ---- Swish ------------------------------------------------------------ */

/* Ramachandran et al. 2017, "Searching for Activation Functions". */
UNET_INFER (Swish)
{
  UnetExpansion e = { graph, node };
  UnetValue *x = unet_node_input (node, 0), *gate = x;
  const gdouble alpha = unet_node_attr_float (node, "alpha", 1);

  unet_infer_same (graph, node, error);
  if (alpha != 1)
    gate = unet_expansion_binary (
        &e, UNET_OP_Mul, x, unet_expansion_number (&e, x->dtype, alpha));
  gate = unet_expansion_unary (&e, UNET_OP_Sigmoid, gate);
  unet_expansion_become (&e, UNET_OP_Mul, (UnetValue *[]){ x, gate }, 2);
  return TRUE;
}
