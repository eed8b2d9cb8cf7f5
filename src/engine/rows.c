/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rows.h"
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

/* The rows that a strip reads, with zeros where they lie outside. */
static void
prepare_row (const UnetRowsShape *p, const gfloat *src, gint64 y, gfloat *out)
{
  gint64 n = MIN (p->iw, p->row - p->pad_x);

  if (y < 0 || y >= p->ih || n <= 0) {
    memset (out, 0, p->row * sizeof *out);
    return;
  }
  memset (out, 0, p->pad_x * sizeof *out);
  memcpy (out + p->pad_x, src + y * p->iw, n * sizeof *out);
  memset (out + p->pad_x + n, 0, (p->row - p->pad_x - n) * sizeof *out);
}

void
unet_rows_strip (const UnetRowsShape *p, const gfloat *src,
    const gfloat *weights, const gfloat *bias, gint64 image, gint64 y,
    gfloat *scratch, gfloat *dst)
{
  gint64 rows = MIN (UNET_ROWS_STRIP, p->oh - y);
  gint64 reads = rows + (p->kh - 1) * p->dil_y;

  for (gint64 c = 0; c < p->ic; c++)
    for (gint64 r = 0; r < reads; r++)
      prepare_row (p, src + (image * p->ic + c) * p->ih * p->iw,
          y + r - p->pad_y, scratch + c * p->plane + r * p->row);
  isa ()->compute (p, scratch, weights, bias, image, y, rows, dst);
}
