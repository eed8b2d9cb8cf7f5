/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/frame-alpha.h"
#include "base/simd.h"
#include "frame/format/alpha-samples.h"

struct _UnetFrameAlpha {
  UnetAlphaSamples samples;
  guint shift, depth; /* of what is read */
  guint16 scale;      /* to @depth, where there are fewer bits */
  guint width, height;
  UnetMask mask;
  guint8 *pixels;
  guint8 *flat; /* a row of a mask of one pixel */
};

/* GStreamer 1.22 unpacks two bits of alpha to the upper bits of 16, and 3 to
 * less than the largest value. */
static void
choose_bits (UnetFrameAlpha *self, const GstVideoInfo *stream)
{
  const UnetAlphaSamples *s = &self->samples;
  const guint depth = MIN (stream->finfo->depth[3], s->depth);

  self->shift = s->shift + s->depth - depth;
  self->depth = MAX (depth, 8);
  self->scale = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
}

UnetFrameAlpha *
unet_frame_alpha_new (const GstVideoInfo *stream, const GstVideoInfo *info)
{
  UnetFrameAlpha *self = g_new0 (UnetFrameAlpha, 1);

  unet_alpha_samples_init (&self->samples, info);
  choose_bits (self, stream);
  self->width = (guint) info->width;
  self->height = (guint) info->height;
  self->pixels = g_try_new (guint8, (gsize) self->width * self->height);
  self->flat = g_new (guint8, self->width);
  if (!self->pixels)
    g_clear_pointer (&self, unet_frame_alpha_free);
  return self;
}

void
unet_frame_alpha_free (UnetFrameAlpha *self)
{
  if (!self)
    return;
  g_free (self->pixels);
  g_free (self->flat);
  g_free (self);
}

/* ---- rows ------------------------------------------------------------- */

/* x / (2^depth - 1), rounded, for x up to (2^depth - 1)^2: exact (Blinn, "Three
 * Wrongs Make a Right", IEEE CG&A 1995). */
static inline guint32
divide (guint32 x, guint depth)
{
  const guint32 t = x + (1u << (depth - 1));

  return (t + (t >> depth)) >> depth;
}

#define MULTIPLY(type, shift, scale)                                           \
  const type *from = (const type *) alpha;                                     \
                                                                               \
  if (step == 1)                                                               \
    for (gsize i = 0; i < n; i++)                                              \
      dst[i] =                                                                 \
          (guint8) divide (                                                    \
              (guint32) (from[i] >> shift) * scale * (src[i] ^ flip), depth)   \
          ^ flip;                                                              \
  else                                                                         \
    for (gsize i = 0; i < n; i++)                                              \
    dst[i] = (guint8) divide ((guint32) (from[step * i] >> shift) * scale      \
                     * (src[i] ^ flip),                                        \
                 depth)                                                        \
        ^ flip

/* dst = src × alpha or, with @flip 255, 255 - (255 - src) × alpha. */
UNET_SIMD static void
multiply_alpha_u8 (guint8 *restrict dst, const guint8 *src, const guint8 *alpha,
    gsize step, guint8 flip, gsize n)
{
  const guint depth = 8;

  MULTIPLY (guint8, 0, 1);
}

UNET_SIMD static void
multiply_alpha_u16 (guint8 *restrict dst, const guint8 *src,
    const guint8 *alpha, gsize step, guint shift, guint depth, guint32 scale,
    guint8 flip, gsize n)
{
  MULTIPLY (UnetSample16, shift, scale);
}

UNET_SIMD static void
fill_alpha_u8 (guint8 *dst, gsize step, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[step * i] = 255;
}

UNET_SIMD static void
fill_alpha_u16 (UnetSample16 *dst, gsize step, guint16 value, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[step * i] = value;
}

/* ---- frames ----------------------------------------------------------- */

static const UnetMask *
multiply (UnetFrameAlpha *self, const GstVideoFrame *frame,
    const UnetMask *coverage, guint8 flip)
{
  const gboolean is_flat = coverage->width == 1 && coverage->height == 1;
  const UnetAlphaSamples *s = &self->samples;

  memset (self->flat, coverage->probability[0], self->width);
  for (guint y = 0; y < self->height; y++) {
    const gsize at = (gsize) y * self->width;
    const guint8 *from = is_flat ? self->flat : coverage->probability + at;
    const guint8 *alpha = unet_alpha_samples_get_row (s, frame, y);

    if (s->bytes == 1)
      multiply_alpha_u8 (
          self->pixels + at, from, alpha, s->step, flip, self->width);
    else
      multiply_alpha_u16 (self->pixels + at, from, alpha, s->step, self->shift,
          self->depth, self->scale, flip, self->width);
  }
  self->mask = *coverage;
  self->mask.width = self->width;
  self->mask.height = self->height;
  self->mask.probability = self->pixels;
  return &self->mask;
}

const UnetMask *
unet_frame_alpha_cover (
    UnetFrameAlpha *self, const GstVideoFrame *frame, const UnetMask *coverage)
{
  return multiply (self, frame, coverage, 0);
}

const UnetMask *
unet_frame_alpha_hide (
    UnetFrameAlpha *self, const GstVideoFrame *frame, const UnetMask *coverage)
{
  return multiply (self, frame, coverage, 255);
}

void
unet_frame_alpha_clear (UnetFrameAlpha *self, GstVideoFrame *frame)
{
  const UnetAlphaSamples *s = &self->samples;

  for (guint y = 0; y < self->height; y++) {
    guint8 *alpha = unet_alpha_samples_get_row (s, frame, y);

    if (s->bytes == 1)
      fill_alpha_u8 (alpha, s->step, self->width);
    else
      fill_alpha_u16 ((UnetSample16 *) alpha, s->step,
          (guint16) (((1u << s->depth) - 1) << s->shift), self->width);
  }
}
