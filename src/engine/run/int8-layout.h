/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How values lie in memory in low precision, and which nodes write them. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Returns how the plan stores @value in low precision. */
static inline UnetLowValue
unet_value_get_low (const UnetPlan *plan, const UnetValue *value)
{
  return plan->low[value->id];
}

/* Returns whether @node computes in low precision. */
gboolean unet_node_is_low_precision (
    const UnetPlan *plan, const UnetNode *node);

/* Returns whether @a and @b have the same type and scale, so that the one can
 * be copied to the other. */
gboolean unet_int8_same_scale (
    const UnetPlan *plan, const UnetValue *a, const UnetValue *b);

/* Returns whether storing as @value clips exactly as @op does. */
gboolean unet_int8_clips (UnetLowValue value, const UnetPostOp *op);

/* Returns a descriptor (transfer full) of @value, in its concat slot if it has
 * one. */
UnetMd unet_int8_md (const UnetPlan *plan, const UnetValue *value);

/* Returns the steps between pixels, rows and pictures of @value. */
UnetPixels unet_int8_pixels (const UnetPlan *plan, const UnetValue *value);

/* Returns whether @node can write its result to a concat slot. */
gboolean unet_int8_node_takes_slot (const UnetPlan *plan, const UnetNode *node);

/* Returns whether @node computes in low precision but writes f32, because no
 * reader takes low precision. */
gboolean unet_int8_node_writes_f32 (const UnetPlan *plan, const UnetNode *node);

/* Returns whether a node that computes in low precision reads @value as such.
 */
gboolean unet_int8_has_reader (const UnetPlan *plan, const UnetValue *value);

/* Returns whether @node is a convolution, transposed or not. */
gboolean unet_node_is_conv (const UnetNode *node);

/* Returns whether @node pools over whole pictures. Its result, one factor for
 * each channel, stays f32. */
gboolean unet_node_is_global_pool (const UnetNode *node);

/* Returns whether @node is a transposed convolution that is a 1x1 convolution
 * and depth-to-space. */
gboolean unet_node_is_depth_to_space (
    const UnetPlan *plan, const UnetNode *node);

G_END_DECLS
