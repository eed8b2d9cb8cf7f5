/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/attr.h"
#include "graph/graph.h"
#include <string.h>

static void
subgraph_unref (UnetSubgraph *subgraph)
{
  if (!subgraph || !g_atomic_ref_count_dec (&subgraph->ref_count))
    return;
  subgraph->free_graph (subgraph->graph);
  g_free (subgraph);
}

void
unet_attr_set_graph (
    UnetAttr *attr, UnetGraph *graph, void (*free_graph) (UnetGraph *graph))
{
  attr->type = UNET_ATTR_GRAPH;
  attr->subgraph = g_new0 (UnetSubgraph, 1);
  g_atomic_ref_count_init (&attr->subgraph->ref_count);
  attr->subgraph->graph = graph;
  attr->subgraph->free_graph = free_graph;
}

void
unet_attr_free (UnetAttr *attr)
{
  g_free (attr->name);
  g_free (attr->s);
  g_free (attr->floats);
  g_free (attr->ints);
  unet_tensor_unref (attr->tensor);
  subgraph_unref (attr->subgraph);
  g_free (attr);
}

UnetAttr *
unet_attr_copy (const UnetAttr *attr)
{
  UnetAttr *copy = g_memdup2 (attr, sizeof *attr);

  copy->name = g_strdup (attr->name);
  copy->s = g_strdup (attr->s);
  copy->floats = g_memdup2 (attr->floats, attr->n * sizeof *attr->floats);
  copy->ints = g_memdup2 (attr->ints, attr->n * sizeof *attr->ints);
  if (attr->tensor)
    unet_tensor_ref (attr->tensor);
  if (attr->subgraph)
    g_atomic_ref_count_inc (&attr->subgraph->ref_count);
  return copy;
}

const UnetAttr *
unet_node_attr (const UnetNode *node, const gchar *name)
{
  for (guint i = 0; i < node->attrs->len; i++) {
    const UnetAttr *attr = g_ptr_array_index (node->attrs, i);
    if (!strcmp (attr->name, name))
      return attr;
  }
  return NULL;
}

gint64
unet_node_attr_int (const UnetNode *node, const gchar *name, gint64 def)
{
  const UnetAttr *attr = unet_node_attr (node, name);

  return attr && attr->type == UNET_ATTR_INT ? attr->i : def;
}

gdouble
unet_node_attr_float (const UnetNode *node, const gchar *name, gdouble def)
{
  const UnetAttr *attr = unet_node_attr (node, name);

  return attr && attr->type == UNET_ATTR_FLOAT ? attr->f : def;
}

const gchar *
unet_node_attr_string (
    const UnetNode *node, const gchar *name, const gchar *def)
{
  const UnetAttr *attr = unet_node_attr (node, name);

  return attr && attr->type == UNET_ATTR_STRING ? attr->s : def;
}

const UnetGraph *
unet_node_attr_graph (const UnetNode *node, const gchar *name)
{
  const UnetAttr *attr = unet_node_attr (node, name);

  return attr && attr->type == UNET_ATTR_GRAPH ? attr->subgraph->graph : NULL;
}

guint
unet_node_attr_ints (
    const UnetNode *node, const gchar *name, gint64 *ints, guint n)
{
  const UnetAttr *attr = unet_node_attr (node, name);

  if (!attr || attr->type != UNET_ATTR_INTS)
    return 0;
  if (attr->n)
    memcpy (ints, attr->ints, MIN (n, attr->n) * sizeof *ints);
  return attr->n;
}

void
unet_node_remove_attr (UnetNode *node, const gchar *name)
{
  const UnetAttr *attr = unet_node_attr (node, name);

  if (attr)
    g_ptr_array_remove (node->attrs, (gpointer) attr);
}

static UnetAttr *
replace_attr (UnetNode *node, const gchar *name, UnetAttrType type)
{
  UnetAttr *attr = g_new0 (UnetAttr, 1);

  unet_node_remove_attr (node, name);
  attr->name = g_strdup (name);
  attr->type = type;
  g_ptr_array_add (node->attrs, attr);
  return attr;
}

void
unet_node_set_attr_int (UnetNode *node, const gchar *name, gint64 value)
{
  replace_attr (node, name, UNET_ATTR_INT)->i = value;
}

void
unet_node_set_attr_float (UnetNode *node, const gchar *name, gdouble value)
{
  replace_attr (node, name, UNET_ATTR_FLOAT)->f = value;
}

void
unet_node_set_attr_string (
    UnetNode *node, const gchar *name, const gchar *value)
{
  replace_attr (node, name, UNET_ATTR_STRING)->s = g_strdup (value);
}

void
unet_node_set_attr_ints (
    UnetNode *node, const gchar *name, const gint64 *ints, guint n)
{
  UnetAttr *attr = replace_attr (node, name, UNET_ATTR_INTS);

  attr->n = n;
  attr->ints = g_memdup2 (ints, n * sizeof *ints);
}

void
unet_node_add_attr (UnetNode *node, UnetAttr *attr)
{
  unet_node_remove_attr (node, attr->name);
  g_ptr_array_add (node->attrs, attr);
}
