/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Samples towards a colour: dst += (color - dst) × alpha, alpha in 0..255 with
 * 255 as one, rounded; where alpha is 0 nothing changes, whatever is there. */

#include "base/simd.h"

G_BEGIN_DECLS

void unet_blend_u8 (
    guint8 *dst, const guint8 *alpha, const guint16 *color, guint n);
/* Samples that begin @shift bits up in their words; what lies below stays. */
void unet_blend_u16 (UnetSample16 *dst, const guint8 *alpha,
    const guint16 *color, guint shift, guint n);

/* Alpha of pixels to alpha of samples: dst[step * i + j] = mask[j] ? src[i] :
 * 0, for steps of 2 and 4. */
void unet_spread_2 (
    guint8 *dst, const guint8 *src, const guint8 mask[2], guint n);
void unet_spread_4 (
    guint8 *dst, const guint8 *src, const guint8 mask[4], guint n);
/* dst[2 * i + first] = a[i], the other one chroma[i / 2]. */
void unet_spread_422 (guint8 *dst, const guint8 *luma, const guint8 *chroma,
    guint first, guint n);
/* dst[step * i] = src[i]. */
void unet_scatter_u8 (guint8 *dst, const guint8 *src, guint step, guint n);
void unet_scatter_u16 (guint16 *dst, const guint16 *src, guint step, guint n);

/* Alpha at chroma sites. Rows first: sites lie between rows[1] and rows[2], or
 * on rows[1] if there is a rows[0]; without rows[2] no rows are joined. The sum
 * is four times alpha. */
void unet_chroma_rows (guint16 *sum, const guint8 *const rows[3], guint n);
/* Then columns: @cosited sites lie on even pixels, others between two; sum is
 * read from -1 to 2 * n - 1. */
void unet_chroma_columns (
    guint8 *dst, const guint16 *sum, gboolean cosited, guint n);
/* Colours in the same way, weighted by alpha. */
void unet_chroma_color_rows (guint32 *sum, const guint8 *const rows[3],
    const guint16 *const colors[3], guint n);
void unet_chroma_color_columns (guint16 *dst, const guint32 *sum,
    const guint16 *alpha_sum, gboolean cosited, guint n);

G_END_DECLS
