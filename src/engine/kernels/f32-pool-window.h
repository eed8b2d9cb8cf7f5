/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pooling with any window, where oneDNN has its reference implementation only:
 * with dilation. */

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

typedef enum {
  UNET_POOL_MAX,
  UNET_POOL_AVERAGE,        /* over the taps inside of the picture */
  UNET_POOL_AVERAGE_PADDED, /* over all taps; those outside are 0 */
} UnetPoolKind;

/* @src and @dst have the same layout. A window without a tap inside of the
 * picture gives -INFINITY as the maximum and 0 as the average. */
typedef struct {
  UnetVec src, dst;
  UnetPoolKind kind;
  gint64 kernel[2], stride[2], dilation[2], pad_begin[2];
} UnetPoolWindow;

void unet_kernel_pool_window (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
