/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/time/temporal-filter.h"
#include "frame/time/guide.h"
#include "base/simd.h"
#include "base/smoothstep.h"
#include "frame/format/orientation.h"

#include <math.h>

/* What is remembered is a picture together with its mask. Where the picture is
 * still the remembered one but for noise, the new mask goes in by little; where
 * it has changed, the old one is of no use and the new one is taken as it is.
 * So noise is averaged away and nothing that moves is smeared.
 *
 * How much noise there is the picture itself says: most of it does not change
 * between two frames. */

/* Difference to the memory, in means over 3x3 of the sum over components, 0..1
 * each: less is noise, more is change. */
#define NOISE_FLOOR   0.008f
#define CHANGE_FLOOR  0.024f
#define NOISE_FACTOR  2.0f
#define CHANGE_FACTOR 5.0f
#define LARGEST_NOISE 0.03f
/* The network sees more than a pixel: round a change masks change too. */
#define REACH      3
#define HALF_REACH 2
/* With so much of it new, the rest is too: a cut. */
#define CUT_SHARE 0.6
/* A network looks far: what moves somewhere changes what it makes of what
 * stands still. With more than this of the picture in motion masks are held
 * less, and with more than that not at all: an opinion of a moment ago is lag.
 */
#define FOLLOW_FROM 0.02
#define FOLLOW_TO   0.1
/* A new probability so far from the old one is believed where it is sure. */
#define SURPRISE_FROM 0.45f
#define SURPRISE_TO   0.85f
#define HISTOGRAM     256

struct _UnetTemporal {
  guint width, height; /* of the picture that is compared */
  guint step;          /* mask pixels of each of its */
  guint mask_width, mask_height;
  UnetGuide guide;
  gboolean empty;
  gfloat *memory; /* picture, as the guide's pixels */
  gfloat *weight; /* of what is new, 0..1, by pixel */
  gfloat *wide; /* the same for each pixel of the mask; itself for steps of 1 */
  GstVideoOrientationMethod orientation;
  guint upright_width;
  gfloat *upright; /* the same, for values; itself where nothing turns */
  gfloat *difference, *scratch;
  guint n_planes;
  gfloat **planes; /* of values, and whether they hold any */
  gfloat base;     /* weight where nothing has changed */
  gdouble changed;
};

UnetTemporal *
unet_temporal_new_with_step (const GstVideoInfo *info, const UnetMask *shape,
    GstVideoOrientationMethod orientation, guint step, GError **error)
{
  UnetTemporal *self = g_new0 (UnetTemporal, 1);
  const gsize n_mask = (gsize) shape->width * shape->height;
  const UnetMask reduced = unet_mask_reduce_shape (shape, step);
  const gsize n = (gsize) reduced.width * reduced.height;

  self->step = step;
  self->mask_width = shape->width;
  self->mask_height = shape->height;
  if (!unet_guide_init (&self->guide, info, &reduced, error)) {
    unet_temporal_free (self);
    return NULL;
  }
  self->width = reduced.width;
  self->height = reduced.height;
  self->memory = g_try_new0 (gfloat, 4 * n);
  self->weight = g_try_new0 (gfloat, n);
  self->orientation = orientation;
  self->wide = step == 1 ? self->weight : g_try_new0 (gfloat, n_mask);
  self->upright = orientation == GST_VIDEO_ORIENTATION_IDENTITY
      ? self->wide
      : g_try_new0 (gfloat, n_mask);
  self->upright_width = unet_orientation_is_transposed (orientation)
      ? shape->height
      : shape->width;
  self->difference = g_try_new0 (gfloat, n);
  self->scratch = g_try_new0 (gfloat, n);
  self->empty = TRUE;
  if (self->memory && self->weight && self->wide && self->upright
      && self->difference && self->scratch)
    return self;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "no memory for masks of %ux%u", shape->width, shape->height);
  unet_temporal_free (self);
  return NULL;
}

UnetTemporal *
unet_temporal_new (const GstVideoInfo *info, const UnetMask *shape,
    GstVideoOrientationMethod orientation, GError **error)
{
  return unet_temporal_new_with_step (
      info, shape, orientation, unet_mask_get_step (shape), error);
}

void
unet_temporal_free (UnetTemporal *self)
{
  if (!self)
    return;
  unet_guide_clear (&self->guide);
  for (guint i = 0; i < self->n_planes; i++)
    g_free (self->planes[i]);
  g_free (self->planes);
  g_free (self->memory);
  if (self->upright != self->wide)
    g_free (self->upright);
  if (self->wide != self->weight)
    g_free (self->wide);
  g_free (self->weight);
  g_free (self->difference);
  g_free (self->scratch);
  g_free (self);
}

void
unet_temporal_reset (UnetTemporal *self)
{
  self->empty = TRUE;
}

/* ---- change ----------------------------------------------------------- */

UNET_SIMD static void
find_difference (
    gfloat *restrict dst, const gfloat *a, const gfloat *b, guint n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = fabsf (a[4 * i] - b[4 * i]) + fabsf (a[4 * i + 1] - b[4 * i + 1])
        + fabsf (a[4 * i + 2] - b[4 * i + 2]);
}

UNET_SIMD static void
add_three (gfloat *restrict dst, const gfloat *a, const gfloat *b,
    const gfloat *c, gfloat factor, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = (a[i] + b[i] + c[i]) * factor;
}

static const gfloat *
row_at (const gfloat *plane, guint width, guint height, gint y)
{
  return plane + (gsize) CLAMP (y, 0, (gint) height - 1) * width;
}

static void
add_neighbours (gfloat *restrict dst, const gfloat *src, guint n)
{
  dst[0] = (src[0] + src[0] + src[MIN (1, n - 1)]) / 3;
  dst[n - 1] = (src[n - 1] + src[n - 1] + src[n > 1 ? n - 2 : 0]) / 3;
  if (n > 2)
    add_three (dst + 1, src, src + 1, src + 2, 1 / 3.0f, n - 2);
}

/* Means over 3x3, ends repeated. */
static void
smooth (UnetTemporal *self)
{
  const guint w = self->width, h = self->height;

  for (guint y = 0; y < h; y++)
    add_neighbours (
        self->scratch + (gsize) y * w, self->difference + (gsize) y * w, w);
  for (guint y = 0; y < h; y++)
    add_three (self->difference + (gsize) y * w,
        row_at (self->scratch, w, h, (gint) y - 1),
        row_at (self->scratch, w, h, (gint) y),
        row_at (self->scratch, w, h, (gint) y + 1), 1 / 3.0f, w);
}

/* What 40 % of the pixels stay below: half of what is still, even where most
 * of the picture moves. */
static gfloat
find_noise (const UnetTemporal *self)
{
  const gsize n = (gsize) self->width * self->height;
  const gfloat factor = HISTOGRAM / (2 * LARGEST_NOISE);
  gsize histogram[HISTOGRAM] = { 0 }, below = 0;
  guint bin = 0;

  for (gsize i = 0; i < n; i += 3)
    histogram[(guint) MIN (self->difference[i] * factor, HISTOGRAM - 1.0f)]++;
  while (bin < HISTOGRAM - 1 && (below += histogram[bin]) < (n / 3) * 2 / 5)
    bin++;
  return MIN (((gfloat) bin + 0.5f) / factor, LARGEST_NOISE);
}

UNET_SIMD static void
step_up (gfloat *row, gfloat from, gfloat scale, gsize n)
{
  for (gsize i = 0; i < n; i++)
    row[i] = unet_smoothstep (row[i], from, scale);
}

UNET_SIMD static void
take_larger_float (gfloat *restrict dst, const gfloat *src, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = src[i] > dst[i] ? src[i] : dst[i];
}

/* Largest within REACH, along rows and then along columns. */
static void
spread (UnetTemporal *self)
{
  const guint reach = self->step > 1 ? HALF_REACH : REACH;
  const guint w = self->width, h = self->height;

  for (guint y = 0; y < h; y++) {
    const gfloat *src = self->difference + (gsize) y * w;
    gfloat *dst = self->scratch + (gsize) y * w;

    memcpy (dst, src, w * sizeof *dst);
    for (guint r = 1; r <= reach && r < w; r++) {
      take_larger_float (dst, src + r, w - r);
      take_larger_float (dst + r, src, w - r);
    }
  }
  for (guint y = 0; y < h; y++) {
    gfloat *dst = self->weight + (gsize) y * w;

    memcpy (dst, row_at (self->scratch, w, h, (gint) y), w * sizeof *dst);
    for (guint r = 1; r <= reach; r++) {
      take_larger_float (
          dst, row_at (self->scratch, w, h, (gint) y - (gint) r), w);
      take_larger_float (dst, row_at (self->scratch, w, h, (gint) (y + r)), w);
    }
  }
}

UNET_SIMD static gfloat
add_up (const gfloat *src, gsize n)
{
  gfloat sum[16] = { 0 }, total = 0;
  gsize i;

  for (i = 0; i + 16 <= n; i += 16)
    for (gsize j = 0; j < 16; j++)
      sum[j] += src[i + j];
  for (; i < n; i++)
    total += src[i];
  for (gsize j = 0; j < 16; j++)
    total += sum[j];
  return total;
}

UNET_SIMD static void
remember (gfloat *restrict memory, gfloat *restrict weight,
    const gfloat *pixels, gfloat base, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    const gfloat w = base + (1 - base) * weight[i];

    weight[i] = w;
    for (gsize c = 0; c < 4; c++)
      memory[4 * i + c] += (pixels[4 * i + c] - memory[4 * i + c]) * w;
  }
}

static void
start_again (UnetTemporal *self)
{
  const gsize n = (gsize) self->width * self->height;

  memcpy (self->memory, self->guide.pixels, 4 * n * sizeof (gfloat));
  for (gsize i = 0; i < n; i++)
    self->weight[i] = 1;
  self->base = 1;
  self->changed = 1;
  self->empty = FALSE;
}

UNET_SIMD static void
double_floats (gfloat *restrict dst, const gfloat *src, guint n)
{
  for (gsize i = 0; i < n; i++)
    dst[2 * i] = dst[2 * i + 1] = src[i];
}

static void
widen (UnetTemporal *self)
{
  const guint w = self->mask_width;

  for (guint y = 0; y < self->mask_height; y++) {
    const gfloat *src = self->weight + (gsize) (y / 2) * self->width;
    gfloat *dst = self->wide + (gsize) y * w;

    if (y % 2) {
      memcpy (dst, dst - w, w * sizeof *dst);
      continue;
    }
    double_floats (dst, src, w / 2);
    if (w % 2)
      dst[w - 1] = src[w / 2];
  }
}

/* The weight of what is new where nothing has changed. */
static gfloat
find_base (const UnetTemporal *self, gdouble hold, gboolean follows)
{
  gdouble t = (self->changed - FOLLOW_FROM) / (FOLLOW_TO - FOLLOW_FROM);

  t = follows ? CLAMP (t, 0, 1) : 0;
  return (gfloat) (1 - hold * (1 - t));
}

static void
compare_pictures (UnetTemporal *self, const gfloat *pixels, gdouble elapsed,
    gdouble time_constant, gboolean follows)
{
  const gsize n = (gsize) self->width * self->height;
  gfloat noise, from, to;

  if (pixels != self->guide.pixels)
    memcpy (self->guide.pixels, pixels, 4 * n * sizeof (gfloat));
  if (self->empty || !(time_constant > 0)) {
    start_again (self);
    return;
  }
  find_difference (self->difference, pixels, self->memory, (guint) n);
  smooth (self);
  noise = find_noise (self);
  from = NOISE_FLOOR + NOISE_FACTOR * noise;
  to = CHANGE_FLOOR + CHANGE_FACTOR * noise;
  step_up (self->difference, from, 1 / (to - from), n);
  self->changed = add_up (self->difference, n) / n;
  if (self->changed > CUT_SHARE) {
    start_again (self);
    return;
  }
  spread (self);
  self->base =
      find_base (self, exp (-MAX (elapsed, 0) / time_constant), follows);
  remember (self->memory, self->weight, pixels, self->base, n);
  if (self->wide != self->weight)
    widen (self);
  if (self->upright != self->wide)
    unet_orient_f32 (self->upright, self->wide, self->mask_width,
        self->mask_height, 1, self->orientation);
}

/* Edges are the picture's: what moves elsewhere is nothing to them. */
void
unet_temporal_read_pixels (UnetTemporal *self, const gfloat *pixels,
    gdouble elapsed, gdouble time_constant)
{
  compare_pictures (self, pixels, elapsed, time_constant, FALSE);
}

void
unet_temporal_read_frame (UnetTemporal *self, const GstVideoFrame *frame,
    gdouble elapsed, gdouble time_constant)
{
  unet_guide_read (&self->guide, frame);
  compare_pictures (self, self->guide.pixels, elapsed, time_constant, TRUE);
}

const UnetGuide *
unet_temporal_get_guide (UnetTemporal *self)
{
  return &self->guide;
}

gdouble
unet_temporal_get_changed (UnetTemporal *self)
{
  return self->changed;
}

const gfloat *
unet_temporal_get_weights (UnetTemporal *self)
{
  return self->weight;
}

/* ---- values ----------------------------------------------------------- */

UNET_SIMD static void
mix_probabilities (gfloat *restrict held, const gfloat *fresh,
    const gfloat *weight, gfloat base, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat p = fresh[i], delta = p - held[i];
    const gfloat sure = (2 * p - 1) * (2 * p - 1);
    const gfloat surprise = sure
        * unet_smoothstep (
            fabsf (delta), SURPRISE_FROM, 1 / (SURPRISE_TO - SURPRISE_FROM));
    gfloat w = weight[i];

    /* What the network is not sure of counts for half where nothing moves. */
    w -= base * 0.5f * (1 - sure) * (1 - weight[i]);
    w = surprise > w ? surprise : w;
    held[i] += delta * w;
  }
}

UNET_SIMD static void
mix_scores (
    gfloat *restrict held, const gfloat *fresh, const gfloat *weight, guint n)
{
  for (guint i = 0; i < n; i++)
    held[i] += (fresh[i] - held[i]) * weight[i];
}

/* %NULL where there is no memory for it. */
static gfloat *
get_plane (UnetTemporal *self, guint index)
{
  const gsize n = (gsize) self->mask_width * self->mask_height;

  while (self->n_planes <= index) {
    gfloat *plane = g_try_new0 (gfloat, n);

    if (!plane)
      return NULL;
    self->planes = g_renew (gfloat *, self->planes, self->n_planes + 1);
    self->planes[self->n_planes++] = plane;
  }
  return self->planes[index];
}

const gfloat *
unet_temporal_smooth_row (UnetTemporal *self, guint plane, guint y,
    const gfloat *row, gboolean scores)
{
  const guint n = self->upright_width;
  const gsize at = (gsize) y * n;
  gfloat *held = get_plane (self, plane);

  if (!held)
    return row;
  held += at;
  if (self->base >= 1)
    memcpy (held, row, n * sizeof *held);
  else if (scores)
    mix_scores (held, row, self->upright + at, n);
  else
    mix_probabilities (held, row, self->upright + at, self->base, n);
  return held;
}
