/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-conv-depthwise.h"
#include "engine/kernels/parallel.h"
#include <string.h>

#define BLOCK UNET_INT8_DEPTHWISE_BLOCK

const UnetIsaVariant unet_int8_depthwise_variants[] = {
  { UNET_ISA_BASELINE, "generic", &unet_int8_depthwise_generic },
#ifdef UNET_X86_VARIANTS
  { UNET_ISA_AVX2, "avx2", &unet_int8_depthwise_avx2 },
  { UNET_ISA_AVX512 | UNET_ISA_AVX512_VNNI, "vnni", &unet_int8_depthwise_vnni },
#endif
  { 0, NULL, NULL },
};

const UnetInt8DepthwiseIsa *
unet_int8_depthwise_isa (void)
{
  return unet_isa_choose (unet_int8_depthwise_variants);
}

gsize
unet_int8_depthwise_packed_size (
    const UnetInt8DepthwiseIsa *isa, const UnetInt8DepthwiseShape *p)
{
  return unet_int8_depthwise_blocks (p) * isa->block_size (p);
}

/* Returns what the sum is too large by, because signed values are read plus
 * 128. */
static gint32
excess (const UnetInt8DepthwiseShape *p, const gint8 *weights)
{
  gint32 sum = 0;

  for (gint64 k = 0; k < p->kernel * p->kernel; k++)
    sum += weights[k];
  return p->src_signed ? 128 * sum : 0;
}

void
unet_int8_depthwise_pack (const UnetInt8DepthwiseIsa *isa,
    const UnetInt8DepthwiseShape *p, const gint8 *weights, const gfloat *factor,
    const gfloat *bias, guint8 *out)
{
  gint64 taps = p->kernel * p->kernel;

  for (gint64 b = 0; b < unet_int8_depthwise_blocks (p);
       b++, out += isa->block_size (p)) {
    gint8 w[UNET_INT8_DEPTHWISE_MAX_KERNEL * UNET_INT8_DEPTHWISE_MAX_KERNEL
        * BLOCK] = { 0 };
    gint64 first = unet_int8_depthwise_first (p, b);
    gfloat factors[BLOCK] = { 0 }, biases[BLOCK] = { 0 };
    gint32 start[BLOCK] = { 0 };

    for (gint64 c = 0; c < MIN (p->c, BLOCK); c++) {
      const gint8 *from = weights + (first + c) * taps;

      for (gint64 k = 0; k < taps; k++)
        w[k * BLOCK + c] = from[k];
      start[c] = -excess (p, from);
      factors[c] = factor[first + c];
      biases[c] = bias[first + c];
    }
    isa->pack (p, w, start, factors, biases, out);
  }
}

void
unet_int8_depthwise_row (const UnetInt8DepthwiseIsa *isa,
    const UnetInt8DepthwiseShape *p, const guint8 *src, const guint8 *packed,
    gint64 image, gint64 y, guint8 *dst)
{
  const guint8 *rows[UNET_INT8_DEPTHWISE_MAX_KERNEL];

  for (gint64 k = 0; k < p->kernel; k++) {
    gint64 iy = y * p->stride - p->pad_y + k;

    rows[k] = iy >= 0 && iy < p->ih
        ? src + image * p->src.image + iy * p->src.row
        : NULL;
  }
  isa->row (p, rows, packed, dst + image * p->dst.image + y * p->dst.row);
}

typedef struct {
  const UnetInt8DepthwiseIsa *isa;
  const UnetInt8DepthwiseShape *shape;
} Run;

static void
depthwise_job (
    gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const Run *r = params;

  unet_int8_depthwise_row (r->isa, r->shape, ptr[0], ptr[1], i / r->shape->oh,
      i % r->shape->oh, ptr[2]);
}

void
unet_kernel_int8_depthwise (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8DepthwiseShape *p = params;
  Run run = { unet_int8_depthwise_isa (), p };

  unet_parallel (depthwise_job, &run, ptr, p->n * p->oh, threads);
}
