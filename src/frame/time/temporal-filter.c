/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/time/temporal-filter.h"
#include "frame/time/guide.h"
#include "base/simd.h"
#include "base/smoothstep.h"
#include "frame/format/orientation.h"

#include <math.h>

/* The filter remembers a picture together with its mask. Where the new picture
 * equals it but for noise, the new mask enters with a small weight; where the
 * picture has changed, the new mask replaces the old one. So noise is averaged
 * away, and nothing that moves is smeared.
 *
 * The amount of noise is measured in each frame: most of a picture does not
 * change between two frames. */

/* Thresholds for the difference to the memory: means over 3x3 of the sum of
 * three components, 0..1 each. A difference below NOISE_FLOOR + NOISE_FACTOR *
 * noise is noise; above CHANGE_FLOOR + CHANGE_FACTOR * noise it is change.
 * Lower ones let still masks flicker, higher ones smear slow motion. They were
 * chosen with `masks flicker` and `masks lag`. LARGEST_NOISE bounds what a
 * picture full of motion makes of the measured noise. */
#define NOISE_FLOOR   0.008f
#define CHANGE_FLOOR  0.024f
#define NOISE_FACTOR  2.0f
#define CHANGE_FACTOR 5.0f
#define LARGEST_NOISE 0.03f
/* Pixels around a change in which the mask may change too, since the network
 * sees more than a pixel; at the full and at half the mask's resolution. Less
 * lets outlines lag behind what moves; more lets still neighbours flicker. The
 * last pixel of it is a ramp, so that the mask shows no blocks. */
#define REACH      4
#define HALF_REACH 3
/* Share of changed pixels above which the frame is a cut. */
#define CUT_SHARE 0.6
/* A network has a large receptive field: motion in one place changes its
 * opinion of others. Masks are smoothed less once this share of the picture
 * moves, and not at all above FOLLOW_TO: an older opinion would lag. */
#define FOLLOW_FROM 0.02
#define FOLLOW_TO   0.1
/* Distance of a new probability from the old one at which a certain network is
 * believed at once, although the picture is still. */
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
  gfloat **planes; /* smoothed values */
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

/* Returns the difference that 40 % of the pixels stay below. That is the median
 * of the still pixels even if a fifth of the picture moves. */
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

/* Turns the border of the spread weights, a square step, into a ramp. */
static void
soften (UnetTemporal *self)
{
  const guint w = self->width, h = self->height;

  for (guint y = 0; y < h; y++)
    add_neighbours (
        self->scratch + (gsize) y * w, self->weight + (gsize) y * w, w);
  for (guint y = 0; y < h; y++)
    add_three (self->weight + (gsize) y * w,
        row_at (self->scratch, w, h, (gint) y - 1),
        row_at (self->scratch, w, h, (gint) y),
        row_at (self->scratch, w, h, (gint) y + 1), 1 / 3.0f, w);
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
mix_weight_rows (
    gfloat *restrict dst, const gfloat *near, const gfloat *far, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = near[i] + (far[i] - near[i]) * 0.25f;
}

/* Doubles all but the ends, which have no neighbour on one side. */
UNET_SIMD static void
double_inside (gfloat *restrict dst, const gfloat *src, guint n)
{
  for (gsize i = 1; i < n; i++) {
    dst[2 * i - 1] = src[i - 1] + (src[i] - src[i - 1]) * 0.25f;
    dst[2 * i] = src[i] + (src[i - 1] - src[i]) * 0.25f;
  }
}

/* Enlarges weights bilinearly: squares of two pixels would show. */
static void
widen (UnetTemporal *self)
{
  const guint w = self->width, h = self->height, n = self->mask_width;

  for (guint y = 0; y < self->mask_height; y++) {
    const gint near = (gint) y / 2;
    const gfloat *a = row_at (self->weight, w, h, near);
    const gfloat *b = row_at (self->weight, w, h, y % 2 ? near + 1 : near - 1);
    gfloat *dst = self->wide + (gsize) y * n;

    mix_weight_rows (self->scratch, a, b, w);
    dst[0] = self->scratch[0];
    double_inside (dst, self->scratch, w);
    if (n % 2 == 0)
      dst[n - 1] = self->scratch[w - 1];
  }
}

/* Returns the weight of new values at still pixels. */
static gfloat
find_base (const UnetTemporal *self, gdouble kept, gboolean follows)
{
  gdouble t = (self->changed - FOLLOW_FROM) / (FOLLOW_TO - FOLLOW_FROM);

  t = follows ? CLAMP (t, 0, 1) : 0;
  return (gfloat) (1 - kept * (1 - t));
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
  soften (self);
  self->base =
      find_base (self, exp (-MAX (elapsed, 0) / time_constant), follows);
  remember (self->memory, self->weight, pixels, self->base, n);
  if (self->wide != self->weight)
    widen (self);
  if (self->upright != self->wide)
    unet_orient_f32 (self->upright, self->wide, self->mask_width,
        self->mask_height, 1, self->orientation);
}

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
mix_probabilities (gfloat *restrict smoothed, const gfloat *fresh,
    const gfloat *weight, gfloat base, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat p = fresh[i], delta = p - smoothed[i];
    const gfloat sure = (2 * p - 1) * (2 * p - 1);
    const gfloat surprise = sure
        * unet_smoothstep (
            fabsf (delta), SURPRISE_FROM, 1 / (SURPRISE_TO - SURPRISE_FROM));
    gfloat w = weight[i];

    /* An unsure opinion of a still pixel counts for half. */
    w -= base * 0.5f * (1 - sure) * (1 - weight[i]);
    w = surprise > w ? surprise : w;
    smoothed[i] += delta * w;
  }
}

UNET_SIMD static void
mix_scores (gfloat *restrict smoothed, const gfloat *fresh,
    const gfloat *weight, guint n)
{
  for (guint i = 0; i < n; i++)
    smoothed[i] += (fresh[i] - smoothed[i]) * weight[i];
}

/* Returns NULL without memory. */
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
  gfloat *smoothed = get_plane (self, plane);

  if (!smoothed)
    return row;
  smoothed += at;
  if (self->base >= 1)
    memcpy (smoothed, row, n * sizeof *smoothed);
  else if (scores)
    mix_scores (smoothed, row, self->upright + at, n);
  else
    mix_probabilities (smoothed, row, self->upright + at, self->base, n);
  return smoothed;
}
