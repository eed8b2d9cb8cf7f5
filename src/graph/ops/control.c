/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include "graph/subgraph.h"
#include <string.h>

/* If, Loop and Scan become copies of their sub-graphs during inference, where
 * conditions and counts are known. Exporters write them for questions about
 * shapes, mostly. The last inputs of such a node, as many as the attribute
 * UNET_CAPTURED says, are values that its sub-graphs read from around them. */

/* Iterations of a Loop so far, while it unfolds. */
#define DONE "unetseg.done"
/* Values that a Scan may stack. */
#define MAX_STACKED 65536

static gboolean
fail (UnetGraph *graph, const UnetNode *node, UnetError code,
    const gchar *message, GError **error)
{
  unet_node_set_error (error, graph, node, code, "%s", message);
  return FALSE;
}

/* Returns whether inference knows all sizes, so that what it does not know now
 * depends on the picture. */
static gboolean
knows_inputs (const UnetGraph *graph)
{
  for (guint i = 0; i < graph->inputs->len; i++) {
    const UnetValue *input = g_ptr_array_index (graph->inputs, i);
    for (guint k = 0; k < input->n_dims; k++)
      if (input->dims[k] < 0)
        return FALSE;
    if (!input->has_shape)
      return FALSE;
  }
  return TRUE;
}

static void
open_outputs (UnetNode *node)
{
  for (guint i = 0; i < node->outputs->len; i++)
    if (unet_node_output (node, i))
      unet_node_output (node, i)->has_shape = FALSE;
}

/* Gives the node's outputs the values @results, one for each. */
static gboolean
deliver (UnetExpansion *e, UnetValue **results, GError **error)
{
  UnetNode *node = e->node;

  for (guint i = node->outputs->len; i-- > 1;) {
    UnetValue *output = unet_node_output (node, i);
    UnetNode *identity;
    if (!output)
      continue;
    identity =
        unet_graph_insert_node (e->graph, node, UNET_OP_Identity, node->name);
    unet_node_add_input (identity, results[i]);
    unet_node_set_output (node, i, NULL);
    unet_node_add_output (identity, output);
  }
  g_ptr_array_set_size (node->outputs, 1);
  unet_expansion_become (e, UNET_OP_Identity, results, 1);
  /* Inference comes back to it, if nodes came before it. */
  open_outputs (node);
  return !results[0]->has_shape || unet_infer_same (e->graph, node, error);
}

/* Returns a single element that is known, or FALSE. */
static gboolean
read_number (const UnetValue *value, gint64 *number)
{
  UnetTensorView view;

  if (!value->constant || value->constant->n_elements != 1)
    return FALSE;
  unet_tensor_view (value->constant, &view);
  *number = unet_view_int (&view, 0);
  return TRUE;
}

/* ---- If --------------------------------------------------------------- */

static gboolean
check_branch (UnetExpansion *e, const UnetGraph *branch, GError **error)
{
  if (branch && branch->inputs->len + 1 == e->node->inputs->len
      && branch->outputs->len == e->node->outputs->len)
    return TRUE;
  return fail (e->graph, e->node, UNET_ERROR_PARSE,
      "its branches do not fit its outputs", error);
}

static gboolean
insert_branch (
    UnetExpansion *e, const gchar *name, UnetValue **outputs, GError **error)
{
  g_autofree gchar *prefix = g_strdup_printf ("%s/%s", e->node->name, name);
  const UnetGraph *branch = unet_node_attr_graph (e->node, name);

  return check_branch (e, branch, error)
      && unet_subgraph_insert (e->graph, e->node, branch, prefix,
          (UnetValue **) e->node->inputs->pdata + 1, outputs, error);
}

/* A node without branches has their results as inputs: condition, those of
 * then_branch, those of else_branch. It chooses element by element, which
 * gives the same where both have one shape. */
static gboolean
choose_results (UnetExpansion *e, GError **error)
{
  UnetNode *node = e->node;
  const guint n = node->outputs->len;
  g_autofree UnetValue **results = g_new0 (UnetValue *, n);
  UnetValue *cond = unet_node_input (node, 0);

  if (unet_dims_count (cond->n_dims, cond->dims) != 1)
    return fail (e->graph, node, UNET_ERROR_SHAPE,
        "the condition is not one value", error);
  cond = unet_expansion_reshape (e, cond, 0, NULL);
  for (guint i = 0; i < n; i++) {
    UnetValue *a = unet_node_input (node, 1 + i);
    UnetValue *b = unet_node_input (node, 1 + n + i);
    UnetValue *in[] = { cond, a, b };
    if (!a || !b || a->dtype != b->dtype || a->n_dims != b->n_dims
        || memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims))
      return fail (e->graph, node, UNET_ERROR_UNSUPPORTED,
          "the condition depends on the picture, and the branches give "
          "different shapes",
          error);
    results[i] = unet_expansion_insert (e, UNET_OP_Where, in, 3);
    unet_value_set_shape (results[i], a->dtype, a->n_dims, a->dims);
  }
  return deliver (e, results, error);
}

static gboolean
insert_both (UnetExpansion *e, GError **error)
{
  UnetNode *node = e->node;
  const guint n = node->outputs->len, before = e->graph->nodes->len;
  g_autofree UnetValue **results = g_new0 (UnetValue *, 2 * n);
  UnetValue *cond = unet_node_input (node, 0);

  if (!insert_branch (e, "then_branch", results, error)
      || !insert_branch (e, "else_branch", results + n, error))
    return FALSE;
  unet_expansion_become (e, UNET_OP_If, &cond, 1);
  for (guint i = 0; i < 2 * n; i++)
    unet_node_add_input (node, results[i]);
  open_outputs (node);
  return e->graph->nodes->len > before || choose_results (e, error);
}

UNET_INFER (If)
{
  UnetExpansion e = { graph, node };
  g_autofree UnetValue **results = g_new0 (UnetValue *, node->outputs->len);
  gint64 cond;

  if (!unet_node_attr_graph (node, "then_branch"))
    return node->inputs->len == 1 + 2 * node->outputs->len
        ? choose_results (&e, error)
        : check_branch (&e, NULL, error);
  if (read_number (unet_node_input (node, 0), &cond))
    return insert_branch (
               &e, cond ? "then_branch" : "else_branch", results, error)
        && deliver (&e, results, error);
  if (knows_inputs (graph))
    return insert_both (&e, error);
  open_outputs (node);
  return TRUE;
}

/* ---- scan outputs ----------------------------------------------------- */

/* Returns @n values as one along a new axis. They are
 * @values[0], @values[@step], …; a negative @step begins at the end. */
static UnetValue *
stack (
    UnetExpansion *e, UnetValue *const *values, guint n, gint step, gint64 axis)
{
  g_autofree UnetValue **parts = g_new0 (UnetValue *, n);
  UnetValue *result;

  for (guint i = 0; i < n; i++) {
    UnetValue *value =
        values[step > 0 ? i * (guint) step : (n - 1 - i) * (guint) -step];
    parts[i] = unet_expansion_insert (e, UNET_OP_Unsqueeze, &value, 1);
    unet_node_set_attr_ints (parts[i]->producer, "axes", &axis, 1);
  }
  result = unet_expansion_insert (e, UNET_OP_Concat, parts, n);
  unet_node_set_attr_int (result->producer, "axis", axis);
  return result;
}

/* ---- Loop ------------------------------------------------------------- */

typedef struct {
  UnetExpansion e;
  const UnetGraph *body;
  guint n_state, n_captured, n_stacked;
  gint64 done;
} Loop;

/* Inputs are the count, the condition, the state, what the body captures, and
 * the values that iterations have given for stacking. */
static gboolean
read_loop (Loop *loop, GError **error)
{
  UnetNode *node = loop->e.node;
  const UnetGraph *body = unet_node_attr_graph (node, "body");
  gint64 captured = unet_node_attr_int (node, UNET_CAPTURED, 0);
  gint64 state = body ? (gint64) body->inputs->len - 2 - captured : -1;
  gint64 stacked = body ? (gint64) body->outputs->len - 1 - state : -1;

  loop->done = unet_node_attr_int (node, DONE, 0);
  while (body && node->inputs->len < body->inputs->len)
    unet_node_add_input (node, NULL);
  if (captured < 0 || state < 0 || stacked < 0
      || node->outputs->len > state + stacked
      || node->inputs->len
          != body->inputs->len + (guint64) loop->done * (guint64) stacked)
    return fail (loop->e.graph, node, UNET_ERROR_PARSE,
        "its body does not fit its inputs and outputs", error);
  loop->body = body;
  loop->n_state = (guint) state;
  loop->n_captured = (guint) captured;
  loop->n_stacked = (guint) stacked;
  return TRUE;
}

typedef enum { LOOP_OPEN, LOOP_GOES_ON, LOOP_ENDS } LoopState;

static LoopState
find_loop_state (const Loop *loop)
{
  const UnetValue *count = unet_node_input (loop->e.node, 0);
  const UnetValue *cond = unet_node_input (loop->e.node, 1);
  gint64 number;

  if (count) {
    if (!read_number (count, &number))
      return LOOP_OPEN;
    if (loop->done >= number)
      return LOOP_ENDS;
  }
  if (!cond)
    return LOOP_GOES_ON;
  if (!read_number (cond, &number))
    return LOOP_OPEN;
  return number ? LOOP_GOES_ON : LOOP_ENDS;
}

/* Inserts one iteration before the node, which goes on with its results. */
static gboolean
insert_iteration (Loop *loop, GError **error)
{
  UnetNode *node = loop->e.node;
  const guint n = loop->body->inputs->len;
  g_autofree UnetValue **in = g_new0 (UnetValue *, n);
  g_autofree UnetValue **out = g_new0 (UnetValue *, loop->body->outputs->len);
  g_autofree gchar *prefix =
      g_strdup_printf ("%s/%" G_GINT64_FORMAT, node->name, loop->done);

  for (guint i = 2; i < n; i++)
    in[i] = unet_node_input (node, i);
  in[0] =
      unet_expansion_number (&loop->e, UNET_DTYPE_I64, (gdouble) loop->done);
  in[1] = unet_node_input (node, 1);
  if (!in[1])
    in[1] = unet_expansion_number (&loop->e, UNET_DTYPE_BOOL, 1);
  if (!unet_subgraph_insert (
          loop->e.graph, node, loop->body, prefix, in, out, error))
    return FALSE;
  for (guint i = 0; i <= loop->n_state; i++)
    unet_node_set_input (node, 1 + i, out[i]);
  for (guint i = 0; i < loop->n_stacked; i++)
    unet_node_add_input (node, out[1 + loop->n_state + i]);
  unet_node_set_attr_int (node, DONE, ++loop->done);
  return TRUE;
}

static gboolean
end_loop (Loop *loop, GError **error)
{
  UnetNode *node = loop->e.node;
  const guint n = node->outputs->len;
  g_autofree UnetValue **results = g_new0 (UnetValue *, n);

  for (guint i = 0; i < n; i++) {
    if (i < loop->n_state)
      results[i] = unet_node_input (node, 2 + i);
    else if (loop->done > 0 && unet_node_output (node, i))
      results[i] = stack (&loop->e,
          (UnetValue **) node->inputs->pdata + loop->body->inputs->len
              + (i - loop->n_state),
          (guint) loop->done, (gint) loop->n_stacked, 0);
    if (!results[i] && unet_node_output (node, i))
      return fail (loop->e.graph, node, UNET_ERROR_UNSUPPORTED,
          "it gives a value without an iteration", error);
  }
  return deliver (&loop->e, results, error);
}

UNET_INFER (Loop)
{
  Loop loop = { { graph, node }, NULL, 0, 0, 0, 0 };
  const guint before = graph->nodes->len;

  if (!read_loop (&loop, error))
    return FALSE;
  open_outputs (node);
  while (graph->nodes->len == before)
    switch (find_loop_state (&loop)) {
      case LOOP_ENDS:
        return end_loop (&loop, error);
      case LOOP_GOES_ON:
        if (!insert_iteration (&loop, error))
          return FALSE;
        break;
      case LOOP_OPEN:
        return !knows_inputs (graph)
            || fail (graph, node, UNET_ERROR_UNSUPPORTED,
                "the number of iterations depends on the picture", error);
    }
  return TRUE;
}

/* ---- Scan ------------------------------------------------------------- */

typedef struct {
  UnetExpansion e;
  const UnetGraph *body;
  guint n_state, n_scanned, n_captured, n_stacked;
  gint64 count;
} Scan;

static gboolean
read_scan (Scan *scan, GError **error)
{
  const UnetNode *node = scan->e.node;
  const UnetGraph *body = unet_node_attr_graph (node, "body");
  gint64 captured = unet_node_attr_int (node, UNET_CAPTURED, 0);
  gint64 scanned = unet_node_attr_int (node, "num_scan_inputs", 0);
  gint64 state = body ? (gint64) body->inputs->len - captured - scanned : -1;
  gint64 stacked = body ? (gint64) body->outputs->len - state : -1;

  if (node->since < 9)
    return fail (scan->e.graph, node, UNET_ERROR_UNSUPPORTED,
        "operator sets before 9 are not supported", error);
  if (captured < 0 || scanned < 1 || scanned > G_MAXINT32 || state < 0
      || stacked < 0 || node->inputs->len != body->inputs->len
      || node->outputs->len > state + stacked)
    return fail (scan->e.graph, node, UNET_ERROR_PARSE,
        "its body does not fit its inputs and outputs", error);
  scan->body = body;
  scan->n_state = (guint) state;
  scan->n_scanned = (guint) scanned;
  scan->n_captured = (guint) captured;
  scan->n_stacked = (guint) stacked;
  return TRUE;
}

/* Returns entry @index of a list of axes or directions, 0 where it is left
 * out. */
static gint64
read_entry (const UnetNode *node, const gchar *name, guint index)
{
  const UnetAttr *attr = unet_node_attr (node, name);

  return attr && attr->type == UNET_ATTR_INTS && index < attr->n
      ? attr->ints[index]
      : 0;
}

/* Sets @count, -1 where it is open. */
static gboolean
count_iterations (Scan *scan, GError **error)
{
  const UnetNode *node = scan->e.node;

  scan->count = 0;
  for (guint i = 0; i < scan->n_scanned; i++) {
    const UnetValue *x = unet_node_input (node, scan->n_state + i);
    guint axis;
    if (!x
        || !unet_axis (
            read_entry (node, "scan_input_axes", i), x->n_dims, &axis)
        || (i > 0 && x->dims[axis] >= 0 && scan->count >= 0
            && x->dims[axis] != scan->count))
      return fail (scan->e.graph, node, UNET_ERROR_SHAPE,
          "the inputs to scan do not fit each other", error);
    if (i == 0 || x->dims[axis] < 0)
      scan->count = x->dims[axis];
  }
  return TRUE;
}

static gboolean
insert_step (Scan *scan, gint64 step, UnetValue **state, UnetValue **stacked,
    GError **error)
{
  UnetNode *node = scan->e.node;
  const guint n = scan->body->inputs->len;
  g_autofree UnetValue **in = g_new0 (UnetValue *, n);
  g_autofree UnetValue **out =
      g_new0 (UnetValue *, scan->n_state + scan->n_stacked);
  g_autofree gchar *prefix =
      g_strdup_printf ("%s/%" G_GINT64_FORMAT, node->name, step);

  for (guint i = 0; i < n; i++)
    in[i] = i < scan->n_state ? state[i] : unet_node_input (node, i);
  for (guint i = 0; i < scan->n_scanned; i++) {
    gboolean back = read_entry (node, "scan_input_directions", i) != 0;
    UnetValue *operands[] = { in[scan->n_state + i],
      unet_expansion_number (&scan->e, UNET_DTYPE_I64,
          (gdouble) (back ? scan->count - 1 - step : step)) };
    UnetValue *slice =
        unet_expansion_insert (&scan->e, UNET_OP_Gather, operands, 2);
    unet_node_set_attr_int (
        slice->producer, "axis", read_entry (node, "scan_input_axes", i));
    in[scan->n_state + i] = slice;
  }
  if (!unet_subgraph_insert (
          scan->e.graph, node, scan->body, prefix, in, out, error))
    return FALSE;
  memcpy (state, out, scan->n_state * sizeof *state);
  memcpy (stacked + (gsize) step * scan->n_stacked, out + scan->n_state,
      scan->n_stacked * sizeof *stacked);
  return TRUE;
}

static gboolean
end_scan (
    Scan *scan, UnetValue **state, UnetValue *const *stacked, GError **error)
{
  UnetNode *node = scan->e.node;
  g_autofree UnetValue **results = g_new0 (UnetValue *, node->outputs->len);

  for (guint i = 0; i < node->outputs->len; i++) {
    guint k = i - scan->n_state;
    if (i < scan->n_state) {
      results[i] = state[i];
      continue;
    }
    results[i] = stack (&scan->e, stacked + k, (guint) scan->count,
        read_entry (node, "scan_output_directions", k) ? -(gint) scan->n_stacked
                                                       : (gint) scan->n_stacked,
        read_entry (node, "scan_output_axes", k));
  }
  return deliver (&scan->e, results, error);
}

UNET_INFER (Scan)
{
  Scan scan = { { graph, node }, NULL, 0, 0, 0, 0, 0 };
  g_autofree UnetValue **state = NULL, **stacked = NULL;

  if (!read_scan (&scan, error) || !count_iterations (&scan, error))
    return FALSE;
  open_outputs (node);
  if (scan.count < 0)
    return TRUE;
  if (scan.count == 0 || scan.count > MAX_STACKED / MAX (scan.n_stacked, 1))
    return fail (graph, node, UNET_ERROR_LIMIT,
        "the input to scan is empty or too long", error);
  state = g_memdup2 (node->inputs->pdata, scan.n_state * sizeof *state);
  stacked = g_new0 (UnetValue *, (gsize) scan.count * scan.n_stacked);
  for (gint64 i = 0; i < scan.count; i++)
    if (!insert_step (&scan, i, state, stacked, error))
      return FALSE;
  return end_scan (&scan, state, stacked, error);
}

/* ---- evaluation ------------------------------------------------------- */

/* Sessions never run these. */
#define NEVER(op)                                                              \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    return unet_eval_expanded (node, in, n_in, out, n_out, error);             \
  }

NEVER (If)
NEVER (Loop)
NEVER (Scan)
