/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* Softmax over the channels of a PLAIN tensor, ptr[0] to ptr[1]. */
typedef struct {
  gint64 n, c, pixels;
  gboolean logarithm;
} UnetSoftmaxPlain;
void unet_kernel_softmax_plain (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
