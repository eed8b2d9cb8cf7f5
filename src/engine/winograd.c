/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "winograd.h"
#include "parallel.h"
#include <string.h>

static inline gint64
image_size (const UnetVec *v)
{
  return v->blocks * v->h * v->w * v->vec;
}

/* The widest of the compiled variants that this processor runs. */
static const UnetWinogradIsa *
isa (void)
{
  static gsize once;
  static const UnetWinogradIsa *best;

  if (g_once_init_enter (&once)) {
    best = &unet_winograd_generic;
#ifdef UNET_X86_VARIANTS
    if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
      best = &unet_winograd_avx2;
    if (__builtin_cpu_supports ("avx512f")
        && __builtin_cpu_supports ("avx512vl"))
      best = &unet_winograd_avx512;
#endif
    g_once_init_leave (&once, 1);
  }
  return best;
}

void
unet_winograd_input (const UnetWinogradShape *shape, const gfloat *src,
    gint64 image, gint64 first, gint64 n, gfloat *out, gint64 stride)
{
  src += image * image_size (&shape->src);
  isa ()->input[shape->src.vec == 16] (shape, src, first, n, out, stride);
}

void
unet_winograd_output (const UnetWinogradShape *shape, const gfloat *in,
    gint64 stride, const gfloat *bias, gint64 image, gint64 first, gint64 n,
    gfloat *dst)
{
  dst += image * image_size (&shape->dst);
  isa ()->output[shape->dst.vec == 16] (shape, in, stride, bias, first, n,
      dst);
}

/* G of G g G^T */
static const gdouble g_matrix[6][3] = {
  { 1.0 / 4, 0, 0 },
  { -1.0 / 6, -1.0 / 6, -1.0 / 6 },
  { -1.0 / 6, 1.0 / 6, -1.0 / 6 },
  { 1.0 / 24, 1.0 / 12, 1.0 / 6 },
  { 1.0 / 24, -1.0 / 12, 1.0 / 6 },
  { 0, 0, 1 },
};

static void
transform_filter (const gfloat *w, gdouble u[6][6])
{
  gdouble t[6][3];

  for (gint i = 0; i < 6; i++)
    for (gint j = 0; j < 3; j++) {
      t[i][j] = 0;
      for (gint k = 0; k < 3; k++)
        t[i][j] += g_matrix[i][k] * w[k * 3 + j];
    }
  for (gint i = 0; i < 6; i++)
    for (gint j = 0; j < 6; j++) {
      u[i][j] = 0;
      for (gint k = 0; k < 3; k++)
        u[i][j] += t[i][k] * g_matrix[j][k];
    }
}

typedef struct {
  const gfloat *weights;
  gint64 oc_padded, ic, ic_padded;
  gfloat *out;
} Filters;

static void
transform_filters (gconstpointer params, G_GNUC_UNUSED gpointer const *ptr,
    gint64 o, G_GNUC_UNUSED guint thread)
{
  const Filters *f = params;
  gdouble u[6][6];

  for (gint64 i = 0; i < f->ic; i++) {
    transform_filter (f->weights + (o * f->ic + i) * 9, u);
    for (gint64 k = 0; k < 36; k++)
      f->out[(k * f->ic_padded + i) * f->oc_padded + o]
          = (gfloat) u[k / 6][k % 6];
  }
}

void
unet_winograd_weights (const gfloat *weights, gint64 oc, gint64 ic,
    gint64 oc_padded, gint64 ic_padded, gfloat *out)
{
  Filters filters = { weights, oc_padded, ic, ic_padded, out };

  memset (out, 0, 36 * oc_padded * ic_padded * sizeof *out);
  unet_parallel (transform_filters, &filters, NULL, oc,
      unet_parallel_get_threads ());
}
