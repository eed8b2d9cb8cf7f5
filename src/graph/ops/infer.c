/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/infer.h"
#include "graph/ops/modernize.h"
#include "graph/ops/table.h"
#include "graph/ops/types.h"

/* Types and shapes in one walk, and with it the folding of constants, since
 * the shapes of Reshape, Resize and Slice come from folded chains. */

/* Limit of the memory that folding adds to the weights: a file of a few
 * bytes must not take all memory. */
#define SPARE_BYTES           ((guint64) 256 << 20)
#define BYTES_PER_WEIGHT_BYTE 8
/* Multiplications that folding may spend on one node. */
#define MAX_FOLD_WORK 1e9
/* The same for all nodes together: a Loop unfolds to thousands. */
#define ALL_FOLD_WORK 2e10

typedef struct {
  UnetGraph *graph;
  guint64 bytes_left;
  gdouble work_left;
} Inference;

static gboolean
fail (const Inference *self, const UnetNode *node, UnetError code,
    const gchar *message, GError **error)
{
  unet_node_set_error (error, self->graph, node, code, "%s", message);
  return FALSE;
}

static guint64
constant_bytes (const UnetGraph *graph)
{
  guint64 bytes = 0;

  for (guint i = 0; i < graph->values->len; i++) {
    const UnetValue *value = g_ptr_array_index (graph->values, i);
    if (value->constant)
      bytes += value->constant->n_elements
          * unet_dtype_size (value->constant->dtype);
  }
  return bytes;
}

/* ---- shapes ----------------------------------------------------------- */

static gboolean
inputs_have_shapes (const UnetNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *value = unet_node_input (node, i);
    if (value && !value->has_shape)
      return FALSE;
  }
  return TRUE;
}

static void
leave_open (UnetNode *node)
{
  const UnetValue *x = unet_node_input (node, 0);

  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *value = unet_node_output (node, i);
    if (!value)
      continue;
    value->has_shape = FALSE;
    if (x)
      value->dtype = x->dtype;
  }
}

static gboolean
check_outputs (const Inference *self, const UnetNode *node, GError **error)
{
  for (guint i = 0; i < node->outputs->len; i++) {
    const UnetValue *value = unet_node_output (node, i);
    if (!value || !value->has_shape)
      continue;
    if (!unet_dims_are_sane (value->n_dims, value->dims))
      return fail (
          self, node, UNET_ERROR_LIMIT, "the output is too large", error);
  }
  return TRUE;
}

/* ---- folding ---------------------------------------------------------- */

static gboolean
is_constant (const UnetNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *value = unet_node_input (node, i);
    if (value && !value->constant)
      return FALSE;
  }
  for (guint i = 0; i < node->outputs->len; i++) {
    const UnetValue *value = unet_node_output (node, i);
    if (!value)
      continue;
    if (!value->has_shape)
      return FALSE;
    for (guint k = 0; k < value->n_dims; k++)
      if (value->dims[k] < 0)
        return FALSE;
  }
  return node->inputs->len > 0 && node->post_ops->len == 0;
}

/* The elements of all inputs times those of the output bound the work of any
 * operator from above, far too high for most: only the costly ones count.
 * Takes the work of a cheap node from what is left. */
static gboolean
is_cheap (Inference *self, const UnetNode *node)
{
  const UnetValue *out = unet_node_output (node, 0);
  const UnetValue *in = unet_node_input (node, 0);
  const UnetValue *weights = unet_node_input (node, 1);
  gdouble work = (gdouble) unet_dims_count (out->n_dims, out->dims);

  if (unet_op_has (node->op, UNET_OP_WORK_0))
    work *= (gdouble) unet_dims_count (in->n_dims, in->dims);
  if (unet_op_has (node->op, UNET_OP_WORK_1))
    work *= (gdouble) unet_dims_count (weights->n_dims, weights->dims);
  if (work > MAX_FOLD_WORK || work > self->work_left)
    return FALSE;
  self->work_left -= work;
  return TRUE;
}

static gboolean
allocate_outputs (Inference *self, const UnetNode *node, UnetTensor **tensors,
    UnetTensorView *out, GError **error)
{
  for (guint i = 0; i < node->outputs->len; i++) {
    const UnetValue *value = unet_node_output (node, i);
    guint64 bytes;
    if (!value)
      continue;
    bytes = unet_dims_count (value->n_dims, value->dims)
        * unet_dtype_size (value->dtype);
    if (bytes > self->bytes_left)
      return fail (self, node, UNET_ERROR_LIMIT,
          "constants grow beyond all measure", error);
    self->bytes_left -= bytes;
    tensors[i] = unet_tensor_new (value->dtype, value->n_dims, value->dims);
    if (!tensors[i])
      return fail (
          self, node, UNET_ERROR_LIMIT, "no memory for constants", error);
    unet_tensor_view (tensors[i], &out[i]);
  }
  return TRUE;
}

static gboolean
evaluate (const Inference *self, const UnetNode *node, UnetTensorView *out,
    GError **error)
{
  guint n_in = node->inputs->len;
  g_autofree UnetTensorView *in = g_new0 (UnetTensorView, MAX (n_in, 1));
  g_autoptr (GError) local = NULL;

  for (guint i = 0; i < n_in; i++) {
    UnetValue *value = unet_node_input (node, i);
    if (value)
      unet_tensor_view (value->constant, &in[i]);
  }
  if (unet_op_eval (node, in, n_in, out, node->outputs->len, &local))
    return TRUE;
  /* Oracles do not know the file's name. */
  g_set_error (error, UNET_ERROR, local->code, "%s: %s", self->graph->name,
      local->message);
  return FALSE;
}

static gboolean
fold (Inference *self, UnetNode *node, GError **error)
{
  guint n = node->outputs->len;
  g_autofree UnetTensor **tensors = g_new0 (UnetTensor *, n);
  g_autofree UnetTensorView *out = g_new0 (UnetTensorView, n);
  gboolean ok = allocate_outputs (self, node, tensors, out, error)
      && evaluate (self, node, out, error);

  for (guint i = 0; i < n; i++)
    if (ok && tensors[i])
      unet_value_set_constant (unet_node_output (node, i), tensors[i]);
    else
      unet_tensor_unref (tensors[i]);
  return ok;
}

static gboolean
outputs_are_constant (const UnetNode *node)
{
  for (guint i = 0; i < node->outputs->len; i++) {
    const UnetValue *value = unet_node_output (node, i);
    if (value && !value->constant)
      return FALSE;
  }
  return TRUE;
}

/* ---- the walk --------------------------------------------------------- */

static void
forget_results (UnetNode *node)
{
  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *value = unet_node_output (node, i);
    if (value)
      g_clear_pointer (&value->constant, unet_tensor_unref);
  }
}

static gboolean
infer_node (Inference *self, UnetNode *node, GError **error)
{
  forget_results (node);
  if (!inputs_have_shapes (node)) {
    leave_open (node);
    return TRUE;
  }
  if (!unet_node_check_types (self->graph, node, error)
      || !unet_node_modernize (self->graph, node, error)
      || !unet_op_def (node->op)->infer (self->graph, node, error)
      || !check_outputs (self, node, error))
    return FALSE;
  if (outputs_are_constant (node) || !is_constant (node)
      || !is_cheap (self, node))
    return TRUE;
  return fold (self, node, error);
}

static gboolean
check_sources (const UnetGraph *graph, GError **error)
{
  for (guint i = 0; i < graph->values->len; i++) {
    const UnetValue *value = g_ptr_array_index (graph->values, i);
    if (value->producer || !value->has_shape
        || unet_dims_are_sane (value->n_dims, value->dims))
      continue;
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT, "%s: '%s' is too large",
        graph->name, value->name);
    return FALSE;
  }
  return TRUE;
}

gboolean
unet_graph_infer (UnetGraph *graph, GError **error)
{
  Inference self = { graph, SPARE_BYTES, ALL_FOLD_WORK };

  /* Inputs and constants are checked here, results of nodes on the way. */
  if (!check_sources (graph, error))
    return FALSE;
  self.bytes_left += BYTES_PER_WEIGHT_BYTE * constant_bytes (graph);
  for (guint i = 0; i < graph->nodes->len;) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);
    guint before = graph->nodes->len;
    if (!infer_node (&self, node, error))
      return FALSE;
    /* It is written as several now: on with the first of them. */
    if (graph->nodes->len > before)
      continue;
    if (outputs_are_constant (node))
      unet_graph_remove_node (graph, node);
    else
      i++;
  }
  return TRUE;
}
