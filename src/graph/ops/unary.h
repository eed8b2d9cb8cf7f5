/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Oracles of post-ops, which share their formulas with the operators. */

#include "graph/graph.h"

G_BEGIN_DECLS

/* Returns the post-op of @value. @operand: of ADD, MUL and PRELU. */
gfloat unet_post_op_eval (
    const UnetPostOp *post_op, gfloat value, gfloat operand);
/* Applies all post-ops of a node to its first output. @operands has one view
 * for each post-op, unused where it has no value. Returns %FALSE when @out is
 * not f32. */
gboolean unet_post_ops_eval (
    const UnetNode *node, const UnetTensorView *operands, UnetTensorView *out);

G_END_DECLS
