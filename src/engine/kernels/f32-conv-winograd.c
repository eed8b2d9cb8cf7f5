/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-conv-winograd.h"
#include "engine/kernels/parallel.h"
#include <string.h>

const UnetIsaVariant unet_winograd_variants[] = {
  { UNET_ISA_BASELINE, "generic", &unet_winograd_generic },
#ifdef UNET_X86_VARIANTS
  { UNET_ISA_AVX2, "avx2", &unet_winograd_avx2 },
  { UNET_ISA_AVX512, "avx512", &unet_winograd_avx512 },
#endif
  { 0, NULL, NULL },
};

const UnetWinogradIsa *
unet_winograd_isa (void)
{
  return unet_isa_choose (unet_winograd_variants);
}

gint64
unet_winograd_panels (const UnetWinogradShape *shape)
{
  return (shape->dst.blocks + 1) / 2;
}

void
unet_winograd_input (const UnetWinogradShape *shape,
    const UnetWinogradData *data, gint64 block, gint64 blocks, gint64 first,
    gint64 n, gfloat *out, gint64 stride)
{
  for (guint i = 0; i < shape->n_sources; i++) {
    const UnetWinogradSource *s = &shape->sources[i];
    gint64 begin = MAX (block, 0), end = MIN (block + blocks, s->blocks);

    if (begin < end)
      shape->isa->input[shape->src.vec == 16](
          shape, s, data->src[i], begin, end - begin, first, n, out, stride);
    block -= s->blocks; /* the next source counts from its own first block */
    out += s->blocks * shape->src.vec;
  }
}

void
unet_winograd_panel (const UnetWinogradShape *shape,
    const UnetWinogradData *data, const gfloat *in, gint64 stride, gint64 panel,
    gint64 first, gint64 n, gfloat *scratch)
{
  const UnetVec *d = &shape->dst;
  gint64 k = shape->src.blocks * shape->src.vec;
  gint64 vectors = MIN (2, d->blocks - 2 * panel);
  gint wide = d->vec == 16;

  shape->isa->product[wide](in, stride, data->weights + 72 * panel * k * d->vec,
      n, k, vectors, scratch, UNET_WINOGRAD_SCRATCH (n));
  shape->isa->output[wide](shape, scratch, UNET_WINOGRAD_SCRATCH (n), data,
      2 * panel, vectors, first, n);
}

void
unet_winograd_heads (const UnetWinogradShape *p, const gfloat *sums,
    const gfloat *bias, gint64 first, gint64 n, gfloat *out)
{
  const UnetVec *d = &p->dst;

  for (gint64 i = 0; i < n * p->heads; i++, sums += 16) {
    gint64 tile = first + i / p->heads, head = i % p->heads;
    gint64 y = tile / p->tiles_x * 4, x = tile % p->tiles_x * 4;
    gint64 rows = MIN (4, d->h - y), columns = MIN (4, d->w - x);
    gfloat *to = out + (head * d->h + y) * d->w + x;

    for (gint64 r = 0; r < rows; r++)
      for (gint64 c = 0; c < columns; c++)
        to[r * d->w + c] = sums[r * 4 + c] + bias[head];
  }
}

/* G of the filter transform G g G^T. */
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
  gint64 oc, ic, vec;
  gfloat *out;
} Filters;

static gint64
whole (gint64 channels, gint64 vec)
{
  return (channels + vec - 1) / vec * vec;
}

static void
transform_filters (gconstpointer params, G_GNUC_UNUSED gpointer const *ptr,
    gint64 o, G_GNUC_UNUSED guint thread)
{
  const Filters *f = params;
  gint64 k = whole (f->ic, f->vec), panel = o / (2 * f->vec) * 2 * f->vec;
  gint64 width = MIN (2 * f->vec, whole (f->oc, f->vec) - panel);
  gfloat *out = f->out + 36 * panel * k + o - panel;
  gdouble u[6][6];

  for (gint64 i = 0; i < f->ic; i++) {
    transform_filter (f->weights + (o * f->ic + i) * 9, u);
    for (gint64 p = 0; p < 36; p++)
      out[(p * k + i) * width] = (gfloat) u[p / 6][p % 6];
  }
}

gsize
unet_winograd_weights_size (gint64 oc, gint64 ic, gint64 vec)
{
  return 36 * whole (oc, vec) * whole (ic, vec);
}

void
unet_winograd_weights (
    const gfloat *weights, gint64 oc, gint64 ic, gint64 vec, gfloat *out)
{
  Filters filters = { weights, oc, ic, vec, out };

  memset (out, 0, unet_winograd_weights_size (oc, ic, vec) * sizeof *out);
  unet_parallel (
      transform_filters, &filters, NULL, oc, unet_parallel_get_threads ());
}
