/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-conv-few-channels.h"
#include <string.h>

static const UnetRowsIsa *
isa (void)
{
  static gsize once;
  static const UnetRowsIsa *best;

  if (g_once_init_enter (&once)) {
    best = &unet_rows_generic;
#ifdef UNET_X86_VARIANTS
    if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
      best = &unet_rows_avx2;
    if (__builtin_cpu_supports ("avx512f")
        && __builtin_cpu_supports ("avx512vl"))
      best = &unet_rows_avx512;
#endif
    g_once_init_leave (&once, 1);
  }
  return best;
}

gint64
unet_rows_group (void)
{
  return isa ()->group;
}

/* Rows are as long as the vectors of the last pixels reach. */
gsize
unet_rows_scratch (UnetRowsShape *p)
{
  gint64 step = 2 * isa ()->lanes;
  gint64 rows = UNET_ROWS_STRIP + (p->kh - 1) * p->dil_y;

  p->row = (p->ow + step - 1) / step * step + (p->kw - 1) * p->dil_x;
  p->plane = rows * p->row;
  return p->ic * p->plane;
}

gsize
unet_rows_weights_size (const UnetRowsShape *p)
{
  gint64 group = isa ()->group;

  return (p->oc + group - 1) / group * group * p->ic * p->kh * p->kw;
}

void
unet_rows_weights (const UnetRowsShape *p, const gfloat *weights, gfloat *out)
{
  gint64 taps = p->ic * p->kh * p->kw, group = isa ()->group;

  memset (out, 0, unet_rows_weights_size (p) * sizeof *out);
  for (gint64 o = 0; o < p->oc; o++)
    for (gint64 t = 0; t < taps; t++)
      out[(o / group * taps + t) * group + o % group] = weights[o * taps + t];
}

/* One row of @channels channels from the block at @src, with zeros where it
 * lies outside. */
static void
prepare_row (const UnetRowsShape *p, const gfloat *src, gint64 channels,
    gint64 y, gfloat *out)
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
    isa ()->unpack[p->vec == 16](src, n, channels, out + p->pad_x, p->plane);
  else
    memcpy (out + p->pad_x, src, n * sizeof *out);
}

void
unet_rows_strip (const UnetRowsShape *p, const gfloat *src,
    const gfloat *weights, const gfloat *bias, gint64 image, gint64 y,
    gfloat *scratch, gfloat *dst)
{
  gint64 rows = MIN (UNET_ROWS_STRIP, p->oh - y);
  gint64 reads = rows + (p->kh - 1) * p->dil_y;

  gint64 padded = (p->ic + p->vec - 1) / p->vec * p->vec;

  for (gint64 c = 0; c < p->ic; c += p->vec)
    for (gint64 r = 0; r < reads; r++)
      prepare_row (p, src + (image * padded + c) * p->ih * p->iw,
          MIN (p->vec, p->ic - c), y + r - p->pad_y,
          scratch + c * p->plane + r * p->row);
  isa ()->compute (p, scratch, weights, bias, image, y, rows, dst);
}
