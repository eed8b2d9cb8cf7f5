/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Builds networks of a few nodes for tests of passes, and checks what
 * unet_graph_optimize() makes of them. */

#include "graph/graph.h"
#include "lib/onnx-writer.h"

/* Checks that producers, consumers and the order of nodes fit each other. */
void check_links (const UnetGraph *graph);
/* Checks that both graphs give the same outputs by the oracles, to @limit of
 * the largest value, for noise from @low to @high. The engine must give them
 * for @before. */
void check_same (UnetGraph *before, UnetGraph *after, gdouble low, gdouble high,
    gdouble limit);
/* Optimises the network of @w, which must then read @wanted, such as `Conv+RELU
 * MaxPool`, and give the same results. */
void expect (Writer *w, const gchar *wanted);

/* Starts a network with one f32 input x. */
Writer begin (const gchar *dims);
/* These functions add a node. They name its weights after @out. @weights: dims.
 */
void add_conv (
    Writer *w, const gchar *in, const gchar *out, const gchar *weights);
void add_batch_norm (
    Writer *w, const gchar *in, const gchar *out, guint channels);
void add_transpose (
    Writer *w, const gchar *in, const gchar *out, const gchar *perm);
/* Adds an f32 scalar. */
void add_number (Writer *w, const gchar *name, gfloat value);
/* Declares the output. */
void finish (Writer *w, const gchar *out);
