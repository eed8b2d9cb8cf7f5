/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/f32-resize.h"
#include "engine/kernels/int8-tensor.h"

G_BEGIN_DECLS

/* Interpolates as f32-resize.h does, rounded to the type. */
typedef struct {
  UnetElementType type;
  gint64 c;
  UnetPixels src, dst;
  UnetResizeTables *tables; /* owned */
} UnetInt8Resize;
/* Frees a UnetInt8Resize with its tables. */
void unet_int8_resize_free (gpointer resize);
void unet_kernel_int8_resize (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
