/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* f32 convolutions, and transposed ones that are no products (deconv.h): which
 * kernel computes them, and the oneDNN primitive if it is one. */

#include "engine/emit/post-ops.h"

G_BEGIN_DECLS

/* A convolution in one layout. */
typedef struct {
  UnetPlan *plan;
  UnetNode *node;
  UnetMemLayout layout;
  gboolean transposed;
  UnetWindow window;              /* as ONNX has it */
  UnetDnnlWindow dnnl_window;     /* the same for oneDNN */
  UnetMd src, weights, bias, dst; /* weights in any layout; bias nullable */
} UnetConv;

/* A oneDNN primitive for a convolution. */
typedef struct {
  dnnl_primitive_desc_t pd;
  UnetAttrs attrs;
} UnetConvCandidate;

/* Returns the kernel for the convolution @node in @layout. The first call for
 * a node and layout chooses it, which measures where the plan's tuning does;
 * later calls return the same choice. The plan owns it. */
const UnetConvChoice *unet_conv_choose (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout);

/* Returns whether only slow reference implementations exist in @layout. */
gboolean unet_conv_is_slow (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout);

/* Describes @node in @layout. Returns %FALSE with @error set for an invalid
 * window; then nothing has to be cleared. */
gboolean unet_conv_init (UnetConv *conv, UnetPlan *plan, UnetNode *node,
    UnetMemLayout layout, GError **error);
void unet_conv_clear (UnetConv *conv);

/* Finds the primitive of algorithm @alg that takes the most post-ops. Returns
 * %FALSE where there is none; then nothing has to be cleared. */
gboolean unet_conv_find_candidate (
    const UnetConv *conv, dnnl_alg_kind_t alg, UnetConvCandidate *candidate);
void unet_conv_candidate_clear (UnetConvCandidate *candidate);

/* Returns the descriptor (transfer full) of the weights: in any layout, or as
 * ONNX has them. */
UnetMd unet_conv_weights_md (const UnetConv *conv, gboolean any);

/* Returns the layout of the input: the first convolution of a network reads
 * its few channels as they are. */
UnetMemLayout unet_conv_source_layout (
    const UnetNode *node, UnetMemLayout layout);

/* Returns whether the result may overwrite the residual where it lies now. */
gboolean unet_conv_sums_in_place (const UnetConv *conv);

/* Returns whether the output has so few channels that it is moved to PLAIN,
 * where later steps process no empty lanes. */
gboolean unet_conv_is_thin (const UnetConv *conv);

G_END_DECLS
