/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/graph.h"
#include <string.h>

static void
value_free (UnetValue *value)
{
  g_free (value->name);
  unet_tensor_unref (value->constant);
  g_ptr_array_unref (value->consumers);
  g_free (value);
}

static void
node_free (UnetNode *node)
{
  g_free (node->name);
  g_ptr_array_unref (node->inputs);
  g_ptr_array_unref (node->outputs);
  g_ptr_array_unref (node->attrs);
  g_array_unref (node->post_ops);
  g_free (node);
}

UnetGraph *
unet_graph_new (const gchar *name)
{
  UnetGraph *graph = g_new0 (UnetGraph, 1);

  graph->name = g_strdup (name);
  graph->values = g_ptr_array_new_with_free_func ((GDestroyNotify) value_free);
  graph->nodes = g_ptr_array_new_with_free_func ((GDestroyNotify) node_free);
  graph->inputs = g_ptr_array_new ();
  graph->outputs = g_ptr_array_new ();
  graph->metadata =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return graph;
}

void
unet_graph_free (UnetGraph *graph)
{
  if (!graph)
    return;
  g_free (graph->name);
  g_ptr_array_unref (graph->inputs);
  g_ptr_array_unref (graph->outputs);
  g_ptr_array_unref (graph->nodes);
  g_ptr_array_unref (graph->values);
  g_hash_table_unref (graph->metadata);
  g_free (graph);
}

UnetValue *
unet_graph_add_value (UnetGraph *graph, const gchar *name)
{
  UnetValue *value = g_new0 (UnetValue, 1);

  value->id = graph->values->len;
  value->name = g_strdup (name);
  value->consumers = g_ptr_array_new ();
  g_ptr_array_add (graph->values, value);
  return value;
}

void
unet_value_set_constant (UnetValue *value, UnetTensor *tensor)
{
  unet_tensor_unref (value->constant);
  value->constant = tensor;
  unet_value_set_shape (value, tensor->dtype, tensor->n_dims, tensor->dims);
}

void
unet_value_set_shape (
    UnetValue *value, UnetDType dtype, guint n_dims, const gint64 *dims)
{
  value->dtype = dtype;
  value->has_shape = TRUE;
  value->n_dims = n_dims;
  memset (value->dims, 0, sizeof value->dims);
  if (n_dims)
    memcpy (value->dims, dims, n_dims * sizeof *dims);
}

UnetValue *
unet_graph_add_constant (
    UnetGraph *graph, const gchar *name, UnetTensor *tensor)
{
  UnetValue *value = unet_graph_add_value (graph, name);

  unet_value_set_constant (value, tensor);
  return value;
}

static UnetNode *
node_new (const UnetGraph *graph, UnetOp op, const gchar *name)
{
  UnetNode *node = g_new0 (UnetNode, 1);

  node->op = op;
  node->name = g_strdup (name);
  node->since = graph->opset;
  node->inputs = g_ptr_array_new ();
  node->outputs = g_ptr_array_new ();
  node->attrs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) unet_attr_free);
  node->post_ops = g_array_new (FALSE, TRUE, sizeof (UnetPostOp));
  return node;
}

UnetNode *
unet_graph_add_node (UnetGraph *graph, UnetOp op, const gchar *name)
{
  UnetNode *node = node_new (graph, op, name);

  g_ptr_array_add (graph->nodes, node);
  return node;
}

UnetNode *
unet_graph_insert_node (
    UnetGraph *graph, UnetNode *before, UnetOp op, const gchar *name)
{
  UnetNode *node = node_new (graph, op, name);
  guint index = graph->nodes->len;

  g_ptr_array_find (graph->nodes, before, &index);
  g_ptr_array_insert (graph->nodes, (gint) index, node);
  return node;
}

static void
drop_use (UnetValue *value, UnetNode *node)
{
  if (value)
    g_ptr_array_remove (value->consumers, node);
}

static void
unlink_node (UnetNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++)
    drop_use (g_ptr_array_index (node->inputs, i), node);
  for (guint i = 0; i < node->post_ops->len; i++)
    drop_use (g_array_index (node->post_ops, UnetPostOp, i).value, node);
  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *value = g_ptr_array_index (node->outputs, i);
    if (value && value->producer == node)
      value->producer = NULL;
  }
}

void
unet_graph_remove_node (UnetGraph *graph, UnetNode *node)
{
  unlink_node (node);
  g_ptr_array_remove (graph->nodes, node);
}

void
unet_node_add_input (UnetNode *node, UnetValue *value)
{
  g_ptr_array_add (node->inputs, value);
  if (value)
    g_ptr_array_add (value->consumers, node);
}

void
unet_node_add_output (UnetNode *node, UnetValue *value)
{
  g_ptr_array_add (node->outputs, value);
  if (value)
    value->producer = node;
}

void
unet_node_set_input (UnetNode *node, guint index, UnetValue *value)
{
  while (node->inputs->len <= index)
    g_ptr_array_add (node->inputs, NULL);
  drop_use (g_ptr_array_index (node->inputs, index), node);
  g_ptr_array_index (node->inputs, index) = value;
  if (value)
    g_ptr_array_add (value->consumers, node);
}

void
unet_node_set_output (UnetNode *node, guint index, UnetValue *value)
{
  UnetValue *old = unet_node_output (node, index);

  if (old && old->producer == node)
    old->producer = NULL;
  g_ptr_array_index (node->outputs, index) = value;
  if (value)
    value->producer = node;
}

void
unet_node_add_post_op (UnetNode *node, const UnetPostOp *post_op)
{
  g_array_append_val (node->post_ops, *post_op);
  if (post_op->value)
    g_ptr_array_add (post_op->value->consumers, node);
}

void
unet_node_add_post_ops (UnetNode *node, const UnetNode *from)
{
  for (guint i = 0; i < from->post_ops->len; i++)
    unet_node_add_post_op (
        node, &g_array_index (from->post_ops, UnetPostOp, i));
}

static void
replace_in_node (UnetNode *node, UnetValue *old, UnetValue *value)
{
  for (guint i = 0; i < node->inputs->len; i++)
    if (g_ptr_array_index (node->inputs, i) == old)
      g_ptr_array_index (node->inputs, i) = value;
  for (guint i = 0; i < node->post_ops->len; i++) {
    UnetPostOp *post = &g_array_index (node->post_ops, UnetPostOp, i);
    if (post->value == old)
      post->value = value;
  }
}

void
unet_graph_replace_value (UnetGraph *graph, UnetValue *old, UnetValue *value)
{
  if (old == value)
    return;
  for (guint i = 0; i < old->consumers->len; i++) {
    UnetNode *node = g_ptr_array_index (old->consumers, i);
    replace_in_node (node, old, value);
    g_ptr_array_add (value->consumers, node);
  }
  g_ptr_array_set_size (old->consumers, 0);
  for (guint i = 0; i < graph->outputs->len; i++)
    if (g_ptr_array_index (graph->outputs, i) == old)
      g_ptr_array_index (graph->outputs, i) = value;
}

gboolean
unet_graph_is_output (const UnetGraph *graph, const UnetValue *value)
{
  return g_ptr_array_find (graph->outputs, value, NULL);
}

UnetValue *
unet_node_input (const UnetNode *node, guint index)
{
  return index < node->inputs->len ? g_ptr_array_index (node->inputs, index)
                                   : NULL;
}

UnetValue *
unet_node_output (const UnetNode *node, guint index)
{
  return index < node->outputs->len ? g_ptr_array_index (node->outputs, index)
                                    : NULL;
}

/* ---- copy ------------------------------------------------------------- */

static UnetValue *
twin (const UnetGraph *copy, const UnetValue *value)
{
  return value ? g_ptr_array_index (copy->values, value->id) : NULL;
}

static void
copy_node (UnetGraph *copy, const UnetNode *node)
{
  UnetNode *to = unet_graph_add_node (copy, node->op, node->name);

  to->since = node->since;
  for (guint i = 0; i < node->inputs->len; i++)
    unet_node_add_input (to, twin (copy, unet_node_input (node, i)));
  for (guint i = 0; i < node->outputs->len; i++)
    unet_node_add_output (to, twin (copy, unet_node_output (node, i)));
  for (guint i = 0; i < node->attrs->len; i++)
    g_ptr_array_add (
        to->attrs, unet_attr_copy (g_ptr_array_index (node->attrs, i)));
  for (guint i = 0; i < node->post_ops->len; i++) {
    UnetPostOp post = g_array_index (node->post_ops, UnetPostOp, i);
    post.value = twin (copy, post.value);
    unet_node_add_post_op (to, &post);
  }
}

static void
copy_metadata (UnetGraph *copy, const UnetGraph *graph)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, graph->metadata);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy->metadata, g_strdup (key), g_strdup (value));
}

UnetGraph *
unet_graph_copy (const UnetGraph *graph)
{
  UnetGraph *copy = unet_graph_new (graph->name);

  copy->opset = graph->opset;
  copy->unfolded = graph->unfolded;
  copy->expanded = graph->expanded;
  for (guint i = 0; i < graph->values->len; i++) {
    const UnetValue *from = g_ptr_array_index (graph->values, i);
    UnetValue *to = unet_graph_add_value (copy, from->name);
    if (from->constant)
      to->constant = unet_tensor_ref (from->constant);
    to->dtype = from->dtype;
    to->has_shape = from->has_shape;
    to->n_dims = from->n_dims;
    memcpy (to->dims, from->dims, sizeof to->dims);
    to->has_range = from->has_range;
    to->low = from->low;
    to->high = from->high;
  }
  for (guint i = 0; i < graph->nodes->len; i++)
    copy_node (copy, g_ptr_array_index (graph->nodes, i));
  for (guint i = 0; i < graph->inputs->len; i++)
    g_ptr_array_add (
        copy->inputs, twin (copy, g_ptr_array_index (graph->inputs, i)));
  for (guint i = 0; i < graph->outputs->len; i++)
    g_ptr_array_add (
        copy->outputs, twin (copy, g_ptr_array_index (graph->outputs, i)));
  copy_metadata (copy, graph);
  return copy;
}

/* ---- errors ----------------------------------------------------------- */

void
unet_node_set_error (GError **error, const UnetGraph *graph,
    const UnetNode *node, UnetError code, const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, UNET_ERROR, (gint) code, "%s%snode '%s' (%s): %s",
      graph ? graph->name : "", graph ? ": " : "", node->name,
      unet_op_name (node->op), message);
}
