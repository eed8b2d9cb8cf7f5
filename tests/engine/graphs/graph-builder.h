/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Builds graphs for tests of the engine. */

#include "graph/graph.h"
#include "graph/ops/infer.h"
#include "graph/passes/optimize.h"

/* A graph while it is built. */
typedef struct {
  UnetGraph *graph;
  GRand *rng;
  GPtrArray *pool; /* of UnetValue, f32 and 4-D: operands to draw */
  guint n_names;
} UnetTestGraph;

/* Fills @data with numbers in [-1, 1], the same for the same @seed. */
void unet_test_fill (gfloat *data, gsize n, guint seed);

/* Starts a graph; random choices are the same for the same @seed. */
UnetTestGraph builder_new (guint seed, const gchar *name);

/* Returns the graph (transfer full). It is not inferred, not optimized, and has
 * constants for all weights. */
UnetGraph *builder_end (UnetTestGraph *b);

/* Returns a random number in [low, high]. */
gint64 builder_range (UnetTestGraph *b, gint64 low, gint64 high);

/* Returns TRUE with a probability of @percent. */
gboolean builder_chance (UnetTestGraph *b, guint percent);

/* Returns a value of the pool; later ones are more likely, so that graphs
 * become deep. */
UnetValue *builder_draw (UnetTestGraph *b);

/* Returns a random number of channels. */
gint64 builder_channels (UnetTestGraph *b);

/* Adds @value to the pool and returns it. */
UnetValue *builder_keep (UnetTestGraph *b, UnetValue *value);

/* Writes a name that no other node or value has, and returns it. */
gchar *builder_name (UnetTestGraph *b, const gchar *prefix, gchar name[32]);

/* Adds an input to the graph and to the pool. */
UnetValue *builder_input (
    UnetTestGraph *b, gint64 n, gint64 c, gint64 h, gint64 w);

/* Adds a constant of random numbers in [low, high). */
UnetValue *builder_floats (UnetTestGraph *b, guint n_dims, const gint64 *dims,
    gdouble low, gdouble high);
UnetValue *builder_ints (UnetTestGraph *b, const gint64 *values, guint n);

/* Adds a node with one output and up to three inputs; NULL inputs at the end
 * are left out. */
UnetNode *builder_node (
    UnetTestGraph *b, UnetOp op, UnetValue *x, UnetValue *y, UnetValue *z);

/* Infers the shape of the output of @node, whose attributes are complete, and
 * returns it. */
UnetValue *builder_infer (UnetTestGraph *b, UnetNode *node);

/* Add one operator and return its result. @pad: on all sides. */
UnetValue *builder_unary (UnetTestGraph *b, UnetOp op, UnetValue *x);
UnetValue *builder_conv (UnetTestGraph *b, UnetValue *x, gint64 oc,
    gint64 kernel, gint64 stride, gint64 pad);
UnetValue *builder_concat (UnetTestGraph *b, GPtrArray *inputs, gint64 axis);
