/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Low-precision tensors as kernels see them: NHWC of int8, uint8 or bfloat16,
 * as rows of pixels that lie a step apart, so that some channels of a wider
 * tensor are a tensor, too. Kernels that only move values count bytes. */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  UNET_ELEMENT_NONE, /* f32 */
  UNET_ELEMENT_U8,
  UNET_ELEMENT_S8,
  UNET_ELEMENT_BF16,
} UnetElementType;

/* Returns the bytes of one low-precision element. */
static inline guint
unet_element_size (UnetElementType type)
{
  return type == UNET_ELEMENT_BF16 ? 2 : 1;
}

/* Steps between pixels, rows and pictures, in elements. */
typedef struct {
  gint64 pixel, row, image;
} UnetPixels;

G_END_DECLS
