/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The second half of a transposed convolution: a matrix product has made what
 * each input pixel adds to the result by each tap; here every output pixel
 * gathers the sum of what reaches it. Also a whole depthwise transposed
 * convolution, where the product is one multiplication. */

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

typedef struct {
  /* Of ptr[0]: with weights the picture itself; without, kernel[0] * kernel[1]
   * groups of @group channels, one for each tap. */
  UnetVec src;
  UnetVec dst; /* of ptr[3]; PLAIN, or blocks as in src */
  gint64 group;
  gint64 kernel[2], stride[2], dilation[2], pad[2]; /* rows, columns */
  gboolean has_bias; /* ptr[1]: floats, one for each channel of whole blocks */
  gboolean has_weights; /* ptr[2]: kernel[0] * kernel[1] times as many */
} UnetCol2im;

/* Every pixel of the result is written, those that no tap reaches with the
 * bias. Lanes beyond the last channel become what bias and source hold there:
 * zero, where both are zero. */
void unet_kernel_col2im (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
