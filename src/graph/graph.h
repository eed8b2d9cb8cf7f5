/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The graph: values and nodes in ONNX's terms, with constants, shapes and,
 * after the fusion passes, post-ops on the nodes. It knows neither the file
 * format nor the library that runs it.
 *
 * A graph belongs to one thread at a time. A model's own graph never changes
 * after loading and may be read by many; sessions work on copies, which share
 * the constants. */

#include "graph/attr.h"
#include "graph/op.h"
#include "graph/post-op.h"
#include "graph/tensor.h"

G_BEGIN_DECLS

typedef struct _UnetNode UnetNode;
typedef struct _UnetValue UnetValue;
typedef struct _UnetGraph UnetGraph;

struct _UnetValue {
  guint id; /* index in graph->values */
  gchar *name;
  UnetDType dtype;
  gboolean has_shape;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS]; /* -1: not known */
  UnetTensor *constant;       /* (nullable): initialiser or folded result */
  UnetNode *producer;         /* (nullable) */
  GPtrArray *consumers;       /* of UnetNode, one entry per use, post-op
                               * operands included */
  gboolean has_range; /* the model holds it in 8 bits, for these numbers */
  gfloat low, high;
};

struct _UnetNode {
  UnetOp op;
  gchar *name;        /* never empty: the output's name where it was */
  gint since;         /* operator set that the file declares */
  GPtrArray *inputs;  /* of UnetValue, %NULL for a missing optional one */
  GPtrArray *outputs; /* of UnetValue, %NULL for one without a name */
  GPtrArray *attrs;   /* of UnetAttr */
  GArray *post_ops;   /* of UnetPostOp */
  guint index;        /* in the order, once an engine has numbered them */
};

struct _UnetGraph {
  gchar *name; /* what errors call it: file path */
  gint opset;
  GPtrArray *values;    /* of UnetValue, owned; unused ones stay */
  GPtrArray *nodes;     /* of UnetNode, owned, in topological order */
  GPtrArray *inputs;    /* of UnetValue: without initialisers */
  GPtrArray *outputs;   /* of UnetValue */
  GHashTable *metadata; /* gchar * -> gchar * */
  gsize unfolded;       /* bytes that sub-graphs have added */
  gsize expanded;       /* the same for operators written as several */
};

/* ---- life ------------------------------------------------------------- */

UnetGraph *unet_graph_new (const gchar *name);
/* @graph: (nullable) */
void unet_graph_free (UnetGraph *graph);
/* Returns a deep copy of the structure, with the same ids; constants are
 * shared by reference. */
UnetGraph *unet_graph_copy (const UnetGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetGraph, unet_graph_free)

/* ---- values ----------------------------------------------------------- */

UnetValue *unet_graph_add_value (UnetGraph *graph, const gchar *name);
/* Takes over @tensor. */
UnetValue *unet_graph_add_constant (
    UnetGraph *graph, const gchar *name, UnetTensor *tensor);
void unet_value_set_shape (
    UnetValue *value, UnetDType dtype, guint n_dims, const gint64 *dims);
/* Sets type and shape as well. Takes over @tensor. */
void unet_value_set_constant (UnetValue *value, UnetTensor *tensor);
/* Every use of @old, graph outputs included, becomes one of @value. */
void unet_graph_replace_value (
    UnetGraph *graph, UnetValue *old, UnetValue *value);
gboolean unet_graph_is_output (const UnetGraph *graph, const UnetValue *value);

/* ---- nodes ------------------------------------------------------------ */

/* Appends a node at the end of the order. */
UnetNode *unet_graph_add_node (UnetGraph *graph, UnetOp op, const gchar *name);
/* Inserts a node before @before, which is in the graph. */
UnetNode *unet_graph_insert_node (
    UnetGraph *graph, UnetNode *before, UnetOp op, const gchar *name);
/* Unlinks and frees a node; its outputs stay, without a producer. */
void unet_graph_remove_node (UnetGraph *graph, UnetNode *node);

/* These keep producers and consumers right. @value: (nullable) */
void unet_node_add_input (UnetNode *node, UnetValue *value);
void unet_node_add_output (UnetNode *node, UnetValue *value);
void unet_node_set_input (UnetNode *node, guint index, UnetValue *value);
void unet_node_set_output (UnetNode *node, guint index, UnetValue *value);
void unet_node_add_post_op (UnetNode *node, const UnetPostOp *post_op);
/* Adds copies of all post-ops of @from, which loses nothing. */
void unet_node_add_post_ops (UnetNode *node, const UnetNode *from);

/* These return %NULL beyond the end, or where the file left the value out. */
UnetValue *unet_node_input (const UnetNode *node, guint index);
UnetValue *unet_node_output (const UnetNode *node, guint index);

/* Sets @error to `FILE: node 'NAME' (OP): message`. @graph: (nullable): has
 * the file's name. */
void unet_node_set_error (GError **error, const UnetGraph *graph,
    const UnetNode *node, UnetError code, const gchar *format, ...)
    G_GNUC_PRINTF (5, 6);

G_END_DECLS
