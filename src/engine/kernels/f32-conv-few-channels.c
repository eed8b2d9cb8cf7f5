/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-conv-few-channels.h"
#include <string.h>

const UnetIsaVariant unet_conv_few_channels_variants[] = {
  { UNET_ISA_BASELINE, "generic", &unet_conv_few_channels_generic },
#ifdef UNET_X86_VARIANTS
  { UNET_ISA_AVX2, "avx2", &unet_conv_few_channels_avx2 },
  { UNET_ISA_AVX512, "avx512", &unet_conv_few_channels_avx512 },
#endif
  { 0, NULL, NULL },
};

const UnetConvFewChannelsIsa *
unet_conv_few_channels_isa (void)
{
  return unet_isa_choose (unet_conv_few_channels_variants);
}

/* A prepared row extends to the end of the last output vector's input. */
gsize
unet_conv_few_channels_scratch (UnetConvFewChannelsShape *p)
{
  gint64 step = 2 * p->isa->lanes;
  gint64 rows = UNET_CONV_FEW_CHANNELS_STRIP + (p->kh - 1) * p->dil_y;

  p->row = (p->ow + step - 1) / step * step + (p->kw - 1) * p->dil_x;
  p->plane = rows * p->row;
  return p->ic * p->plane;
}

gsize
unet_conv_few_channels_weights_size (const UnetConvFewChannelsShape *p)
{
  gint64 group = p->isa->group;

  return (p->oc + group - 1) / group * group * p->ic * p->kh * p->kw;
}

void
unet_conv_few_channels_weights (
    const UnetConvFewChannelsShape *p, const gfloat *weights, gfloat *out)
{
  gint64 taps = p->ic * p->kh * p->kw, group = p->isa->group;

  memset (out, 0, unet_conv_few_channels_weights_size (p) * sizeof *out);
  for (gint64 o = 0; o < p->oc; o++)
    for (gint64 t = 0; t < taps; t++)
      out[(o / group * taps + t) * group + o % group] = weights[o * taps + t];
}

/* Copies row @y of @channels channels from the block at @src, with zeros for
 * pixels outside of the picture. */
static void
prepare_row (const UnetConvFewChannelsShape *p, const gfloat *src,
    gint64 channels, gint64 y, gfloat *out)
{
  gint64 n = MIN (p->iw, p->row - p->pad_x);
  gboolean outside = y < 0 || y >= p->ih || n <= 0;

  for (gint64 c = 0; c < channels; c++) {
    gfloat *row = out + c * p->plane;

    memset (row, 0, (outside ? p->row : p->pad_x) * sizeof *row);
    if (!outside)
      memset (row + p->pad_x + n, 0, (p->row - p->pad_x - n) * sizeof *row);
  }
  if (outside)
    return;
  src += y * p->iw * p->vec;
  if (p->vec > 1)
    p->isa->unpack[p->vec == 16](src, n, channels, out + p->pad_x, p->plane);
  else
    memcpy (out + p->pad_x, src, n * sizeof *out);
}

void
unet_conv_few_channels_strip (const UnetConvFewChannelsShape *p,
    const gfloat *src, const gfloat *weights, const gfloat *bias, gint64 image,
    gint64 y, gfloat *scratch, gfloat *dst)
{
  gint64 rows = MIN (UNET_CONV_FEW_CHANNELS_STRIP, p->oh - y);
  gint64 reads = rows + (p->kh - 1) * p->dil_y;
  gint64 padded = (p->ic + p->vec - 1) / p->vec * p->vec;

  for (gint64 c = 0; c < p->ic; c += p->vec)
    for (gint64 r = 0; r < reads; r++)
      prepare_row (p, src + (image * padded + c) * p->ih * p->iw,
          MIN (p->vec, p->ic - c), y + r - p->pad_y,
          scratch + c * p->plane + r * p->row);
  p->isa->compute (p, scratch, weights, bias, image, y, rows, dst);
}
