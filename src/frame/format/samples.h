/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Samples from one layout of pixels to another, and their alpha. */

#include "base/simd.h"

G_BEGIN_DECLS

/* dst[dst_step * i] = src[src_step * i] */
void unet_copy_samples_u8 (
    guint8 *dst, guint dst_step, const guint8 *src, guint src_step, guint n);
/* The same with significant bits at other places: what is below them is 0. */
void unet_copy_samples_u16 (UnetSample16 *dst, guint dst_step, guint dst_shift,
    const UnetSample16 *src, guint src_step, guint src_shift, guint n);

/* Chroma of two pixels to one of each, linearly: sites lie on even pixels or
 * between two. @n: pixels, @src has half as many, rounded up. */
void unet_widen_samples_u8 (guint8 *dst, guint dst_step, const guint8 *src,
    guint src_step, gboolean cosited, guint n);
void unet_widen_samples_u16 (UnetSample16 *dst, guint dst_step,
    const UnetSample16 *src, guint src_step, gboolean cosited, guint n);

/* Alpha, 0..255, as samples of @depth bits: dst[step * i] = alpha[i] × (2^depth
 * - 1) / 255, rounded. */
void unet_set_alpha_u8 (guint8 *dst, guint step, const guint8 *alpha, guint n);
void unet_set_alpha_u16 (UnetSample16 *dst, guint step, guint depth,
    guint shift, const guint8 *alpha, guint n);
/* dst[step * i] = dst[step * i] × alpha[i] / 255, rounded. */
void unet_scale_alpha_u8 (
    guint8 *dst, guint step, const guint8 *alpha, guint n);
void unet_scale_alpha_u16 (
    UnetSample16 *dst, guint step, guint shift, const guint8 *alpha, guint n);

G_END_DECLS
