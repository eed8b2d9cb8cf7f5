/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which nodes can compute in low precision, and how. */

#include "engine/cost/int8-conv.h"

G_BEGIN_DECLS

/* Returns whether the convolution @node has a fast implementation. */
gboolean unet_int8_conv_suits (UnetPlan *plan, UnetNode *node);

/* Returns whether @node, which is no convolution, has an implementation. */
gboolean unet_int8_move_suits (UnetPlan *plan, UnetNode *node);

/* Returns whether the post-ops of @node do nothing but what clipping to @low
 * and to the type of the result does. @low: (out): the lower bound. */
gboolean unet_int8_only_clips (
    const UnetPlan *plan, const UnetNode *node, gfloat *low);

/* Returns the choice for @conv, which the plan keeps. The first call for a node
 * makes it, which measures where the plan's tuning does. It also drafts
 * conv->pd where oneDNN has an implementation. */
const UnetConvChoice *unet_int8_conv_choose (UnetInt8Conv *conv);

G_END_DECLS
