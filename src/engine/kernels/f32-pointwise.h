/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* clip (alpha * x + beta, low, high), ptr[0] to ptr[1], which may be the same.
 * Lanes beyond the last channel become 0. */
typedef struct {
  UnetVec vec;
  gfloat alpha, beta, low, high;
} UnetLinearClip;
void unet_kernel_linear_clip (
    gconstpointer params, gpointer const *ptr, guint threads);

/* x < 0 ? slope * x : x with one slope for each channel in ptr[1] (vectors
 * padded with zeros), ptr[0] to ptr[2]. */
typedef struct {
  UnetVec vec;
} UnetPRelu;
void unet_kernel_prelu (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
