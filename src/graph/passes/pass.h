/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The passes of unet_graph_optimize(). Each changes the graph in place, keeps
 * its results to rounding, keeps nodes in topological order and shapes right,
 * and tells whether it changed anything. */

#include "graph/ops/table.h"

G_BEGIN_DECLS

gboolean unet_pass_dead_code (UnetGraph *graph);
gboolean unet_pass_no_op (UnetGraph *graph);
gboolean unet_pass_dequantize (UnetGraph *graph);
gboolean unet_pass_exact (UnetGraph *graph);
gboolean unet_pass_transpose (UnetGraph *graph);
gboolean unet_pass_clip (UnetGraph *graph);
gboolean unet_pass_hard_swish (UnetGraph *graph);
gboolean unet_pass_self_gate (UnetGraph *graph);
gboolean unet_pass_pad (UnetGraph *graph);
gboolean unet_pass_slice (UnetGraph *graph);
gboolean unet_pass_affine (UnetGraph *graph);
gboolean unet_pass_batch_norm (UnetGraph *graph);
gboolean unet_pass_activation (UnetGraph *graph);
gboolean unet_pass_residual (UnetGraph *graph);

/* ---- what they share -------------------------------------------------- */

/* The only use of @value, or %NULL where there are more or it is an output of
 * the graph. */
UnetNode *unet_pass_sole_consumer (
    const UnetGraph *graph, const UnetValue *value);
/* Value of a constant of one element. */
gboolean unet_pass_scalar (const UnetValue *value, gdouble *number);
/* For commutative operators: input @index is a constant scalar, the other
 * input is *@x. */
gboolean unet_pass_scalar_operand (
    const UnetNode *node, UnetValue **x, gdouble *number);
/* Removes a node whose output equals its input. Names of graph outputs stay;
 * %FALSE where that forbids it. */
gboolean unet_pass_bypass (UnetGraph *graph, UnetNode *node);
/* @node gives from now on what @last, which it has been merged with, gave;
 * @last is removed. Both have one output that counts. */
void unet_pass_merge (UnetGraph *graph, UnetNode *node, UnetNode *last);
/* Batch normalisation with constant parameters as scale * x + shift for each
 * of @n channels. */
gboolean unet_pass_batch_norm_map (
    const UnetNode *node, gsize n, gdouble *scale, gdouble *shift);
/* Whether post-ops may hang behind @node. */
gboolean unet_pass_takes_post_ops (const UnetNode *node);
/* Makes @node a Reshape of @input to the shape of its output. */
void unet_pass_set_reshape (UnetGraph *graph, UnetNode *node, UnetValue *input);
/* One input, @value; the output has the node's old output's place. */
void unet_pass_set_inputs (UnetNode *node, UnetValue *value);

G_END_DECLS
