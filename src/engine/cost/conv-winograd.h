/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3). */

#include "engine/kernels/f32-conv-winograd.h"
#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Operands of the kernel. */
enum {
  UNET_WINOGRAD_WEIGHTS,
  UNET_WINOGRAD_BIAS,
  UNET_WINOGRAD_DST,
  UNET_WINOGRAD_IN, /* transformed input: scratch */
  UNET_WINOGRAD_PRODUCTS,
  UNET_WINOGRAD_ADD,
  UNET_WINOGRAD_POOL,
  UNET_WINOGRAD_HEAD_WEIGHTS,
  UNET_WINOGRAD_HEAD_BIAS,
  UNET_WINOGRAD_HEAD,
  UNET_WINOGRAD_SUMS, /* of the heads: scratch */
  UNET_WINOGRAD_SRC,
  UNET_WINOGRAD_N_OPERANDS = UNET_WINOGRAD_SRC + UNET_WINOGRAD_SOURCES
};

/* Parameters of unet_winograd_run(). */
typedef struct {
  UnetWinogradShape shape;
  gint at[UNET_WINOGRAD_N_OPERANDS]; /* number among a step's operands; -1:
                                      * not there */
  gint64 tiles;                      /* of one picture */
  gint64 block;                      /* tiles at once */
  gint64 blocks;                     /* of one picture */
  gboolean divided; /* threads divide the output channels, not the tiles */
  gint64 stride;    /* floats between the 36 of a block's input */
  gsize in_size, scratch_size; /* floats of one thread */
  guint threads;
} UnetWinograd;

/* Returns whether the kernel can compute @node. */
gboolean unet_winograd_fits (
    const UnetNode *node, const UnetWindow *window, UnetMemLayout layout);

/* Returns how many post-ops the kernels of this library take: a residual, then
 * a rectifier. @residual: (out) (nullable). @slope, @low, @high: (out): of the
 * rectifier. */
guint unet_conv_own_post_ops (const UnetNode *node, UnetValue **residual,
    gfloat *slope, gfloat *low, gfloat *high);

/* Returns the tiles at once by rule: 0 divides the output channels. */
gint64 unet_winograd_block (const UnetNode *node);

/* Returns the time of @node in nanoseconds; measures it if it is not known.
 * @block: (out): tiles at once, 0 to divide the output channels. */
guint64 unet_winograd_measure (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 *block);

/* Returns parameters (transfer full) to compute @node. @block: as above. */
UnetWinograd *unet_winograd_new (
    UnetPlan *plan, UnetNode *node, const UnetWindow *window, gint64 block);

/* The kernel. */
void unet_winograd_run (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Return sizes of operands: of the weights in bytes, and of the transformed
 * input of all threads in floats. */
gsize unet_winograd_weights_bytes (const UnetWinograd *winograd);
gsize unet_winograd_in_floats (const UnetWinograd *winograd);

G_END_DECLS
