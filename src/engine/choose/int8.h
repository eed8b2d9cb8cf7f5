/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Narrow arithmetic: bytes or bfloat16 between layers, in NHWC. A value x is
 * held as round (x / scale), unsigned where it is never negative and signed
 * and symmetric where it is, so that zero is always 0: padding needs no
 * care and there is no zero point to fold. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* ---- choice (narrow.c) --------------------------------------------------- */

/* Fills plan->narrow and plan->is_narrow. */
void unet_plan_choose_narrow (UnetPlan *plan);
gboolean unet_node_is_narrow (const UnetPlan *plan, const UnetNode *node);
/* Does a narrow convolution write floats, since nobody reads bytes? */
gboolean unet_narrow_writes_floats (const UnetPlan *plan, const UnetNode *node);
/* Can the parts of a narrow concatenation be copied as they are? */
gboolean unet_narrow_same (
    const UnetPlan *plan, const UnetValue *a, const UnetValue *b);
/* Does @op cut off what bytes of @value cannot hold, and nothing else? */
gboolean unet_narrow_limits (UnetNarrowValue value, const UnetPostOp *op);
UnetMd unet_narrow_md (const UnetPlan *plan, const UnetValue *value);
UnetPixels unet_narrow_pixels (const UnetPlan *plan, const UnetValue *value);
/* Does the producer write into parts of wider tensors? */
gboolean unet_narrow_can_place (const UnetPlan *plan, const UnetNode *node);

/* ---- lowering ------------------------------------------------------------ */

/* Is there a fast implementation? (lower-narrow.c) */
gboolean unet_narrow_conv_suits (UnetPlan *plan, UnetNode *node);
gboolean unet_narrow_conv_spreads (const UnetPlan *plan, const UnetNode *node);
gboolean unet_lower_narrow_conv (
    UnetPlan *plan, UnetNode *node, GError **error);
/* lower-narrow-move.c */
gboolean unet_narrow_move_suits (UnetPlan *plan, UnetNode *node);
gboolean unet_lower_narrow (UnetPlan *plan, UnetNode *node, GError **error);
/* A step from floats to bytes or back. */
gboolean unet_narrow_add_conversion (
    UnetPlan *plan, UnetValue *value, const UnetLoc *from, const UnetLoc *to);

/* ---- of lower.c and lower-move.c ----------------------------------------- */

gboolean unet_pool_window (UnetPlan *plan, UnetNode *node, UnetDnnlWindow *w,
    dnnl_alg_kind_t *alg, GError **error);
gboolean unet_pool_is_max2 (
    const UnetNode *node, const UnetDnnlWindow *w, dnnl_alg_kind_t alg);
gboolean unet_resize_is_simple (
    UnetPlan *plan, UnetNode *node, UnetResize *resize);
void unet_resize_fill (
    const UnetResize *resize, UnetNode *node, UnetResizeTables *tables);

G_END_DECLS
