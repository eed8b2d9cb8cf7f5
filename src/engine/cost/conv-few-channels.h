/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Direct convolution for few channels: reads PLAIN or blocks, writes PLAIN. */

#include "engine/kernels/f32-conv-few-channels.h"
#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Operands of the kernel, in the order in which a step has them. */
enum {
  UNET_FEW_CHANNELS_SRC,
  UNET_FEW_CHANNELS_WEIGHTS,
  UNET_FEW_CHANNELS_BIAS,
  UNET_FEW_CHANNELS_DST,
  UNET_FEW_CHANNELS_SCRATCH,
  UNET_FEW_CHANNELS_N_OPERANDS,
};

/* Parameters of unet_few_channels_run(). */
typedef struct {
  UnetConvFewChannelsShape shape;
  gsize scratch; /* floats of one thread */
} UnetFewChannels;

/* Returns whether the kernel can compute @node. */
gboolean unet_few_channels_fits (
    const UnetNode *node, const UnetWindow *window, UnetMemLayout layout);

/* Returns whether @node, computing in PLAIN, can read its input in @layout. */
gboolean unet_few_channels_reads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout);

/* Returns the time of @node in nanoseconds; measures it if it is not known. */
guint64 unet_few_channels_measure (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window);

/* Returns parameters (transfer full) to compute @node. */
UnetFewChannels *unet_few_channels_new (
    const UnetNode *node, const UnetWindow *window);

/* The kernel. */
void unet_few_channels_run (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Returns the output channels, filled up to whole groups. */
gsize unet_few_channels_padded (const UnetFewChannels *few);

G_END_DECLS
