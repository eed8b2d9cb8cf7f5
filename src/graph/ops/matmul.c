/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <string.h>

/* ---- inference -------------------------------------------------------- */

/* Vectors get a leading or trailing 1 (numpy.matmul). */
static guint
promote (const UnetTensorView *view, gboolean left, gint64 *dims)
{
  if (view->n_dims == 1) {
    dims[0] = left ? 1 : view->dims[0];
    dims[1] = left ? view->dims[0] : 1;
    return 2;
  }
  memcpy (dims, view->dims, view->n_dims * sizeof *dims);
  return view->n_dims;
}

UNET_INFER (MatMul)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView a, b;
  gint64 da[UNET_MAX_DIMS], db[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  guint na, nb, n;

  unet_arg (&args, 0, &a);
  unet_arg (&args, 1, &b);
  if (!a.n_dims || !b.n_dims)
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "a scalar is no matrix");
  na = promote (&a, TRUE, da);
  nb = promote (&b, FALSE, db);
  if (da[na - 1] >= 0 && db[nb - 2] >= 0 && da[na - 1] != db[nb - 2])
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "%" G_GINT64_FORMAT " columns meet %" G_GINT64_FORMAT " rows",
        da[na - 1], db[nb - 2]);
  if (!unet_broadcast (na - 2, da, nb - 2, db, &n, dims))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the batches do not broadcast");
  if (a.n_dims > 1)
    dims[n++] = da[na - 2];
  if (b.n_dims > 1)
    dims[n++] = db[nb - 1];
  unet_infer_out (node, 0, a.dtype, n, dims);
  return TRUE;
}

UNET_INFER (Gemm)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView a, b, c;
  gboolean ta = unet_node_attr_int (node, "transA", 0) != 0;
  gboolean tb = unet_node_attr_int (node, "transB", 0) != 0;
  gint64 dims[2], wide[UNET_MAX_DIMS];
  guint n;

  unet_arg (&args, 0, &a);
  unet_arg (&args, 1, &b);
  if (a.n_dims != 2 || b.n_dims != 2)
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "operands of rank %u and %u are no matrices", a.n_dims, b.n_dims);
  if (a.dims[!ta] >= 0 && b.dims[tb] >= 0 && a.dims[!ta] != b.dims[tb])
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "%" G_GINT64_FORMAT " columns meet %" G_GINT64_FORMAT " rows",
        a.dims[!ta], b.dims[tb]);
  dims[0] = a.dims[ta];
  dims[1] = b.dims[!tb];
  if (unet_arg (&args, 2, &c)
      && (!unet_broadcast (2, dims, c.n_dims, c.dims, &n, wide) || n != 2
          || (dims[0] >= 0 && wide[0] != dims[0])
          || (dims[1] >= 0 && wide[1] != dims[1])))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the bias does not broadcast");
  unet_infer_out (node, 0, a.dtype, 2, dims);
  return TRUE;
}

/* ---- evaluation ------------------------------------------------------- */

typedef struct {
  gint64 rows, cols, depth;
  gint64 a_row, a_col, b_row, b_col; /* strides */
} Product;

/* One product, accumulated in double. */
static void
multiply (const Product *p, const UnetTensorView *a, gint64 a_at,
    const UnetTensorView *b, gint64 b_at, UnetTensorView *out, gint64 out_at)
{
  for (gint64 r = 0; r < p->rows; r++)
    for (gint64 c = 0; c < p->cols; c++) {
      gdouble sum = 0;
      for (gint64 k = 0; k < p->depth; k++)
        sum += unet_view_float (a, (gsize) (a_at + r * p->a_row + k * p->a_col))
            * unet_view_float (b, (gsize) (b_at + k * p->b_row + c * p->b_col));
      unet_view_set_float (out, (gsize) (out_at + r * p->cols + c), sum);
    }
}

UNET_EVAL (MatMul)
{
  gint64 da[UNET_MAX_DIMS], db[UNET_MAX_DIMS], batch[UNET_MAX_DIMS];
  gint64 sa[UNET_MAX_DIMS], sb[UNET_MAX_DIMS], index[UNET_MAX_DIMS] = { 0 };
  guint na = promote (&in[0], TRUE, da), nb = promote (&in[1], FALSE, db), n;
  Product p = { da[na - 2], db[nb - 1], da[na - 1], da[na - 1], 1, db[nb - 1],
    1 };
  gint64 to = 0;

  if (unet_view_count (out) == 0)
    return TRUE;
  unet_broadcast (na - 2, da, nb - 2, db, &n, batch);
  unet_broadcast_strides (na - 2, da, n, sa);
  unet_broadcast_strides (nb - 2, db, n, sb);
  do {
    gint64 a = 0, b = 0;
    for (guint i = 0; i < n; i++) {
      a += index[i] * sa[i];
      b += index[i] * sb[i];
    }
    multiply (&p, &in[0], a * p.rows * p.depth, &in[1], b * p.depth * p.cols,
        out, to);
    to += p.rows * p.cols;
  } while (unet_next_index (n, batch, index));
  return TRUE;
}

UNET_EVAL (Gemm)
{
  gboolean ta = unet_node_attr_int (node, "transA", 0) != 0;
  gboolean tb = unet_node_attr_int (node, "transB", 0) != 0;
  gdouble alpha = unet_node_attr_float (node, "alpha", 1);
  gdouble beta = unet_node_attr_float (node, "beta", 1);
  gint64 wa = in[0].dims[1], wb = in[1].dims[1], sc[2] = { 0, 0 };
  Product p = { out->dims[0], out->dims[1], in[0].dims[!ta], ta ? 1 : wa,
    ta ? wa : 1, tb ? 1 : wb, tb ? wb : 1 };
  gboolean bias = n_in > 2 && in[2].dtype != UNET_DTYPE_NONE;

  multiply (&p, &in[0], 0, &in[1], 0, out, 0);
  if (bias)
    unet_broadcast_strides (in[2].n_dims, in[2].dims, 2, sc);
  for (gint64 i = 0; i < p.rows * p.cols; i++) {
    gsize at = (gsize) (i / p.cols * sc[0] + i % p.cols * sc[1]);
    gdouble add = bias ? beta * unet_view_float (&in[2], at) : 0;
    unet_view_set_float (
        out, (gsize) i, alpha * unet_view_float (out, (gsize) i) + add);
  }
  return TRUE;
}
