/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include <math.h>

/* Determinants of square matrices. */

#define MAX_SIZE 512

UNET_INFER (Det)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  const gint64 *last = x->dims + MAX (x->n_dims, 2) - 2;

  if (x->n_dims < 2 || (last[0] >= 0 && last[1] >= 0 && last[0] != last[1]))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the matrices are not square");
  if (last[0] > MAX_SIZE)
    return unet_args_fail (&args, error, UNET_ERROR_LIMIT,
        "the matrices have more than %d rows", MAX_SIZE);
  unet_infer_out (node, 0, x->dtype, x->n_dims - 2, x->dims);
  return TRUE;
}

static void
swap_rows (gdouble *a, gdouble *b, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    gdouble value = a[i];
    a[i] = b[i];
    b[i] = value;
  }
}

/* Gaussian elimination with the largest pivot of each column. */
static gdouble
eliminate (gdouble *m, gsize n)
{
  gdouble product = 1;

  for (gsize k = 0; k < n; k++) {
    gsize pivot = k;
    for (gsize i = k + 1; i < n; i++)
      if (fabs (m[i * n + k]) > fabs (m[pivot * n + k]))
        pivot = i;
    if (m[pivot * n + k] == 0)
      return 0;
    if (pivot != k) {
      swap_rows (m + pivot * n, m + k * n, n);
      product = -product;
    }
    product *= m[k * n + k];
    for (gsize i = k + 1; i < n; i++)
      for (gsize j = n; j-- > k;)
        m[i * n + j] -= m[k * n + j] * (m[i * n + k] / m[k * n + k]);
  }
  return product;
}

UNET_EVAL (Det)
{
  const gsize n = (gsize) in[0].dims[in[0].n_dims - 1];
  g_autofree gdouble *matrix = g_new (gdouble, n * n + 1);

  for (gsize i = 0; i < unet_view_count (out); i++) {
    for (gsize k = 0; k < n * n; k++)
      matrix[k] = unet_view_float (&in[0], i * n * n + k);
    unet_view_set_float (out, i, eliminate (matrix, n));
  }
  return TRUE;
}
