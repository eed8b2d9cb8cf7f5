/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What passes share. */

#include "graph/graph.h"

G_BEGIN_DECLS

/* Calls @absorb for every node, until it returns %FALSE for that node; a node
 * that it removes is passed over. Returns whether it returned %TRUE once. */
gboolean unet_pass_each (
    UnetGraph *graph, gboolean (*absorb) (UnetGraph *graph, UnetNode *node));

/* Returns the only use of @value, or %NULL where there are more or it is an
 * output of the graph. */
UnetNode *unet_pass_sole_consumer (
    const UnetGraph *graph, const UnetValue *value);
/* Reads a constant of one floating-point element. @value: (nullable) */
gboolean unet_pass_scalar (const UnetValue *value, gdouble *number);
/* For commutative operators: one input is a constant scalar, the other one
 * becomes *@x. */
gboolean unet_pass_scalar_operand (
    const UnetNode *node, UnetValue **x, gdouble *number);
/* Removes a node whose output equals its input. Names of graph outputs stay;
 * returns %FALSE where that forbids it. */
gboolean unet_pass_bypass (UnetGraph *graph, UnetNode *node);
/* Removes @last and lets @node give its output, with the post-ops of @last
 * behind its own. Both have one output that counts. */
void unet_pass_merge (UnetGraph *graph, UnetNode *node, UnetNode *last);
/* Reads batch normalisation with constant parameters as scale * x + shift for
 * each of @n channels. */
gboolean unet_pass_batch_norm_map (
    const UnetNode *node, gsize n, gdouble *scale, gdouble *shift);
/* Returns whether post-ops may stand behind @node. */
gboolean unet_pass_takes_post_ops (const UnetNode *node);
/* Makes @node a Reshape of @input to the shape of its output. */
void unet_pass_set_reshape (UnetGraph *graph, UnetNode *node, UnetValue *input);
/* Leaves the node one input, @value. */
void unet_pass_set_inputs (UnetNode *node, UnetValue *value);
/* Adds an f32 scalar as the last input. */
void unet_pass_add_number (UnetGraph *graph, UnetNode *node, gdouble number);

G_END_DECLS
