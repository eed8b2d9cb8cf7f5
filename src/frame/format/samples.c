/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/samples.h"
#include "base/simd.h"

/* Steps that compilers know become shuffles. */
#define COPY(dst_step, src_step)                                               \
  for (guint i = 0; i < n; i++)                                                \
  dst[(gsize) (dst_step) *i] = src[(gsize) (src_step) *i]

UNET_SIMD_EXTERN void
unet_copy_samples_u8 (guint8 *restrict dst, guint dst_step, const guint8 *src,
    guint src_step, guint n)
{
  if (dst_step == 1 && src_step == 1)
    memcpy (dst, src, n);
  else if (dst_step == 1 && src_step == 2)
    COPY (1, 2);
  else if (dst_step == 4 && src_step == 3)
    COPY (4, 3);
  else
    COPY (dst_step, src_step);
}

#undef COPY
#define COPY(dst_step, src_step)                                               \
  for (guint i = 0; i < n; i++)                                                \
  dst[(gsize) (dst_step) *i] =                                                 \
      (guint16) (src[(gsize) (src_step) *i] >> src_shift << dst_shift)

UNET_SIMD_EXTERN void
unet_copy_samples_u16 (UnetSample16 *restrict dst, guint dst_step,
    guint dst_shift, const UnetSample16 *src, guint src_step, guint src_shift,
    guint n)
{
  if (dst_step == 1 && src_step == 1)
    COPY (1, 1);
  else if (dst_step == 1 && src_step == 2)
    COPY (1, 2);
  else
    COPY (dst_step, src_step);
}

/* Pixels on sites, or a quarter of the way to the one before and after; the
 * outermost sites repeat. */
#define WIDEN(type)                                                            \
  const guint sites = (n + 1) / 2;                                             \
                                                                               \
  for (guint i = 0; i < sites; i++) {                                          \
    const guint before = src[(gsize) src_step * (i > 0 ? i - 1 : 0)];          \
    const guint here = src[(gsize) src_step * i];                              \
    const guint after = src[(gsize) src_step * MIN (i + 1, sites - 1)];        \
                                                                               \
    dst[(gsize) dst_step * 2 * i] =                                            \
        (type) (cosited ? here : (before + 3 * here + 2) / 4);                 \
    if (2 * i + 1 < n)                                                         \
      dst[(gsize) dst_step * (2 * i + 1)] = (type) (cosited                    \
              ? (here + after + 1) / 2                                         \
              : (3 * here + after + 2) / 4);                                   \
  }

UNET_SIMD_EXTERN void
unet_widen_samples_u8 (guint8 *restrict dst, guint dst_step, const guint8 *src,
    guint src_step, gboolean cosited, guint n){ WIDEN (guint8) }

UNET_SIMD_EXTERN
    void unet_widen_samples_u16 (UnetSample16 *restrict dst, guint dst_step,
        const UnetSample16 *src, guint src_step, gboolean cosited, guint n)
{
  WIDEN (guint16)
}

/* x / 255 rounded, for x up to 255 × 65535: exact, as (x + 127) / 255 is, since
 * 255 is odd and never halves. */
static inline guint32
divide_by_255 (guint32 x)
{
  return (x + 127) / 255;
}

UNET_SIMD_EXTERN void
unet_set_alpha_u8 (
    guint8 *restrict dst, guint step, const guint8 *alpha, guint n)
{
  if (step == 1)
    memcpy (dst, alpha, n);
  else if (step == 4)
    for (gsize i = 0; i < n; i++)
      dst[4 * (gsize) i] = alpha[i];
  else
    for (gsize i = 0; i < n; i++)
      dst[(gsize) step * i] = alpha[i];
}

UNET_SIMD_EXTERN void
unet_set_alpha_u16 (UnetSample16 *restrict dst, guint step, guint depth,
    guint shift, const guint8 *alpha, guint n)
{
  const guint32 maximum = (1u << depth) - 1;

  for (gsize i = 0; i < n; i++)
    dst[(gsize) step * i] =
        (guint16) (divide_by_255 (alpha[i] * maximum) << shift);
}

UNET_SIMD_EXTERN void
unet_scale_alpha_u8 (
    guint8 *restrict dst, guint step, const guint8 *alpha, guint n)
{
  if (step == 1)
    for (gsize i = 0; i < n; i++)
      dst[i] = (guint8) divide_by_255 (dst[i] * alpha[i]);
  else
    for (gsize i = 0; i < n; i++)
      dst[(gsize) step * i] =
          (guint8) divide_by_255 (dst[(gsize) step * i] * alpha[i]);
}

UNET_SIMD_EXTERN void
unet_scale_alpha_u16 (UnetSample16 *restrict dst, guint step, guint shift,
    const guint8 *alpha, guint n)
{
  for (guint i = 0; i < n; i++) {
    UnetSample16 *sample = dst + (gsize) step * i;

    *sample = (guint16) (divide_by_255 ((guint32) (*sample >> shift) * alpha[i])
        << shift);
  }
}
