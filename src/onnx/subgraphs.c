/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/subgraphs.h"
#include "graph/subgraph.h"
#include "onnx/node-order.h"
#include <stdlib.h>
#include <string.h>

/* Sub-graphs inside sub-graphs; exporters nest two or three. */
#define MAX_DEPTH 8

typedef struct {
  const gchar *name;
  gsize max;
  gsize n_nodes, n_captured; /* of all sub-graphs so far */
} Closer;

static const gchar *
text (const char *string)
{
  return string ? string : "";
}

static gboolean
fail (const Closer *self, const Onnx__NodeProto *node, UnetError code,
    const gchar *what, GError **error)
{
  g_autofree gchar *name = unet_onnx_node_name (node);

  g_set_error (error, UNET_ERROR, (gint) code, "%s: node '%s' (%s): %s",
      self->name, name, text (node->op_type), what);
  return FALSE;
}

gboolean
unet_onnx_has_subgraphs (const Onnx__NodeProto *node)
{
  const gchar *type = text (node->op_type);

  return (!*text (node->domain) || !strcmp (node->domain, "ai.onnx"))
      && (!strcmp (type, "If") || !strcmp (type, "Loop")
          || !strcmp (type, "Scan"));
}

/* ---- names ---------------------------------------------------------------
 */

static void
define (GHashTable *names, const char *name)
{
  if (*text (name))
    g_hash_table_add (names, (gpointer) name);
}

static void
capture (const GHashTable *names, GHashTable *seen, const char *name,
    GPtrArray *captured)
{
  if (*text (name) && !g_hash_table_contains ((GHashTable *) names, name)
      && g_hash_table_add (seen, (gpointer) name))
    g_ptr_array_add (captured, g_strdup (name));
}

/* Adds the names to @captured that @graph reads and does not define. */
static void
find_captured (
    const Onnx__GraphProto *graph, GHashTable *seen, GPtrArray *captured)
{
  GHashTable *names = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; i < graph->n_input; i++)
    define (names, graph->input[i]->name);
  for (gsize i = 0; i < graph->n_initializer; i++)
    define (names, graph->initializer[i]->name);
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize k = 0; k < graph->node[i]->n_output; k++)
      define (names, graph->node[i]->output[k]);
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize k = 0; k < graph->node[i]->n_input; k++)
      capture (names, seen, graph->node[i]->input[k], captured);
  for (gsize i = 0; i < graph->n_output; i++)
    capture (names, seen, graph->output[i]->name, captured);
  g_hash_table_unref (names);
}

/* ---- changes of the file's messages, which malloc() holds ------------------
 */

static char *
copy_string (const gchar *string)
{
  char *copy = strdup (string);

  g_assert (copy); /* short, and GLib would end the process as well */
  return copy;
}

static gpointer
grow (gpointer array, gsize n)
{
  gpointer grown = realloc (array, n * sizeof (gpointer));

  g_assert (grown);
  return grown;
}

static void
add_input (Onnx__NodeProto *node, const gchar *name)
{
  node->input = grow (node->input, node->n_input + 1);
  node->input[node->n_input++] = copy_string (name);
}

static void
add_graph_input (Onnx__GraphProto *graph, const gchar *name)
{
  Onnx__ValueInfoProto *value = calloc (1, sizeof *value);

  g_assert (value);
  onnx__value_info_proto__init (value);
  value->name = copy_string (name);
  graph->input = grow (graph->input, graph->n_input + 1);
  graph->input[graph->n_input++] = value;
}

static void
add_int (Onnx__NodeProto *node, const gchar *name, gint64 number)
{
  Onnx__AttributeProto *attribute = calloc (1, sizeof *attribute);

  g_assert (attribute);
  onnx__attribute_proto__init (attribute);
  attribute->name = copy_string (name);
  attribute->has_type = TRUE;
  attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
  attribute->has_i = TRUE;
  attribute->i = number;
  node->attribute = grow (node->attribute, node->n_attribute + 1);
  node->attribute[node->n_attribute++] = attribute;
}

/* ---- the walk --------------------------------------------------------------
 */

static Onnx__GraphProto *
find_graph (const Onnx__NodeProto *node, const gchar *name)
{
  for (gsize i = 0; i < node->n_attribute; i++)
    if (!strcmp (text (node->attribute[i]->name), name))
      return node->attribute[i]->g;
  return NULL;
}

static gboolean close_nodes (Closer *self, Onnx__NodeProto **nodes, gsize n,
    guint depth, GError **error);

/* Gives @graphs, those of @node, the same captured values. */
static gboolean
capture_values (Closer *self, Onnx__NodeProto *node, Onnx__GraphProto **graphs,
    guint n_graphs, GError **error)
{
  GPtrArray *captured = g_ptr_array_new_with_free_func (g_free);
  GHashTable *seen = g_hash_table_new (g_str_hash, g_str_equal);
  gboolean ok;

  for (guint i = 0; i < n_graphs; i++)
    find_captured (graphs[i], seen, captured);
  self->n_captured += n_graphs * captured->len;
  ok = self->n_captured <= self->max;
  if (!ok)
    fail (self, node, UNET_ERROR_LIMIT,
        "sub-graphs read too many values from around them", error);
  for (guint i = 0; ok && i < captured->len; i++) {
    add_input (node, g_ptr_array_index (captured, i));
    for (guint k = 0; k < n_graphs; k++)
      add_graph_input (graphs[k], g_ptr_array_index (captured, i));
  }
  if (ok)
    add_int (node, UNET_CAPTURED, captured->len);
  g_hash_table_unref (seen);
  g_ptr_array_unref (captured);
  return ok;
}

static gboolean
close_node (Closer *self, Onnx__NodeProto *node, guint depth, GError **error)
{
  gboolean branches = !strcmp (node->op_type, "If");
  Onnx__GraphProto *graphs[2] = { find_graph (
                                      node, branches ? "then_branch" : "body"),
    branches ? find_graph (node, "else_branch") : NULL };
  guint n = branches ? 2 : 1;
  gsize formal;

  if (depth == MAX_DEPTH)
    return fail (self, node, UNET_ERROR_LIMIT,
        "sub-graphs are nested too deeply", error);
  for (guint i = 0; i < n; i++) {
    if (!graphs[i])
      return fail (
          self, node, UNET_ERROR_PARSE, "a sub-graph is missing", error);
    self->n_nodes += graphs[i]->n_node + graphs[i]->n_initializer
        + graphs[i]->n_input + graphs[i]->n_output;
    if (self->n_nodes > self->max)
      return fail (self, node, UNET_ERROR_LIMIT,
          "sub-graphs have too many nodes", error);
    if (!close_nodes (
            self, graphs[i]->node, graphs[i]->n_node, depth + 1, error))
      return FALSE;
  }
  /* Inputs that are left out keep their place. */
  formal = branches ? 1 : graphs[0]->n_input;
  if (node->n_input > formal)
    return fail (self, node, UNET_ERROR_UNSUPPORTED,
        "has more inputs than its sub-graph, as in operator set 8; export for "
        "a newer one",
        error);
  while (node->n_input < formal)
    add_input (node, "");
  return capture_values (self, node, graphs, n, error);
}

static gboolean
close_nodes (
    Closer *self, Onnx__NodeProto **nodes, gsize n, guint depth, GError **error)
{
  for (gsize i = 0; i < n; i++)
    if (unet_onnx_has_subgraphs (nodes[i])
        && !close_node (self, nodes[i], depth, error))
      return FALSE;
  return TRUE;
}

gboolean
unet_onnx_close_subgraphs (
    Onnx__ModelProto *model, gsize max, const gchar *name, GError **error)
{
  Closer self = { name, max, 0, 0 };

  for (gsize i = 0; i < model->n_functions; i++)
    if (!close_nodes (&self, model->functions[i]->node,
            model->functions[i]->n_node, 0, error))
      return FALSE;
  return close_nodes (
      &self, model->graph->node, model->graph->n_node, 0, error);
}
