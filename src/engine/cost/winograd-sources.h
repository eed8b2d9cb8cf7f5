/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tensors that a Winograd convolution reads in place of its input. */

#include "engine/kernels/f32-conv-winograd.h"
#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Consecutive channels of the input, in order. */
typedef struct {
  guint n;
  UnetValue *values[UNET_WINOGRAD_SOURCES];
  /* (nullable): the value lies here, before depth-to-space */
  const UnetLoc *before_depth_to_space[UNET_WINOGRAD_SOURCES];
} UnetWinogradSources;

/* Returns whether @node is a convolution whose input is not materialised or
 * lies before depth-to-space: only Winograd can compute it. */
gboolean unet_conv_has_fused_input (const UnetPlan *plan, const UnetNode *node);

/* Finds what the convolution @node reads. */
void unet_winograd_find_sources (
    const UnetPlan *plan, const UnetNode *node, UnetWinogradSources *sources);

G_END_DECLS
