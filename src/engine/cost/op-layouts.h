/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The layouts in which nodes compute, read and write. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Returns a bit for each layout, 1 << UNET_MEM_…, that @op has an
 * implementation for. */
guint unet_op_layouts (UnetOp op);

/* Returns a bit for each layout that @node can compute in
 * with its shapes. */
guint unet_node_layouts (const UnetPlan *plan, const UnetNode *node);

/* Return the layout in which @node reads its first input, or writes its
 * output, when it computes in @layout: few channels are PLAIN outside. */
UnetMemLayout unet_node_reads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout);
UnetMemLayout unet_node_writes (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout);

/* Returns whether @value has so few channels that they fill a quarter of a
 * block or less. */
gboolean unet_value_has_few_channels (
    const UnetPlan *plan, const UnetValue *value);

G_END_DECLS
