/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/subgraph.h"
#include <string.h>

/* Memory that copies of sub-graphs may add: a Loop of a few bytes must not
 * take all memory. It holds about 40,000 nodes. */
#define MAX_UNFOLDED ((gsize) 32 << 20)
/* A name is cut at this length before it becomes a prefix. */
#define MAX_PREFIX 200

static gsize
attr_size (const UnetAttr *attr)
{
  return sizeof *attr + strlen (attr->name) + (attr->s ? strlen (attr->s) : 0)
      + (attr->floats ? attr->n * sizeof (gfloat) : 0)
      + (attr->ints ? attr->n * sizeof (gint64) : 0);
}

/* Returns about the memory that a copy of @body takes. */
static gsize
body_size (const UnetGraph *body, gsize prefix)
{
  gsize size = (body->inputs->len + 1) * sizeof (gpointer);

  for (guint i = 0; i < body->values->len; i++) {
    const UnetValue *value = g_ptr_array_index (body->values, i);
    size += 2 * sizeof *value + prefix + strlen (value->name);
  }
  /* Loops stack outputs: each takes a node and a value. */
  size += body->outputs->len * (4 * sizeof (UnetNode) + 2 * sizeof (UnetValue));
  for (guint i = 0; i < body->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (body->nodes, i);
    size += 4 * sizeof *node + prefix + strlen (node->name)
        + (node->inputs->len + node->outputs->len) * 4 * sizeof (gpointer);
    for (guint k = 0; k < node->attrs->len; k++)
      size += attr_size (g_ptr_array_index (node->attrs, k));
  }
  return size;
}

/* Returns the copy of @value, made on its first use. */
static UnetValue *
twin (UnetGraph *graph, UnetValue **twins, const gchar *prefix,
    const UnetValue *value)
{
  g_autofree gchar *name = NULL;
  UnetValue *copy;

  if (!value || twins[value->id])
    return value ? twins[value->id] : NULL;
  name = g_strdup_printf ("%.*s/%s", MAX_PREFIX, prefix, value->name);
  copy = unet_graph_add_value (graph, name);
  if (value->constant)
    unet_value_set_constant (copy, unet_tensor_ref (value->constant));
  twins[value->id] = copy;
  return copy;
}

static void
copy_node (UnetGraph *graph, UnetNode *before, UnetValue **twins,
    const gchar *prefix, const UnetNode *node)
{
  g_autofree gchar *name =
      g_strdup_printf ("%.*s/%s", MAX_PREFIX, prefix, node->name);
  UnetNode *copy = unet_graph_insert_node (graph, before, node->op, name);

  copy->since = node->since;
  for (guint i = 0; i < node->inputs->len; i++)
    unet_node_add_input (
        copy, twin (graph, twins, prefix, unet_node_input (node, i)));
  for (guint i = 0; i < node->outputs->len; i++)
    unet_node_add_output (
        copy, twin (graph, twins, prefix, unet_node_output (node, i)));
  for (guint i = 0; i < node->attrs->len; i++)
    g_ptr_array_add (
        copy->attrs, unet_attr_copy (g_ptr_array_index (node->attrs, i)));
}

gboolean
unet_subgraph_insert (UnetGraph *graph, UnetNode *node, const UnetGraph *body,
    const gchar *prefix, UnetValue *const *inputs, UnetValue **outputs,
    GError **error)
{
  g_autofree UnetValue **twins = g_new0 (UnetValue *, body->values->len);

  graph->unfolded += body_size (body, MIN (strlen (prefix), MAX_PREFIX));
  if (graph->unfolded > MAX_UNFOLDED) {
    unet_node_set_error (error, graph, node, UNET_ERROR_LIMIT,
        "sub-graphs unfold to more than %d MiB", (gint) (MAX_UNFOLDED >> 20));
    return FALSE;
  }
  for (guint i = 0; i < body->inputs->len; i++) {
    const UnetValue *input = g_ptr_array_index (body->inputs, i);
    /* Operators rely on the inputs that they must have. */
    if (!inputs[i]
        && (input->consumers->len || unet_graph_is_output (body, input))) {
      unet_node_set_error (error, graph, node, UNET_ERROR_PARSE,
          "its sub-graph needs '%s', which is missing", input->name);
      return FALSE;
    }
    twins[input->id] = inputs[i];
  }
  for (guint i = 0; i < body->nodes->len; i++)
    copy_node (graph, node, twins, prefix, g_ptr_array_index (body->nodes, i));
  for (guint i = 0; i < body->outputs->len; i++)
    outputs[i] =
        twin (graph, twins, prefix, g_ptr_array_index (body->outputs, i));
  return TRUE;
}
