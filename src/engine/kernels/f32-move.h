/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernels that move f32 values: concatenation, depth to space, padding. */

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* Copies channels [0, src.c) of ptr[0] to channels [channel, ...) of ptr[1]. */
typedef struct {
  UnetVec src, dst;
  gint64 channel;
} UnetCopyChannels;
void unet_kernel_copy_channels (
    gconstpointer params, gpointer const *ptr, guint threads);

/* ptr[0] holds r*r*c channels in groups [dy][dx][c], each group padded to
 * whole vectors; ptr[1] is r times as high and wide. This is the second half
 * of a transposed convolution with kernel = stride = r. */
typedef struct {
  UnetVec src, dst;
  gint64 r;
} UnetDepthToSpace;
void unet_kernel_depth_to_space (
    gconstpointer params, gpointer const *ptr, guint threads);
/* The same from channels without padding between groups to PLAIN. */
void unet_kernel_depth_to_space_plain (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Surrounds ptr[0] with zeros; its first pixel comes to (y, x) of ptr[1]. */
typedef struct {
  UnetVec src, dst;
  gint64 y, x;
} UnetPadZero;
void unet_kernel_pad_zero (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
