/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/two-scale.h"
#include "frame/edges/morphology.h"
#include "base/simd.h"
#include "base/smoothstep.h"

#include <math.h>

static const gdouble coarse_radii[] = UNET_TWO_SCALE_COARSE;
static const UnetTwoScaleSure sure_coarse = UNET_TWO_SCALE_SURE_COARSE;
static const UnetTwoScaleSure sure_fine = UNET_TWO_SCALE_SURE_FINE;
/* Probabilities of an edge. */
#define EDGE_FROM 0.06f
#define EDGE_TO   0.94f

static gboolean
init_fields (UnetTwoScale *self, guint width, guint height)
{
  static const UnetMeanFieldKernel far = UNET_TWO_SCALE_FAR;
  static const UnetMeanFieldKernel near = UNET_TWO_SCALE_NEAR;
  static const UnetMeanFieldKernel border = UNET_TWO_SCALE_BORDER;
  const guint w = (width + 1) / 2, h = (height + 1) / 2;
  const gboolean a = unet_mean_field_init (&self->far, w, h, &far);
  const gboolean b = unet_mean_field_init (&self->near, w, h, &near);
  const gboolean c =
      unet_mean_field_init (&self->border, width, height, &border);

  return a && b && c;
}

gboolean
unet_two_scale_init (UnetTwoScale *self, guint width, guint height)
{
  const guint w = (width + 1) / 2, h = (height + 1) / 2;
  const gsize n = (gsize) width * height, half = (gsize) w * h;
  const gboolean fine =
      unet_guided_filter_filter_init (&self->fine, width, height);
  const gboolean coarse = unet_guided_filter_filter_init (&self->coarse, w, h);
  const gboolean fields = init_fields (self, width, height);

  self->values = g_try_new0 (gfloat, n);
  self->flags = g_try_malloc0 (n);
  self->scratch = g_try_malloc0 (n);
  self->guide = g_try_new0 (gfloat, 4 * half);
  self->p = g_try_new0 (gfloat, half);
  self->q = g_try_new0 (gfloat, half);
  self->coarse_flags = g_try_malloc0 (half);
  self->line = g_new0 (gfloat, 4 * ((gsize) w + 2));
  self->certain = g_try_malloc0 (half);
  self->plane_scratch = g_try_malloc0 (half + 4 * (gsize) w);
  return fine && coarse && fields && self->values && self->flags
      && self->scratch && self->guide && self->p && self->q
      && self->coarse_flags && self->certain && self->plane_scratch;
}

void
unet_two_scale_clear (UnetTwoScale *self)
{
  unet_guided_filter_filter_clear (&self->fine);
  unet_guided_filter_filter_clear (&self->coarse);
  unet_mean_field_clear (&self->far);
  unet_mean_field_clear (&self->near);
  unet_mean_field_clear (&self->border);
  g_clear_pointer (&self->values, g_free);
  g_clear_pointer (&self->flags, g_free);
  g_clear_pointer (&self->scratch, g_free);
  g_clear_pointer (&self->guide, g_free);
  g_clear_pointer (&self->p, g_free);
  g_clear_pointer (&self->q, g_free);
  g_clear_pointer (&self->coarse_flags, g_free);
  g_clear_pointer (&self->line, g_free);
  g_clear_pointer (&self->certain, g_free);
  g_clear_pointer (&self->plane_scratch, g_free);
}

/* ---- edges ------------------------------------------------------------ */

UNET_SIMD static void
flag_edges (guint8 *restrict dst, const gfloat *p, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = p[i] > EDGE_FROM && p[i] < EDGE_TO;
}

UNET_SIMD static void
flag_steps (guint8 *restrict dst, const gfloat *a, const gfloat *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] |= fabsf (a[i] - b[i]) > 0.27f;
}

void
unet_two_scale_find_edges (
    guint8 *flags, const gfloat *p, guint width, guint height)
{
  const gsize n = (gsize) width * height;

  flag_edges (flags, p, n);
  flag_steps (flags, p, p + width, n - width);
  for (guint y = 0; y < height; y++)
    flag_steps (flags + (gsize) y * width, p + (gsize) y * width,
        p + (gsize) y * width + 1, width - 1);
}

UNET_SIMD static void
flag_crossings (guint8 *restrict dst, const gfloat *a, const gfloat *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] |= (a[i] > 0.5f) != (b[i] > 0.5f);
}

void
unet_two_scale_find_border (
    guint8 *flags, const gfloat *p, guint width, guint height)
{
  const gsize n = (gsize) width * height;

  memset (flags, 0, n);
  flag_crossings (flags, p, p + width, n - width);
  flag_crossings (flags + width, p, p + width, n - width);
  for (guint y = 0; y < height; y++) {
    const gfloat *row = p + (gsize) y * width;
    guint8 *dst = flags + (gsize) y * width;

    flag_crossings (dst, row, row + 1, width - 1);
    flag_crossings (dst + 1, row, row + 1, width - 1);
  }
}

/* ---- half the resolution ---------------------------------------------- */

/* Means of two by two pixels of @n floats each; the last row and column of odd
 * sizes count twice. */
UNET_SIMD static void
halve_row (gfloat *restrict dst, const gfloat *a, const gfloat *b, guint width,
    guint n)
{
  for (gsize x = 0; x < width / 2; x++)
    for (gsize i = 0; i < n; i++)
      dst[n * x + i] = (a[2 * n * x + i] + a[2 * n * x + n + i]
                           + b[2 * n * x + i] + b[2 * n * x + n + i])
          * 0.25f;
  if (width % 2)
    for (gsize i = 0; i < n; i++)
      dst[n * (width / 2) + i] =
          (a[n * (width - 1) + i] + b[n * (width - 1) + i]) * 0.5f;
}

static void
halve (UnetTwoScale *self, const gfloat *guide, const gfloat *p)
{
  const guint w = self->fine.width, h = self->fine.height;
  const guint cw = self->coarse.width, ch = self->coarse.height;

  for (guint y = 0; y < ch; y++) {
    const gsize a = (gsize) 2 * y * w, b = 2 * y + 1 < h ? a + w : a;

    halve_row (
        self->guide + 4 * (gsize) y * cw, guide + 4 * a, guide + 4 * b, w, 4);
    halve_row (self->p + (gsize) y * cw, p + a, p + b, w, 1);
  }
}

/* ---- passes ----------------------------------------------------------- */

UNET_SIMD static void
make_sure (
    gfloat *restrict q, const gfloat *p, const UnetTwoScaleSure *sure, gsize n)
{
  const gfloat slope = 1 / (sure->to - sure->from);
  const gfloat network = sure->network, from = sure->from;

  for (gsize i = 0; i < n; i++)
    q[i] = unet_smoothstep (q[i] + (p[i] - q[i]) * network, from, slope);
}

static guint
radius_of (const UnetGuidedFilter *guided, gdouble part)
{
  const guint side = MIN (guided->width, guided->height);

  return MAX ((guint) (side * part + 0.5), 1);
}

UNET_SIMD static void
join_flags (guint8 *restrict dst, const guint8 *src, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] |= src[i];
}

/* Runs the mean fields where the network is unsure or the filter's result is.
 */
static void
run_fields (UnetTwoScale *self)
{
  const guint w = self->coarse.width, h = self->coarse.height;

  unet_two_scale_find_edges (self->flags, self->q, w, h);
  join_flags (self->flags, self->coarse_flags, (gsize) w * h);
  unet_mean_field_run (&self->far, self->guide, self->p, self->flags, self->q);
  unet_mean_field_run (&self->near, self->guide, self->p, self->flags, self->q);
}

static void
run_coarse (UnetTwoScale *self)
{
  UnetGuidedFilter *coarse = &self->coarse;
  const gsize n = (gsize) coarse->width * coarse->height;
  const guint first = radius_of (coarse, coarse_radii[0]);

  unet_two_scale_find_edges (
      self->coarse_flags, self->p, coarse->width, coarse->height);
  unet_flags_dilate (coarse->wanted, self->coarse_flags, self->scratch,
      coarse->width, coarse->height, first);
  unet_guided_filter_filter_run (
      coarse, self->guide, self->p, first, UNET_TWO_SCALE_EPSILON);
  unet_guided_filter_filter_apply (coarse, self->guide, self->q);
  make_sure (self->q, self->p, &sure_coarse, n);
  run_fields (self);
  unet_guided_filter_filter_run (coarse, self->guide, self->q,
      radius_of (coarse, coarse_radii[1]), UNET_TWO_SCALE_EPSILON);
}

UNET_SIMD static void
blend_coefficients (
    gfloat *restrict dst, const gfloat *near, const gfloat *far, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = near[i] + (far[i] - near[i]) * 0.25f;
}

/* @line: coefficients of the row, one more on either side. */
UNET_SIMD static void
apply_between (
    gfloat *restrict dst, const gfloat *line, const gfloat *guide, guint n)
{
  for (gsize x = 0; x < n; x++) {
    const gfloat *near = line + 4 * (x / 2 + 1);
    const gfloat *far = x % 2 ? near + 4 : near - 4;
    gfloat k[4];

    for (guint i = 0; i < 4; i++)
      k[i] = near[i] + (far[i] - near[i]) * 0.25f;
    dst[x] = k[0] * guide[4 * x] + k[1] * guide[4 * x + 1]
        + k[2] * guide[4 * x + 2] + k[3];
  }
}

/* The result of the coarse passes, their coefficients enlarged bilinearly. */
static void
enlarge (UnetTwoScale *self, const gfloat *guide)
{
  const guint w = self->fine.width, h = self->fine.height;
  const guint cw = self->coarse.width, ch = self->coarse.height;
  const gsize row = 4 * (gsize) cw;

  for (guint y = 0; y < h; y++) {
    const guint near = y / 2;
    const guint far = y % 2 ? MIN (near + 1, ch - 1) : MAX (near, 1) - 1;
    const gfloat *k = self->coarse.coefficients;

    blend_coefficients (
        self->line + 4, k + row * near, k + row * far, (guint) row);
    memcpy (self->line, self->line + 4, 4 * sizeof (gfloat));
    memcpy (self->line + 4 + row, self->line + row, 4 * sizeof (gfloat));
    apply_between (
        self->values + (gsize) y * w, self->line, guide + 4 * (gsize) y * w, w);
  }
}

/* ---- evidence --------------------------------------------------------- */

UNET_SIMD static void
flag_certain (guint8 *restrict dst, const gfloat *p, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = p[i] > UNET_TWO_SCALE_CERTAIN;
}

/* Finds the nearness of certain foreground, 0..255: a ramp around @reach. */
static void
find_nearness (UnetTwoScale *self, guint reach)
{
  const guint w = self->coarse.width, h = self->coarse.height;
  guint8 *near = self->certain;

  flag_certain (self->coarse_flags, self->p, (gsize) w * h);
  unet_flags_dilate (
      near, self->coarse_flags, self->plane_scratch, w, h, reach);
  for (gsize i = 0; i < (gsize) w * h; i++)
    near[i] = near[i] ? 255 : 0;
  unet_plane_feather (near, self->plane_scratch, w, h, MAX (reach / 6, 1));
}

UNET_SIMD static void
limit_row (gfloat *restrict q, const gfloat *p, const guint8 *near, guint n)
{
  for (gsize x = 0; x < n; x++) {
    const gfloat high = p[x] + (1 - p[x]) * (near[x / 2] * (1 / 255.0f));

    q[x] = q[x] < high ? q[x] : high;
  }
}

/* Colours alone make nothing solid: where the network is certain of no
 * foreground nearby, refinement adds none to its probability. */
static void
limit_by_evidence (UnetTwoScale *self, const gfloat *p)
{
  const guint w = self->fine.width, h = self->fine.height;
  const guint cw = self->coarse.width;

  find_nearness (self, radius_of (&self->coarse, UNET_TWO_SCALE_EVIDENCE));
  for (guint y = 0; y < h; y++)
    limit_row (self->values + (gsize) y * w, p + (gsize) y * w,
        self->certain + (gsize) (y / 2) * cw, w);
}

/* ---- the whole -------------------------------------------------------- */

void
unet_two_scale_run (UnetTwoScale *self, const gfloat *guide, const gfloat *p)
{
  UnetGuidedFilter *fine = &self->fine;
  const guint w = fine->width, h = fine->height;
  const gsize n = (gsize) w * h;

  halve (self, guide, p);
  run_coarse (self);
  enlarge (self, guide);
  make_sure (self->values, p, &sure_fine, n);
  unet_two_scale_find_border (self->flags, self->values, w, h);
  unet_flags_dilate (
      fine->wanted, self->flags, self->scratch, w, h, UNET_TWO_SCALE_REACH);
  unet_mean_field_run (&self->border, guide, p, fine->wanted, self->values);
  limit_by_evidence (self, p);
  /* The border is near by now; farther away the frame's own samples would
   * only make specks where they are like the other side's. */
  unet_two_scale_find_border (fine->wanted, self->values, w, h);
  unet_guided_filter_filter_run (fine, guide, self->values,
      radius_of (fine, UNET_TWO_SCALE_FINE), UNET_TWO_SCALE_FINE_EPSILON);
}
