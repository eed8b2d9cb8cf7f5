/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attributes of nodes. */

#include "graph/tensor.h"

G_BEGIN_DECLS

typedef struct _UnetNode UnetNode;
typedef struct _UnetGraph UnetGraph;

typedef enum {
  UNET_ATTR_FLOAT,
  UNET_ATTR_INT,
  UNET_ATTR_STRING,
  UNET_ATTR_FLOATS,
  UNET_ATTR_INTS,
  UNET_ATTR_TENSOR,
  UNET_ATTR_GRAPH,
} UnetAttrType;

/* A sub-graph that copies of an attribute share; it never changes. */
typedef struct {
  gatomicrefcount ref_count;
  UnetGraph *graph;
  void (*free_graph) (UnetGraph *graph);
} UnetSubgraph;

/* Only the fields of @type are set. All pointers are owned. */
typedef struct {
  gchar *name;
  UnetAttrType type;
  gdouble f;
  gint64 i;
  gchar *s;
  guint n; /* of floats or ints */
  gfloat *floats;
  gint64 *ints;
  UnetTensor *tensor;
  UnetSubgraph *subgraph;
} UnetAttr;

/* Returns a deep copy; tensor and sub-graph are shared. */
UnetAttr *unet_attr_copy (const UnetAttr *attr);
void unet_attr_free (UnetAttr *attr);
/* Makes @attr hold @graph, which it takes over and @free_graph frees. */
void unet_attr_set_graph (
    UnetAttr *attr, UnetGraph *graph, void (*free_graph) (UnetGraph *graph));

/* Returns the attribute of this name, or %NULL. */
const UnetAttr *unet_node_attr (const UnetNode *node, const gchar *name);
/* These return @def when the attribute is absent or of another type. */
gint64 unet_node_attr_int (const UnetNode *node, const gchar *name, gint64 def);
gdouble unet_node_attr_float (
    const UnetNode *node, const gchar *name, gdouble def);
const gchar *unet_node_attr_string (
    const UnetNode *node, const gchar *name, const gchar *def);
/* Returns %NULL when the attribute is absent or of another type. */
const UnetGraph *unet_node_attr_graph (const UnetNode *node, const gchar *name);
/* Copies up to @n entries to @ints. Returns how many the attribute has, which
 * may exceed @n; 0 when it is absent or of another type. */
guint unet_node_attr_ints (
    const UnetNode *node, const gchar *name, gint64 *ints, guint n);

/* These add an attribute, or replace the one of the same name. */
void unet_node_set_attr_int (UnetNode *node, const gchar *name, gint64 value);
void unet_node_set_attr_float (
    UnetNode *node, const gchar *name, gdouble value);
void unet_node_set_attr_string (
    UnetNode *node, const gchar *name, const gchar *value);
void unet_node_set_attr_ints (
    UnetNode *node, const gchar *name, const gint64 *ints, guint n);
/* As above; takes over @attr. */
void unet_node_add_attr (UnetNode *node, UnetAttr *attr);
/* Does nothing when the attribute is absent. */
void unet_node_remove_attr (UnetNode *node, const gchar *name);

G_END_DECLS
