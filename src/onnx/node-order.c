/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/node-order.h"
#include <unetseg/unet-types.h>
#include <string.h>

/* The format asks for nodes in topological order. ONNX Runtime sorts them
 * itself, so that tools leave them unsorted unnoticed: the float16 converter
 * of onnxconverter-common appends its Casts at the end. */

/* A name is cut at this length for errors; nodes that a cycle's error lists. */
#define MAX_NAME   4096
#define MAX_LISTED 8

typedef enum { UNSEEN, WAITING, PLACED } State;

/* A node that waits for the makers of its inputs. */
typedef struct {
  gsize node, input;
} Visit;

typedef struct {
  Onnx__GraphProto *graph;
  const gchar *name;
  GHashTable *makers; /* name of a value -> index of its node + 1 */
  State *states;
  Onnx__NodeProto **order;
  gsize n_placed;
  GArray *visits; /* of Visit: a path from a reader up to its makers */
} Sorter;

gchar *
unet_onnx_node_name (const Onnx__NodeProto *proto)
{
  const char *name = proto->name;

  if ((!name || !*name) && proto->n_output)
    name = proto->output[0];
  if (!name || !*name)
    return g_strdup ("unnamed");
  return g_utf8_make_valid (name, (gssize) strnlen (name, MAX_NAME));
}

static gboolean
fail_cycle (const Sorter *self, gsize first, GError **error)
{
  GString *list = g_string_new (NULL);
  g_autofree gchar *name = unet_onnx_node_name (self->graph->node[first]);
  guint i = self->visits->len, n = 0;

  while (i-- > 0 && g_array_index (self->visits, Visit, i).node != first)
    if (n++ < MAX_LISTED) {
      gsize node = g_array_index (self->visits, Visit, i).node;
      g_autofree gchar *next = unet_onnx_node_name (self->graph->node[node]);
      g_string_append_printf (list, "%s'%s'", n > 1 ? ", " : "", next);
    }
  g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
      "%s: node '%s' (%s): is in a cycle: it needs its own output%s%s%s",
      self->name, name,
      self->graph->node[first]->op_type ? self->graph->node[first]->op_type
                                        : "",
      n ? ", by way of " : "", list->str, n > MAX_LISTED ? " and others" : "");
  g_string_free (list, TRUE);
  return FALSE;
}

static void
visit (Sorter *self, gsize node)
{
  Visit visit = { node, 0 };

  self->states[node] = WAITING;
  g_array_append_val (self->visits, visit);
}

/* Places @root behind the nodes that it needs. Files may chain 65536 nodes,
 * so the path is an array and not the stack. */
static gboolean
place (Sorter *self, gsize root, GError **error)
{
  visit (self, root);
  while (self->visits->len > 0) {
    Visit *top = &g_array_index (self->visits, Visit, self->visits->len - 1);
    Onnx__NodeProto *node = self->graph->node[top->node];
    gsize maker;

    if (top->input == node->n_input) {
      self->states[top->node] = PLACED;
      self->order[self->n_placed++] = node;
      g_array_set_size (self->visits, self->visits->len - 1);
      continue;
    }
    maker = GPOINTER_TO_SIZE (
        g_hash_table_lookup (self->makers, node->input[top->input++]));
    if (maker == 0 || self->states[maker - 1] == PLACED)
      continue;
    if (self->states[maker - 1] == WAITING)
      return fail_cycle (self, maker - 1, error);
    visit (self, maker - 1);
  }
  return TRUE;
}

/* The first of two makers counts; the importer refuses the second. */
static void
find_makers (Sorter *self)
{
  for (gsize i = self->graph->n_node; i-- > 0;) {
    const Onnx__NodeProto *node = self->graph->node[i];
    for (gsize k = 0; k < node->n_output; k++)
      if (node->output[k] && *node->output[k])
        g_hash_table_insert (
            self->makers, node->output[k], GSIZE_TO_POINTER (i + 1));
  }
}

gboolean
unet_onnx_sort_nodes (
    Onnx__GraphProto *graph, const gchar *name, GError **error)
{
  Sorter self = { graph, name };
  gboolean ok = TRUE;

  self.makers = g_hash_table_new (g_str_hash, g_str_equal);
  self.states = g_new0 (State, graph->n_node);
  self.order = g_new (Onnx__NodeProto *, graph->n_node);
  self.visits = g_array_new (FALSE, FALSE, sizeof (Visit));
  find_makers (&self);
  for (gsize i = 0; ok && i < graph->n_node; i++)
    if (self.states[i] == UNSEEN)
      ok = place (&self, i, error);
  if (ok && graph->n_node)
    memcpy (graph->node, self.order, graph->n_node * sizeof *self.order);
  g_array_unref (self.visits);
  g_free (self.order);
  g_free (self.states);
  g_hash_table_unref (self.makers);
  return ok;
}
