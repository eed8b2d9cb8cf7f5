/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/table.h"
#include "graph/ops/unary.h"
#include "graph/passes/optimize.h"
#include "lib/interpret.h"
#include "engine/compile.h"
#include <math.h>
#include <string.h>

static UnetTensor *
lookup (GHashTable *tensors, const UnetValue *value)
{
  if (!value)
    return NULL;
  return value->constant ? value->constant
                         : g_hash_table_lookup (tensors, value);
}

static void
view_of (GHashTable *tensors, const UnetValue *value, UnetTensorView *view)
{
  UnetTensor *tensor = lookup (tensors, value);

  memset (view, 0, sizeof *view);
  if (tensor)
    unet_tensor_view (tensor, view);
}

static void
new_outputs (GHashTable *tensors, const UnetNode *node, UnetTensorView *out)
{
  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *value = unet_node_output (node, i);
    UnetTensor *tensor;
    if (!value)
      continue;
    tensor = unet_tensor_new (value->dtype, value->n_dims, value->dims);
    unet_tensor_view (tensor, &out[i]);
    g_hash_table_insert (tensors, value, tensor);
  }
}

static gboolean
run_node (GHashTable *tensors, const UnetNode *node, GError **error)
{
  guint n_in = node->inputs->len, n_out = node->outputs->len;
  g_autofree UnetTensorView *in = g_new0 (UnetTensorView, n_in + 1);
  g_autofree UnetTensorView *out = g_new0 (UnetTensorView, n_out + 1);
  g_autofree UnetTensorView *post =
      g_new0 (UnetTensorView, node->post_ops->len + 1);

  for (guint i = 0; i < n_in; i++)
    view_of (tensors, unet_node_input (node, i), &in[i]);
  for (guint i = 0; i < node->post_ops->len; i++)
    view_of (
        tensors, g_array_index (node->post_ops, UnetPostOp, i).value, &post[i]);
  new_outputs (tensors, node, out);
  return unet_op_def (node->op)->eval (node, in, n_in, out, n_out, error)
      && unet_post_ops_eval (node, post, &out[0]);
}

GPtrArray *
interpret (UnetGraph *graph, UnetTensor *const *inputs, GError **error)
{
  GHashTable *tensors = g_hash_table_new_full (
      NULL, NULL, NULL, (GDestroyNotify) unet_tensor_unref);
  GPtrArray *results =
      g_ptr_array_new_with_free_func ((GDestroyNotify) unet_tensor_unref);
  gboolean ok = TRUE;

  for (guint i = 0; i < graph->inputs->len; i++)
    g_hash_table_insert (tensors, g_ptr_array_index (graph->inputs, i),
        unet_tensor_ref (inputs[i]));
  for (guint i = 0; ok && i < graph->nodes->len; i++)
    ok = run_node (tensors, g_ptr_array_index (graph->nodes, i), error);
  for (guint i = 0; ok && i < graph->outputs->len; i++)
    g_ptr_array_add (results,
        unet_tensor_ref (
            lookup (tensors, g_ptr_array_index (graph->outputs, i))));
  g_hash_table_unref (tensors);
  if (!ok)
    g_clear_pointer (&results, g_ptr_array_unref);
  return results;
}

static UnetTensor *
plan_output (UnetPlan *plan, const UnetGraph *shapes, guint index)
{
  const UnetValue *value = g_ptr_array_index (shapes->outputs, index);
  UnetTensor *tensor =
      unet_tensor_new (value->dtype, value->n_dims, value->dims);

  memcpy (tensor->data, unet_plan_get_output (plan, index),
      tensor->n_elements * unet_dtype_size (tensor->dtype));
  return tensor;
}

GPtrArray *
run_plan (UnetGraph *graph, UnetTensor *const *inputs, gboolean optimize,
    GError **error)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetGraph *copy = unet_graph_copy (graph);
  GPtrArray *results = NULL;
  UnetPlan *plan;

  options.threads = 1;
  options.tuning = optimize ? UNET_TUNING_STATIC : UNET_TUNING_REFERENCE;
  if (optimize)
    unet_graph_optimize (copy);
  plan = unet_plan_new (copy, &options, NULL, error);
  if (!plan)
    return NULL;
  for (guint i = 0; i < graph->inputs->len; i++)
    memcpy (unet_plan_get_input (plan, i), inputs[i]->data,
        inputs[i]->n_elements * unet_dtype_size (inputs[i]->dtype));
  if (unet_plan_run (plan, error)) {
    results =
        g_ptr_array_new_with_free_func ((GDestroyNotify) unet_tensor_unref);
    for (guint i = 0; i < graph->outputs->len; i++)
      g_ptr_array_add (results, plan_output (plan, graph, i));
  }
  unet_plan_free (plan);
  return results;
}

UnetTensor *
random_tensor (const UnetValue *value, guint32 seed, gdouble low, gdouble high)
{
  UnetTensor *tensor =
      unet_tensor_new (value->dtype, value->n_dims, value->dims);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  gfloat *data = tensor->data;

  g_assert (value->dtype == UNET_DTYPE_F32);
  for (gsize i = 0; i < tensor->n_elements; i++)
    data[i] = (gfloat) g_rand_double_range (rand, low, high);
  return tensor;
}

static gboolean
same_kind (const UnetTensor *a, const UnetTensor *b)
{
  return a->dtype == b->dtype && a->n_dims == b->n_dims
      && !memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims);
}

static gboolean
both_equal (gdouble a, gdouble b)
{
  return a == b || (isnan (a) && isnan (b));
}

gdouble
relative_error (const UnetTensor *expected, const UnetTensor *actual)
{
  UnetTensorView e, a;
  gdouble worst = 0, largest = 0;

  if (!same_kind (expected, actual))
    return INFINITY;
  unet_tensor_view ((UnetTensor *) expected, &e);
  unet_tensor_view ((UnetTensor *) actual, &a);
  for (gsize i = 0; i < expected->n_elements; i++) {
    gdouble x = unet_view_float (&e, i), y = unet_view_float (&a, i);
    if (both_equal (x, y))
      largest = MAX (largest, isfinite (x) ? fabs (x) : 0);
    else if (!isfinite (x) || !isfinite (y))
      return INFINITY;
    else {
      worst = MAX (worst, fabs (x - y));
      largest = MAX (largest, fabs (x));
    }
  }
  return worst == 0 ? 0 : worst / MAX (largest, 1e-30);
}

gdouble
tolerance_ratio (const UnetTensor *expected, const UnetTensor *actual,
    gdouble rtol, gdouble atol)
{
  UnetTensorView e, a;
  gdouble worst = 0;

  if (!same_kind (expected, actual))
    return INFINITY;
  unet_tensor_view ((UnetTensor *) expected, &e);
  unet_tensor_view ((UnetTensor *) actual, &a);
  for (gsize i = 0; i < expected->n_elements; i++) {
    gdouble x = unet_view_float (&e, i), y = unet_view_float (&a, i);
    if (both_equal (x, y))
      continue;
    if (!isfinite (x) || !isfinite (y))
      return INFINITY;
    worst = MAX (worst, fabs (x - y) / (atol + rtol * fabs (x)));
  }
  return worst;
}
