/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The 1x1 convolution and the depthwise one behind it of an inverted residual
 * (M. Sandler et al., "MobileNetV2", 2018) as one primitive of oneDNN, which
 * computes a few rows of the wide tensor between them at a time. */

#include "engine/emit/post-ops.h"

G_BEGIN_DECLS

typedef struct {
  UnetPlan *plan;
  UnetNode *wide, *deep; /* the 1x1 and the depthwise convolution */
  gint64 stride;
  UnetMd src, weights, bias, mid, deep_weights;
  dnnl_post_ops_t ops;
  dnnl_primitive_attr_t attr;
  dnnl_primitive_desc_t pd;
} UnetExpandDepthwise;

/* Describes @wide and the depthwise convolution that alone reads its result.
 * Returns %FALSE where there is no such pair or primitive; either way
 * unet_expand_depthwise_clear() has to follow. */
gboolean unet_expand_depthwise_init (
    UnetExpandDepthwise *f, UnetPlan *plan, UnetNode *wide);
void unet_expand_depthwise_clear (UnetExpandDepthwise *f);

/* Returns whether one primitive is faster than two; measures what is not known
 * yet. */
gboolean unet_expand_depthwise_is_faster (const UnetExpandDepthwise *f);

G_END_DECLS
