/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* Sums a PLAIN tensor of @outer x @n x @inner elements over its middle, and
 * multiplies sums by @scale: ptr[0] to ptr[1]. */
typedef struct {
  gint64 outer, n, inner;
  gdouble scale;
} UnetReduce;
void unet_kernel_reduce (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
