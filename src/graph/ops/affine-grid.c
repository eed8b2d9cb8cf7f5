/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"

/* Positions in a picture, or in a volume, under an affine map: the grid of a
 * GridSample (Jaderberg et al. 2015, "Spatial Transformer Networks"). */

UNET_INFER (AffineGrid)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView theta;
  gint64 size[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  guint n, rank;
  UnetInts state = unet_arg_ints (&args, NULL, 1, size, UNET_MAX_DIMS, &n);

  unet_arg (&args, 0, &theta);
  rank = n - 2;
  if ((n != 4 && n != 5) || theta.n_dims != 3
      || (theta.dims[1] >= 0 && theta.dims[1] != rank)
      || (theta.dims[2] >= 0 && theta.dims[2] != rank + 1)
      || !unet_dtype_is_float (theta.dtype))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "maps and size do not fit each other");
  dims[0] = theta.dims[0];
  for (guint i = 0; i < rank; i++) {
    dims[i + 1] = state == UNET_INTS_KNOWN ? size[i + 2] : -1;
    if (state == UNET_INTS_KNOWN && size[i + 2] < 0)
      return unet_args_fail (
          &args, error, UNET_ERROR_SHAPE, "the size is negative");
  }
  dims[rank + 1] = rank;
  unet_infer_out (node, 0, theta.dtype, rank + 2, dims);
  return TRUE;
}

/* Returns where pixel @i of @n lies between -1 and 1. */
static gdouble
locate (gint64 i, gint64 n, gboolean corners)
{
  if (!corners)
    return (2 * (gdouble) i + 1) / (gdouble) n - 1;
  return n > 1 ? 2 * (gdouble) i / (gdouble) (n - 1) - 1 : 0;
}

UNET_EVAL (AffineGrid)
{
  const gboolean corners = unet_node_attr_int (node, "align_corners", 0) != 0;
  const guint rank = out->n_dims - 2;

  for (gsize k = 0, n = unet_view_count (out) / rank; k < n; k++) {
    gdouble at[4];
    gsize rest = k;
    for (guint i = rank; i-- > 0; rest /= (gsize) out->dims[i + 1])
      at[rank - 1 - i] = locate ((gint64) (rest % (gsize) out->dims[i + 1]),
          out->dims[i + 1], corners);
    at[rank] = 1;
    for (guint r = 0; r < rank; r++) {
      gdouble sum = 0;
      for (guint c = 0; c <= rank; c++)
        sum += at[c]
            * unet_view_float (&in[0], (rest * rank + r) * (rank + 1) + c);
      unet_view_set_float (out, k * rank + r, sum);
    }
  }
  return TRUE;
}
