/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Nodes before and behind a Winograd convolution that it computes as well. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Nodes that the output transform computes while a tile is in registers. */
typedef struct {
  UnetNode *pool;  /* (nullable): a 2x2 pooling of the result */
  UnetNode *head;  /* (nullable): a 1x1 convolution to a few channels */
  gboolean unread; /* no other step reads the result: it is not written */
} UnetWinogradFusion;

/* Finds the nodes behind @node. @block: tiles at once. @n_post_ops: those that
 * the output transform computes. */
void unet_winograd_find_fusion (UnetPlan *plan, UnetNode *node, gint64 block,
    guint n_post_ops, UnetWinogradFusion *fusion);

/* Fills plan->fused_inputs: the values that Winograd convolutions read before
 * a concatenation or before depth-to-space. Call it after
 * unet_plan_choose_layouts(). */
void unet_plan_find_fused_inputs (UnetPlan *plan);

G_END_DECLS
