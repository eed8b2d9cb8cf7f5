/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* Shifts and scales each group of adjacent elements of a PLAIN tensor to a mean
 * of 0 and a variance of 1, then multiplies it by a factor and adds a bias:
 * ptr[0] input, ptr[1] factors, ptr[2] biases if there are any, and the output.
 * Each element of a group has a factor and a bias of its own (layer
 * normalisation), or with @channels above 0 each group has one, that of the
 * channel i % channels (instance normalisation). */
typedef struct {
  gint64 groups, size, channels;
  gfloat epsilon;
  gboolean has_bias;
} UnetNormalize;
void unet_kernel_normalize (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
