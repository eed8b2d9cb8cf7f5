/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inputs and attributes of a node as shape inference and the oracle both
 * see them, and what inference functions share. */

#include "graph/graph.h"

G_BEGIN_DECLS

typedef struct {
  const UnetGraph *graph; /* (nullable): for error messages */
  const UnetNode *node;
  const UnetTensorView *in; /* (nullable): the node's values when %NULL */
  guint n_in;
} UnetArgs;

/* Initialisers for the arguments of UNET_INFER and UNET_EVAL functions. */
#define UNET_INFER_ARGS                                                        \
  {                                                                            \
    graph, node, NULL, 0                                                       \
  }
#define UNET_EVAL_ARGS                                                         \
  {                                                                            \
    NULL, node, in, n_in                                                       \
  }

/* Makes @view show input @index. Its data are %NULL where inference does not
 * know them. Returns %FALSE, with a view of type NONE, when the input is
 * missing. */
gboolean unet_arg (const UnetArgs *args, guint index, UnetTensorView *view);

/* Sets @error for the node and returns %FALSE. */
gboolean unet_args_fail (const UnetArgs *args, GError **error, UnetError code,
    const gchar *format, ...) G_GNUC_PRINTF (4, 5);

typedef enum { UNET_INTS_ABSENT, UNET_INTS_KNOWN, UNET_INTS_OPEN } UnetInts;
/* Reads integers that are an attribute in old operator sets and input @index
 * in newer ones. @attr: (nullable). *@n is their number, which may exceed
 * @max, and may be 0 when OPEN. */
UnetInts unet_arg_ints (const UnetArgs *args, const gchar *attr, guint index,
    gint64 *ints, guint max, guint *n);

/* Resolves a negative axis. Returns %FALSE when it is out of range. */
gboolean unet_axis (gint64 axis, guint rank, guint *out);
/* Sets a bit of *@mask for each axis. Returns %FALSE when one is out of range
 * or there twice. */
gboolean unet_axes_mask (const gint64 *axes, guint n, guint rank, guint *mask);

/* Broadcasts two shapes by numpy's rule; open dimensions give open ones. @out
 * has %UNET_MAX_DIMS entries and may be @a or @b. Returns %FALSE when the
 * shapes do not fit. */
gboolean unet_broadcast (guint n_a, const gint64 *a, guint n_b, const gint64 *b,
    guint *n_out, gint64 *out);

/* Sets type and shape of output @index if the node has it. */
void unet_infer_out (UnetNode *node, guint index, UnetDType dtype, guint n_dims,
    const gint64 *dims);
/* Gives output 0 the type and shape of input 0. */
gboolean unet_infer_same (UnetGraph *graph, UnetNode *node, GError **error);

/* Sets @error for an element type that evaluation lacks, returns %FALSE. */
gboolean unet_eval_type_fail (
    const UnetNode *node, UnetDType dtype, GError **error);

G_END_DECLS
