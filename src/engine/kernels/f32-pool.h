/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* Mean or maximum over rows and columns; ptr[1] is n * c * 1 * 1. */
typedef struct {
  UnetVec src;
  gboolean maximum;
} UnetGlobalPool;
void unet_kernel_global_pool (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Maximum of 2x2 pixels with stride 2 over PLAIN tensors. */
typedef struct {
  UnetVec src, dst;
} UnetMaxPool2;
void unet_kernel_max_pool2_plain (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
