/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* Separable interpolation between two samples. Output row y is
 * (1 - fy[y]) * in[y0[y]] + fy[y] * in[y1[y]], and columns likewise. Nearest
 * has fy = fx = 0. The tables follow the struct in memory. */
typedef struct {
  UnetVec src, dst;
  gboolean nearest;
  gint32 *y0, *y1, *x0, *x1;
  gfloat *fy, *fx;
} UnetResizeTables;

/* Returns tables full of zeros, to be freed with g_free (), or NULL if there
 * is not enough memory. */
UnetResizeTables *unet_resize_tables_new (
    UnetVec src, UnetVec dst, gboolean nearest);
/* Resizes ptr[0] to ptr[1]. */
void unet_kernel_resize (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
