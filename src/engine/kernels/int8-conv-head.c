/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-conv-head.h"
#include "engine/kernels/parallel.h"
#include <math.h>
#include <string.h>

const UnetIsaVariant unet_int8_conv_head_variants[] = {
  { UNET_ISA_BASELINE, "generic", &unet_int8_conv_head_generic },
#ifdef UNET_X86_VARIANTS
  { UNET_ISA_AVX2, "avx2", &unet_int8_conv_head_avx2 },
  { UNET_ISA_AVX512 | UNET_ISA_AVX512_VNNI, "vnni", &unet_int8_conv_head_vnni },
#endif
#ifdef UNET_ARM64_VARIANTS
  { UNET_ISA_DOTPROD, "dotprod", &unet_int8_conv_head_dotprod },
#endif
  { 0, NULL, NULL },
};

const UnetInt8ConvHeadIsa *
unet_int8_conv_head_isa (void)
{
  return unet_isa_choose (unet_int8_conv_head_variants);
}

/* Weights of few channels are repeated to fill a vector. */
void
unet_int8_conv_head_pack (const UnetInt8ConvHeadShape *p, const gint8 *weights,
    const gfloat *factor, gfloat bias, guint8 *out)
{
  gint64 taps = p->kh * p->kw, vector = unet_int8_conv_head_vector (p);
  gint64 pixel = unet_int8_conv_head_pixel (p);
  UnetInt8ConvHeadChannel *to = (UnetInt8ConvHeadChannel *) out;

  memset (out, 0, unet_int8_conv_head_channel_size (p));
  to->bias = bias;
  for (gint64 part = 0; part < p->parts; part++) {
    to->factor[part] = factor[part];
    for (gint64 k = 0; k < p->c * taps; k++) {
      gint8 w = weights[part * p->c * taps + k];
      gint8 *at = to->weights + (part * taps + k % taps) * vector;

      to->start[part] -= p->src_signed ? 128 * w : 0;
      for (gint64 i = k / taps; i < vector; i += pixel)
        at[i] = w;
    }
  }
}

/* ---- rows ---------------------------------------------------------------- */

static gint64
row_bytes (const UnetInt8ConvHeadShape *p)
{
  return (unet_int8_conv_head_width (p) + p->kw - 1)
      * unet_int8_conv_head_pixel (p);
}

gsize
unet_int8_conv_head_scratch (const UnetInt8ConvHeadShape *p)
{
  gsize rows = (UNET_INT8_CONV_HEAD_STRIP + p->kh - 1) * row_bytes (p);

  rows = (rows + 63) / 64 * 64
      + p->oc * unet_int8_conv_head_width (p) * sizeof (gfloat);
  return (rows + 63) / 64 * 64;
}

/* A constant size compiles to one or two moves. */
static void
copy_pixels (guint8 *restrict to, gint64 to_step, const guint8 *restrict from,
    gint64 step, gint64 c, gint64 n)
{
#define COPY(size)                                                             \
  for (gint64 i = 0; i < n; i++)                                               \
  memcpy (to + i * to_step, from + i * step, size)
  if (c == step && c == to_step)
    memcpy (to, from, n * c);
  else if (c == 8)
    COPY (8);
  else if (c == 16)
    COPY (16);
  else if (c == 24)
    COPY (24);
  else if (c == 40)
    COPY (40);
  else
    COPY (c);
#undef COPY
}

/* Copies row @y of the source with zeros around it, and adds 128 to signed
 * values. */
static void
prepare_row (
    const UnetInt8ConvHeadShape *p, const guint8 *src, gint64 y, guint8 *out)
{
  gint64 pixel = unet_int8_conv_head_pixel (p), bytes = row_bytes (p);
  gint64 n = MIN (p->iw, bytes / pixel - p->pad_x);
  gint64 left = p->pad_x * pixel;
  guint8 zero = p->src_signed ? 0x80 : 0;

  if (y < 0 || y >= p->ih || n <= 0) {
    memset (out, zero, bytes);
    return;
  }
  if (pixel != p->c)
    memset (out, 0, bytes);
  memset (out, 0, left);
  memset (out + left + n * pixel, 0, bytes - left - n * pixel);
  copy_pixels (out + left, pixel, src + y * p->src.row, p->src.pixel, p->c, n);
  for (gint64 i = 0; p->src_signed && i < bytes; i++)
    out[i] ^= 0x80;
}

/* ---- results ------------------------------------------------------------- */

static void
write_floats (const UnetInt8ConvHeadShape *p, const gfloat *out, gint64 image,
    gint64 y, gfloat *dst)
{
  gint64 r = p->depth_to_space, planes = p->oc / (r * r);

  for (gint64 k = 0; k < p->oc; k++, out += unet_int8_conv_head_width (p)) {
    gint64 dx = k / planes % r, dy = k / planes / r;
    gfloat *to = dst
        + ((image * planes + k % planes) * p->oh * r + y * r + dy) * p->ow * r
        + dx;

    if (r == 1)
      memcpy (to, out, p->ow * sizeof *to);
    else
      for (gint64 x = 0; x < p->ow; x++)
        to[x * r] = out[x];
  }
}

static void
write_bytes (const UnetInt8ConvHeadShape *p, const gfloat *out, gint64 image,
    gint64 y, guint8 *dst)
{
  gfloat low = p->low, high = p->high;

  dst += image * p->dst.image + y * p->dst.row;
  for (gint64 k = 0; k < p->oc; k++, out += unet_int8_conv_head_width (p))
    for (gint64 x = 0; x < p->ow; x++) {
      gfloat v = out[x];

      v = v > low ? v : low;
      v = v < high ? v : high;
      dst[x * p->dst.pixel + k] = (gint32) rintf (v);
    }
}

void
unet_int8_conv_head_strip (const UnetInt8ConvHeadIsa *isa,
    const UnetInt8ConvHeadShape *p, const guint8 *src, const guint8 *packed,
    gint64 image, gint64 y, guint8 *scratch, gpointer dst)
{
  gint64 n = MIN (UNET_INT8_CONV_HEAD_STRIP, p->oh - y), bytes = row_bytes (p);
  gint64 reads = n + p->kh - 1;
  gfloat *out = (gfloat *) (scratch
      + ((UNET_INT8_CONV_HEAD_STRIP + p->kh - 1) * bytes + 63) / 64 * 64);
  const guint8 *rows[UNET_INT8_CONV_HEAD_STRIP + UNET_INT8_CONV_HEAD_KERNEL];

  for (gint64 r = 0; r < reads; r++) {
    prepare_row (
        p, src + image * p->src.image, y + r - p->pad_y, scratch + r * bytes);
    rows[r] = scratch + r * bytes;
  }
  for (gint64 r = 0; r < n; r++) {
    isa->row (p, rows + r, packed, out);
    if (p->to == UNET_ELEMENT_NONE)
      write_floats (p, out, image, y + r, dst);
    else
      write_bytes (p, out, image, y + r, dst);
  }
}

static void
head_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8ConvHeadShape *p = params;
  gint64 strips =
      (p->oh + UNET_INT8_CONV_HEAD_STRIP - 1) / UNET_INT8_CONV_HEAD_STRIP;

  unet_int8_conv_head_strip (unet_int8_conv_head_isa (), p, ptr[0], ptr[1],
      i / strips, i % strips * UNET_INT8_CONV_HEAD_STRIP,
      (guint8 *) ptr[3] + thread * unet_int8_conv_head_scratch (p), ptr[2]);
}

void
unet_kernel_int8_conv_head (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8ConvHeadShape *p = params;
  gint64 strips =
      (p->oh + UNET_INT8_CONV_HEAD_STRIP - 1) / UNET_INT8_CONV_HEAD_STRIP;

  unet_parallel (head_job, p, ptr, p->n * strips, threads);
}
