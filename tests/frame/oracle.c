/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oracle.h"

#include <frame/format/placement.h>
#include <frame/format/mask.h>
#include <math.h>

/* ---- colours ---------------------------------------------------------- */

void
oracle_luma_weights (GstVideoColorMatrix matrix, gdouble *kr, gdouble *kb)
{
  switch (matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT709:
      *kr = 0.2126;
      *kb = 0.0722;
      break;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      *kr = 0.2627;
      *kb = 0.0593;
      break;
    case GST_VIDEO_COLOR_MATRIX_BT601:
      *kr = 0.299;
      *kb = 0.114;
      break;
    default:
      g_error ("no luma weights for matrix %d", matrix);
  }
}

/* Sets the levels of 8 bits, times 2^(n - 8), from BT.601 section 2.5 and
 * BT.709 item 5. */
static void
levels (const GstVideoInfo *info, gdouble offset[3], gdouble scale[3])
{
  const gdouble unit = ldexp (1, GST_VIDEO_INFO_COMP_DEPTH (info, 0) - 8);
  const gboolean limited = info->colorimetry.range
      == GST_VIDEO_COLOR_RANGE_16_235;

  for (guint i = 0; i < 3; i++) {
    offset[i] = limited ? 16 * unit : 0;
    scale[i] = limited ? 219 * unit : 256 * unit - 1;
  }
  if (!GST_VIDEO_INFO_IS_YUV (info))
    return;
  for (guint i = 1; i < 3; i++) {
    offset[i] = 128 * unit;
    scale[i] = limited ? 224 * unit : 256 * unit - 1;
  }
}

void
oracle_to_rgb (
    const GstVideoInfo *info, const gdouble component[3], gdouble rgb[3])
{
  gdouble offset[3], scale[3], kr, kb, y, pb, pr;

  levels (info, offset, scale);
  if (!GST_VIDEO_INFO_IS_YUV (info)) {
    const gboolean gray = GST_VIDEO_INFO_IS_GRAY (info);

    for (guint i = 0; i < 3; i++)
      rgb[i] = 255 * (component[gray ? 0 : i] - offset[i]) / scale[i];
    return;
  }
  oracle_luma_weights (info->colorimetry.matrix, &kr, &kb);
  y = (component[0] - offset[0]) / scale[0];
  pb = (component[1] - offset[1]) / scale[1];
  pr = (component[2] - offset[2]) / scale[2];
  rgb[0] = 255 * (y + 2 * (1 - kr) * pr);
  rgb[2] = 255 * (y + 2 * (1 - kb) * pb);
  rgb[1] = (255 * y - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb);
}

void
oracle_from_rgb (
    const GstVideoInfo *info, const gdouble rgb[3], gdouble component[3])
{
  gdouble offset[3], scale[3], kr = 0.299, kb = 0.114, y;

  levels (info, offset, scale);
  if (GST_VIDEO_INFO_IS_YUV (info))
    oracle_luma_weights (info->colorimetry.matrix, &kr, &kb);
  y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
  for (guint i = 0; i < 3; i++)
    component[i] = offset[i] + scale[i] * rgb[i];
  if (GST_VIDEO_INFO_IS_RGB (info))
    return;
  component[0] = offset[0] + scale[0] * y;
  component[1] = offset[1] + scale[1] * (rgb[2] - y) / (2 * (1 - kb));
  component[2] = offset[2] + scale[2] * (rgb[0] - y) / (2 * (1 - kr));
}

/* ---- resampling ------------------------------------------------------- */

static void
add_weight (gdouble *weights, gint length, gdouble index, gdouble weight)
{
  weights[(gint) CLAMP (index, 0, length - 1)] += weight;
}

/* Computes the weight of each of @length samples in output @i of @n over the
 * interval. */
static void
axis_weights (gdouble *weights, gint length, gdouble start, gdouble size,
    guint n, guint i)
{
  const gdouble step = size / n;
  const gdouble from = start + i * step, to = start + (i + 1) * step;

  memset (weights, 0, length * sizeof *weights);
  if (step < 1) {
    const gdouble x = (from + to) / 2 - 0.5, f = x - floor (x);

    add_weight (weights, length, floor (x), 1 - f);
    add_weight (weights, length, floor (x) + 1, f);
    return;
  }
  for (gdouble j = floor (from); j < to; j++)
    add_weight (weights, length, j, (MIN (to, j + 1) - MAX (from, j)) / step);
}

/* Converts a frame position to a component's grid. If cosited, the centre of
 * sample i is that of pixel i << sub. */
static gdouble
to_grid (gdouble x, guint sub, gboolean cosited)
{
  const gdouble pixels = 1 << sub;
  const gdouble centre_of_first = cosited && sub ? 0.5 : pixels / 2;

  return (x - centre_of_first) / pixels + 0.5;
}

static gboolean
is_cosited_h (const GstVideoInfo *info)
{
  if (info->chroma_site == GST_VIDEO_CHROMA_SITE_UNKNOWN)
    return info->height > 576;
  return (info->chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0;
}

static void
resample (const TestPlane *plane, const GstVideoInfo *info,
    const UnetPlacement *p, gdouble *result)
{
  const gboolean h = is_cosited_h (info);
  const gboolean v = info->chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED;
  const gdouble x0 = to_grid (p->src_x, plane->w_sub, h);
  const gdouble x1 = to_grid (p->src_x + p->src_w, plane->w_sub, h);
  const gdouble y0 = to_grid (p->src_y, plane->h_sub, v);
  const gdouble y1 = to_grid (p->src_y + p->src_h, plane->h_sub, v);
  gdouble *wx = g_new (gdouble, (gsize) plane->width * p->dst_w);
  gdouble *wy = g_new (gdouble, plane->height);
  gdouble *line = g_new (gdouble, plane->width);

  for (gint i = 0; i < p->dst_w; i++)
    axis_weights (
        wx + (gsize) i * plane->width, plane->width, x0, x1 - x0, p->dst_w, i);
  for (gint j = 0; j < p->dst_h; j++) {
    axis_weights (wy, plane->height, y0, y1 - y0, p->dst_h, j);
    memset (line, 0, plane->width * sizeof *line);
    for (guint y = 0; y < plane->height; y++)
      for (guint x = 0; wy[y] != 0 && x < plane->width; x++)
        line[x] += wy[y] * plane->samples[(gsize) y * plane->width + x];
    for (gint i = 0; i < p->dst_w; i++) {
      gdouble sum = 0;

      for (guint x = 0; x < plane->width; x++)
        sum += wx[(gsize) i * plane->width + x] * line[x];
      result[(gsize) j * p->dst_w + i] = sum;
    }
  }
  g_free (wx);
  g_free (wy);
  g_free (line);
}

/* ---- the tensor ------------------------------------------------------- */

/* Returns the pixel of the placed picture that input pixel @i reads, or -1 if
 * it reads none. */
static gint
source_index (gint i, gint start, gint size, gboolean mirror)
{
  i -= start;
  if (i >= 0 && i < size)
    return i;
  if (!mirror)
    return -1;
  while (size > 1 && (i < 0 || i >= size))
    i = i < 0 ? -i : 2 * (size - 1) - i;
  return size > 1 ? i : 0;
}

static gdouble
channel_value (const GstVideoInfo *info, const UnetContract *contract,
    const gdouble component[3], guint channel)
{
  gdouble rgb[3];

  oracle_to_rgb (info, component, rgb);
  for (guint i = 0; i < 3; i++)
    if (contract->color_order != UNET_COLOR_ORDER_GRAY)
      rgb[i] = CLAMP (rgb[i], 0, 255);
  switch (contract->color_order) {
    case UNET_COLOR_ORDER_BGR:
      return rgb[2 - channel];
    case UNET_COLOR_ORDER_GRAY:
      if (GST_VIDEO_INFO_IS_YUV (info)) {
        gdouble kr, kb, y;

        oracle_luma_weights (info->colorimetry.matrix, &kr, &kb);
        y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
        return CLAMP (y, 0, 255);
      }
      return CLAMP (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2], 0, 255);
    default:
      return rgb[channel];
  }
}

static void
normalise (gdouble *tensor, gsize n, guint n_channels, gsize channel_step,
    gsize pixel_step, const UnetContract *contract, gdouble factor)
{
  for (gsize i = 0; i < n; i++) {
    for (guint c = 0; c < n_channels; c++) {
      const guint rgb = contract->color_order == UNET_COLOR_ORDER_BGR ? 2 - c
                                                                      : c;
      gdouble *v = &tensor[i * pixel_step + c * channel_step];

      *v = (*v * factor - contract->mean[rgb]) / contract->std[rgb];
    }
  }
}

void
oracle_preprocess (const GstVideoFrame *frame, const UnetContract *contract,
    guint width, guint height, const UnetPlacement *placement, gdouble *tensor)
{
  const UnetPlacement *p = placement;
  const gboolean nhwc = contract->layout == UNET_LAYOUT_NHWC;
  const guint n = contract->color_order == UNET_COLOR_ORDER_GRAY ? 1 : 3;
  const gsize n_pixels = (gsize) width * height;
  const gsize channel_step = nhwc ? 1 : n_pixels, pixel_step = nhwc ? n : 1;
  gdouble *resampled[3] = { NULL }, largest = 0, factor = contract->scale;
  TestPlane planes[3];
  const guint n_planes = test_planes_read (planes, frame);

  for (guint i = 0; i < n_planes; i++) {
    resampled[i] = g_new (gdouble, (gsize) p->dst_w * p->dst_h);
    resample (&planes[i], &frame->info, p, resampled[i]);
  }
  for (gsize i = 0; i < n_pixels; i++) {
    const gint x =
        source_index ((gint) (i % width), p->dst_x, p->dst_w, p->mirror);
    const gint y =
        source_index ((gint) (i / width), p->dst_y, p->dst_h, p->mirror);

    for (guint c = 0; c < n; c++) {
      gdouble component[3] = { 0 }, v = 0;

      for (guint k = 0; k < n_planes && x >= 0 && y >= 0; k++)
        component[k] = resampled[k][(gsize) y * p->dst_w + x];
      if (x >= 0 && y >= 0)
        v = channel_value (&frame->info, contract, component, c);
      tensor[i * pixel_step + c * channel_step] = v;
      largest = MAX (largest, v);
    }
  }
  if (contract->divide_by_max)
    factor = largest > 1e-6 ? 1 / largest : 1;
  normalise (tensor, n_pixels, n, channel_step, pixel_step, contract, factor);
  for (guint i = 0; i < n_planes; i++)
    g_free (resampled[i]);
  test_planes_clear (planes, n_planes);
}

/* ---- overlay ---------------------------------------------------------- */

typedef struct {
  gdouble alpha; /* 0..1 */
  gdouble component[3];
} Paint;

static gdouble
smoothstep (gdouble from, gdouble to, gdouble x)
{
  const gdouble t = CLAMP ((x - from) / (to - from), 0, 1);

  return t * t * (3 - 2 * t);
}

static void
add_class (Paint *paint, const GstVideoInfo *info, guint32 argb, gdouble weight)
{
  const gdouble rgb[3] = { (argb >> 16 & 255) / 255.0,
    (argb >> 8 & 255) / 255.0, (argb & 255) / 255.0 };
  gdouble component[3];

  oracle_from_rgb (info, rgb, component);
  for (guint i = 0; i < 3; i++)
    paint->component[i] += weight * component[i];
  paint->alpha += weight * (argb >> 24) / 255;
}

/* Returns the centred cubic B-spline. */
static gdouble
spline (gdouble x)
{
  x = fabs (x);
  if (x < 1)
    return 2 / 3.0 - x * x + x * x * x / 2;
  return x < 2 ? (2 - x) * (2 - x) * (2 - x) / 6 : 0;
}

/* Paints a pixel with bilinear probability. With several classes its colour is
 * the mean of theirs, weighted with the eighth power of their spline. */
static Paint
paint_pixel (const GstVideoInfo *info, const UnetMask *mask,
    const guint32 *argb, gdouble opacity, gdouble threshold, guint px, guint py)
{
  const gdouble from = MAX (threshold - 0.15, 0);
  const gdouble to = MIN (threshold + 0.15, 1);
  const gdouble x = px + 0.5, y = py + 0.5;
  const gdouble u = (x - mask->x) / mask->w * mask->width - 0.5;
  const gdouble v = (y - mask->y) / mask->h * mask->height - 0.5;
  gdouble share[16] = { 0 }, sum = 0, probability = 0;
  const guint n_ids = MAX (mask->n_classes, 2);
  Paint paint = { 0 };

  g_assert (n_ids <= G_N_ELEMENTS (share));
  if (x < mask->x || x >= mask->x + mask->w || y < mask->y
      || y >= mask->y + mask->h)
    return paint;
  for (gdouble j = floor (v) - 1; j <= floor (v) + 2; j++) {
    for (gdouble i = floor (u) - 1; i <= floor (u) + 2; i++) {
      const guint at = (guint) CLAMP (j, 0, mask->height - 1) * mask->width
          + (guint) CLAMP (i, 0, mask->width - 1);
      gdouble p = mask->probability[at] / 255.0;
      guint id = mask->n_classes > 2 ? mask->class_map[at] : 1;

      if (argb[id] >> 24 == 0)
        id = 0;
      if (id == 0)
        p = MIN (p, floor (255 * from) / 255);
      probability += MAX (0, 1 - fabs (u - i)) * MAX (0, 1 - fabs (v - j)) * p;
      share[id] += spline (u - i) * spline (v - j) * p;
    }
  }
  for (guint id = 1; id < n_ids; id++)
    sum += pow (share[id], 8);
  if (sum <= 0)
    return paint;
  for (guint id = 1; id < n_ids; id++)
    if (share[id] > 0)
      add_class (&paint, info, argb[id], pow (share[id], 8) / sum);
  paint.alpha *= opacity * smoothstep (from, to, probability);
  return paint;
}

/* Averages the premultiplied pixels around a chroma site, by [1 2 1] / 4 if
 * cosited and else by the mean of two. */
static Paint
paint_site (const GstVideoInfo *info, const Paint *pixels,
    const TestPlane *plane, guint sx, guint sy)
{
  const gboolean h = plane->w_sub && is_cosited_h (info);
  const gboolean v = plane->h_sub
      && (info->chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED);
  Paint paint = { 0 };

  for (gint j = v ? -1 : 0; j <= (plane->h_sub ? 1 : 0); j++) {
    for (gint i = h ? -1 : 0; i <= (plane->w_sub ? 1 : 0); i++) {
      const gint x = (gint) (sx << plane->w_sub) + i;
      const gint y = (gint) (sy << plane->h_sub) + j;
      const Paint *p =
          &pixels[(gsize) CLAMP (y, 0, info->height - 1) * info->width
              + CLAMP (x, 0, info->width - 1)];
      const gdouble wx = !plane->w_sub ? 1 : h ? (i ? 0.25 : 0.5) : 0.5;
      const gdouble wy = !plane->h_sub ? 1 : v ? (j ? 0.25 : 0.5) : 0.5;

      paint.alpha += wx * wy * p->alpha;
      for (guint c = 0; c < 3; c++)
        paint.component[c] += wx * wy * p->alpha * p->component[c];
    }
  }
  for (guint c = 0; c < 3 && paint.alpha > 0; c++)
    paint.component[c] /= paint.alpha;
  return paint;
}

void
oracle_overlay (const GstVideoInfo *info, const UnetMask *mask,
    const guint32 *argb, gdouble opacity, gdouble threshold,
    const TestPlane *before, guint n_planes, gdouble *after[3],
    gdouble *alpha[3])
{
  const guint width = info->width, height = info->height;
  Paint *pixels = g_new (Paint, (gsize) width * height);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      pixels[(gsize) y * width + x] =
          paint_pixel (info, mask, argb, opacity, threshold, x, y);
  for (guint c = 0; c < n_planes; c++) {
    for (guint y = 0; y < before[c].height; y++) {
      for (guint x = 0; x < before[c].width; x++) {
        const Paint paint = paint_site (info, pixels, &before[c], x, y);
        const gsize at = (gsize) y * before[c].width + x;
        const gdouble old = before[c].samples[at];

        alpha[c][at] = paint.alpha;
        after[c][at] = old + (paint.component[c] - old) * paint.alpha;
      }
    }
  }
  g_free (pixels);
}

/* ---- alpha and masks -------------------------------------------------- */

static gboolean
covers (const UnetMask *mask, guint px, guint py)
{
  const gdouble x = px + 0.5, y = py + 0.5;

  return x >= mask->x && x < mask->x + mask->w && y >= mask->y
      && y < mask->y + mask->h;
}

gdouble
oracle_alpha (const UnetMask *mask, const guint32 *argb, gdouble threshold,
    guint x, guint y)
{
  const gdouble background = (argb[0] >> 24) / 255.0;
  guint32 all[16];
  GstVideoInfo info;

  if (!covers (mask, x, y))
    return background;
  memset (all, 0xff, sizeof all);
  test_info_init (&info, GST_VIDEO_FORMAT_RGB, 1, 1);
  return paint_pixel (&info, mask, argb, 1, threshold, x, y).alpha
      + background
      * (1 - paint_pixel (&info, mask, all, 1, threshold, x, y).alpha);
}

/* A mask pixel near a frame pixel, with its bilinear and spline weights. */
typedef struct {
  guint8 probability, id;
  gdouble linear, spline;
} Tap;

static void
find_taps (const UnetMask *mask, guint px, guint py, Tap taps[16])
{
  const gdouble u = (px + 0.5 - mask->x) / mask->w * mask->width - 0.5;
  const gdouble v = (py + 0.5 - mask->y) / mask->h * mask->height - 0.5;

  for (guint k = 0; k < 16; k++) {
    const gdouble i = floor (u) - 1 + k % 4, j = floor (v) - 1 + k / 4;
    const guint at = (guint) CLAMP (j, 0, mask->height - 1) * mask->width
        + (guint) CLAMP (i, 0, mask->width - 1);

    taps[k] = (Tap){ mask->probability[at], mask->class_map[at],
      MAX (0, 1 - fabs (u - i)) * MAX (0, 1 - fabs (v - j)),
      spline (u - i) * spline (v - j) };
  }
}

gdouble
oracle_probability (const UnetMask *mask, guint x, guint y)
{
  gdouble probability = 0;
  Tap taps[16];

  if (!covers (mask, x, y))
    return 0;
  find_taps (mask, x, y, taps);
  for (guint k = 0; k < 16; k++)
    probability += taps[k].linear * taps[k].probability / 255;
  return probability;
}

/* The background always stays below the threshold. Of the other classes the one
 * with the largest spline wins. */
gint
oracle_class (const UnetMask *mask, gdouble threshold, guint x, guint y)
{
  gdouble share[256] = { 0 }, probability = 0, second = 0;
  guint best = 1;
  Tap taps[16];

  if (!covers (mask, x, y))
    return 0;
  find_taps (mask, x, y, taps);
  for (guint k = 0; k < 16; k++) {
    gdouble p = taps[k].probability;

    if (taps[k].id == 0)
      p = MIN (p, ceil (255 * threshold) - 1);
    probability += taps[k].linear * p / 255;
    if (taps[k].id)
      share[taps[k].id] += taps[k].spline * p / 255;
  }
  if (fabs (probability - threshold) < 0.003)
    return -1;
  if (probability < threshold)
    return 0;
  for (guint id = 2; id < 256; id++)
    if (share[id] > share[best])
      best = id;
  for (guint id = 1; id < 256; id++)
    if (id != best)
      second = MAX (second, share[id]);
  return share[best] - second < 1e-4 ? -1 : (gint) best;
}
