/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include "graph/ops/window.h"
#include <math.h>
#include <string.h>

static gboolean
infer_pool (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  UnetWindow window;
  gint64 dims[UNET_MAX_DIMS];

  if (!unet_window_resolve (&args, &window, error))
    return FALSE;
  unet_arg (&args, 0, &x);
  dims[0] = x.dims[0];
  dims[1] = x.dims[1];
  memcpy (dims + 2, window.out, window.n * sizeof *dims);
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  unet_infer_out (node, 1, UNET_DTYPE_I64, x.n_dims, dims);
  return TRUE;
}

UNET_INFER (MaxPool)
{
  return infer_pool (graph, node, error);
}

UNET_INFER (AveragePool)
{
  return infer_pool (graph, node, error);
}

static gboolean
infer_global (UnetGraph *graph, UnetNode *node, GError **error)
{
  const UnetValue *x = unet_node_input (node, 0);
  gint64 dims[UNET_MAX_DIMS];

  if (x->n_dims < 2) {
    unet_node_set_error (error, graph, node, UNET_ERROR_SHAPE,
        "an input of rank %u has no channels", x->n_dims);
    return FALSE;
  }
  for (guint i = 0; i < x->n_dims; i++)
    dims[i] = i < 2 ? x->dims[i] : 1;
  unet_infer_out (node, 0, x->dtype, x->n_dims, dims);
  return TRUE;
}

UNET_INFER (GlobalAveragePool)
{
  return infer_global (graph, node, error);
}

UNET_INFER (GlobalMaxPool)
{
  return infer_global (graph, node, error);
}

/* ---- evaluation ------------------------------------------------------- */

/* The maximum and the sum of one window in one plane. */
typedef struct {
  gdouble max, sum;
  gint64 arg;     /* of the maximum, within the plane */
  gint64 n, area; /* taps inside the input; all taps */
} Found;

typedef struct {
  const UnetWindow *window;
  const UnetTensorView *x;
  gint64 in[3];
  gsize plane; /* first element */
} Pool;

/* A tap may lie inside the input, in its padding or, with ceil_mode, beyond
 * both. Where padding counts, what is beyond counts too: so say ONNX's own
 * reference, ONNX Runtime and oneDNN, unlike PyTorch. */
static void
add_tap (const Pool *pool, const gint64 *at, const gint64 *tap, Found *found)
{
  const UnetWindow *w = pool->window;
  gboolean inside = TRUE;
  gint64 index = 0;
  gdouble value;

  for (guint i = 0; i < w->n; i++) {
    gint64 p = at[i] * w->stride[i] - w->pad_begin[i] + tap[i] * w->dilation[i];
    inside &= p >= 0 && p < pool->in[i];
    index = index * pool->in[i] + p;
  }
  found->area++;
  if (!inside)
    return;
  value = unet_view_float (pool->x, pool->plane + (gsize) index);
  if (found->n++ == 0 || value > found->max || isnan (value)) {
    found->max = value;
    found->arg = index;
  }
  found->sum += value;
}

static Found
scan_window (const Pool *pool, const gint64 *at)
{
  Found found = { 0 };
  gint64 tap[3] = { 0 };

  do {
    add_tap (pool, at, tap, &found);
  } while (unet_next_index (pool->window->n, pool->window->kernel, tap));
  return found;
}

/* storage_order 1 numbers the elements of a plane column by column. */
static gint64
column_major (const Pool *pool, gint64 index)
{
  gint64 at[3] = { 0 }, result = 0, stride = 1;

  for (guint i = pool->window->n; i-- > 0; index /= pool->in[i])
    at[i] = index % pool->in[i];
  for (guint i = 0; i < pool->window->n; i++) {
    result += at[i] * stride;
    stride *= pool->in[i];
  }
  return result;
}

static void
store (const UnetNode *node, const Pool *pool, const Found *found,
    UnetTensorView *out, guint n_out, gsize to)
{
  gint64 n = pool->window->count_include_pad ? found->area : found->n;

  if (node->op == UNET_OP_AveragePool) {
    unet_view_set_float (out, to, n ? found->sum / (gdouble) n : 0);
    return;
  }
  if (found->n)
    unet_view_set_float (out, to, found->max);
  else
    unet_view_set_float (out, to, -INFINITY);
  if (n_out > 1 && out[1].data) {
    gint64 arg = unet_node_attr_int (node, "storage_order", 0)
        ? column_major (pool, found->arg)
        : found->arg;
    unet_view_set_int (&out[1], to, (gint64) pool->plane + arg);
  }
}

static gboolean
eval_pool (const UnetNode *node, const UnetTensorView *in, guint n_in,
    UnetTensorView *out, guint n_out, GError **error)
{
  UnetArgs args = UNET_EVAL_ARGS;
  UnetWindow window;
  Pool pool = { &window, &in[0], { 1, 1, 1 }, 0 };
  gsize planes = (gsize) (out->dims[0] * out->dims[1]), size = 1, to = 0;

  if (!unet_window_resolve (&args, &window, error))
    return FALSE;
  if (unet_view_count (out) == 0)
    return TRUE;
  for (guint i = 0; i < window.n; i++) {
    pool.in[i] = in[0].dims[i + 2];
    size *= (gsize) pool.in[i];
  }
  for (gsize plane = 0; plane < planes; plane++) {
    gint64 at[3] = { 0 };
    pool.plane = plane * size;
    do {
      Found found = scan_window (&pool, at);
      store (node, &pool, &found, out, n_out, to++);
    } while (unet_next_index (window.n, window.out, at));
  }
  return TRUE;
}

UNET_EVAL (MaxPool)
{
  return eval_pool (node, in, n_in, out, n_out, error);
}

UNET_EVAL (AveragePool)
{
  return eval_pool (node, in, n_in, out, n_out, error);
}

static gboolean
eval_global (const UnetNode *node, const UnetTensorView *x, UnetTensorView *out)
{
  gsize planes = (gsize) (x->dims[0] * x->dims[1]);
  gsize size = planes ? unet_view_count (x) / planes : 0;

  for (gsize plane = 0; plane < planes; plane++) {
    gdouble sum = 0, max = -INFINITY;
    for (gsize i = 0; i < size; i++) {
      gdouble value = unet_view_float (x, plane * size + i);
      sum += value;
      max = value > max || isnan (value) ? value : max;
    }
    unet_view_set_float (out, plane,
        node->op == UNET_OP_GlobalMaxPool ? max
                                          : sum / (gdouble) MAX (size, 1));
  }
  return TRUE;
}

UNET_EVAL (GlobalAveragePool)
{
  return eval_global (node, in, out);
}

UNET_EVAL (GlobalMaxPool)
{
  return eval_global (node, in, out);
}
