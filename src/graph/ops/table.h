/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the operator table share. Each family of operators has
 * one file, with shape inference and oracle side by side, since both read the
 * same attributes. */

#include "graph/graph.h"
#include <string.h>

G_BEGIN_DECLS

#define UNET_OP(name)                                                          \
  gboolean unet_infer_##name (                                                 \
      UnetGraph *graph, UnetNode *node, GError **error);                       \
  gboolean unet_eval_##name (const UnetNode *node, const UnetTensorView *in,   \
      guint n_in, UnetTensorView *out, guint n_out, GError **error);
#include "graph/ops/op-list.h"
#undef UNET_OP
gboolean unet_eval_expanded (const UnetNode *node, const UnetTensorView *in,
    guint n_in, UnetTensorView *out, guint n_out, GError **error);

#define UNET_INFER(op)                                                         \
  gboolean unet_infer_##op (UnetGraph *graph, UnetNode *node, GError **error)
#define UNET_EVAL(op)                                                          \
  gboolean unet_eval_##op (const UnetNode *node, const UnetTensorView *in,     \
      guint n_in, UnetTensorView *out, guint n_out, GError **error)

/* The inputs of a node as both inference and evaluation see them. */
typedef struct {
  const UnetGraph *graph; /* (nullable): for error messages */
  const UnetNode *node;
  const UnetTensorView *in; /* (nullable): the node's values when %NULL */
  guint n_in;
} UnetArgs;

#define UNET_INFER_ARGS                                                        \
  {                                                                            \
    graph, node, NULL, 0                                                       \
  }
#define UNET_EVAL_ARGS                                                         \
  {                                                                            \
    NULL, node, in, n_in                                                       \
  }

/* %FALSE when the input is missing. view->data is %NULL where inference does
 * not know it. */
gboolean unet_arg (const UnetArgs *args, guint index, UnetTensorView *view);

gboolean unet_args_fail (const UnetArgs *args, GError **error, UnetError code,
    const gchar *format, ...) G_GNUC_PRINTF (4, 5);

typedef enum { UNET_INTS_ABSENT, UNET_INTS_KNOWN, UNET_INTS_OPEN } UnetInts;
/* Integers that are an attribute in old operator sets and an input in newer
 * ones; @attr may be %NULL. *@n is the number there are, which may exceed
 * @max, and may be 0 when OPEN. */
UnetInts unet_arg_ints (const UnetArgs *args, const gchar *attr, guint index,
    gint64 *ints, guint max, guint *n);

/* Resolves a negative axis; %FALSE out of range. */
gboolean unet_axis (gint64 axis, guint rank, guint *out);
/* As above for lists; *@mask has a bit for each axis. */
gboolean unet_axes_mask (const gint64 *axes, guint n, guint rank, guint *mask);

/* Numpy's rule; unknown dimensions give unknown ones. */
gboolean unet_broadcast (guint n_a, const gint64 *a, guint n_b, const gint64 *b,
    guint *n_out, gint64 *out);

/* Sets output @index if the node has it. */
void unet_infer_out (UnetNode *node, guint index, UnetDType dtype, guint n_dims,
    const gint64 *dims);
/* Output 0 is like input 0. */
gboolean unet_infer_same (UnetGraph *graph, UnetNode *node, GError **error);

/* ---- moving elements -------------------------------------------------- */

/* Row-major strides in elements. */
void unet_strides (guint n_dims, const gint64 *dims, gint64 *strides);
/* Strides with which a tensor of @dims is read as one of the wider @out_dims:
 * 0 where it is repeated. */
void unet_broadcast_strides (
    guint n_dims, const gint64 *dims, guint n_out, gint64 *strides);
/* Steps @index through @dims, last axis fastest; %FALSE after the last. */
gboolean unet_next_index (guint n_dims, const gint64 *dims, gint64 *index);
/* Copies a block; strides in elements of @size bytes. */
void unet_copy_strided (gsize size, guint n_dims, const gint64 *dims,
    gpointer dst, const gint64 *dst_strides, gconstpointer src,
    const gint64 *src_strides);
void unet_copy_all (const UnetTensorView *in, UnetTensorView *out);

void unet_view_set_int (UnetTensorView *view, gsize index, gint64 value);
void unet_view_set_float (UnetTensorView *view, gsize index, gdouble value);
gsize unet_view_count (const UnetTensorView *view);

/* Of output 0, when evaluation does not know its type. */
gboolean unet_eval_type_fail (
    const UnetNode *node, UnetDType dtype, GError **error);

/* Rewrites what an old operator set says differently, inserting nodes before
 * @node where it takes several. Shapes of the inputs are known. */
gboolean unet_node_modernize (UnetGraph *graph, UnetNode *node, GError **error);
/* Whether the element types of the inputs are those of the definition. */
gboolean unet_node_check_types (
    const UnetGraph *graph, const UnetNode *node, GError **error);

gboolean unet_window_resolve (
    const UnetArgs *args, UnetWindow *window, GError **error);
gboolean unet_resize_resolve (
    const UnetArgs *args, UnetResize *resize, gint64 *out_dims, GError **error);

G_END_DECLS
