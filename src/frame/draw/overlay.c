/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/overlay.h"
#include "frame/draw/palette.h"
#include "frame/draw/alpha.h"
#include "frame/draw/background-blur.h"
#include "frame/draw/blend.h"
#include "frame/draw/decontaminate.h"
#include "frame/draw/frame-alpha.h"
#include "frame/draw/plane-plan.h"
#include "frame/format/color-matrix.h"
#include "frame/format/converter.h"
#include "frame/format/pixel-layout.h"
#include "frame/format/transfer.h"

#include <math.h>

struct _UnetOverlay {
  GstVideoInfo stream;
  GstVideoInfo info; /* of what is drawn on */
  UnetPixelLayout layout;
  UnetConverter *converter;
  gboolean cosited_h, cosited_v;
  guint w_sub, h_sub; /* of chroma */
  UnetPlanePlan plane[3];
  UnetAlpha alpha;
  UnetAlphaRow row[3]; /* two rows of a pair, and the last of the pair before */
  UnetAlphaRow chroma; /* at chroma sites */
  guint16 *sum;        /* scratch: between the two chroma filters */
  guint32 *color_sum;
  guint8 *samples; /* scratch: alpha of samples */
  guint16 *colors; /* scratch: colours of samples */
  UnetClassStyle style[256], background[256];
  gboolean is_flat; /* the plan's flat rows hold what is drawn */
  guint16 flat[3];
  UnetFrameAlpha *frame_alpha;      /* (nullable): made when needed */
  UnetDecontaminate *decontaminate; /* (nullable): made when needed */
  UnetBackgroundBlur *background_blur,
      *drawn;            /* (nullable); and while it is drawn */
  const guint16 *source; /* its row at work */
};

/* ---- setting up ------------------------------------------------------- */

static void
plan_planes (UnetOverlay *self)
{
  const guint width = self->info.width;

  for (guint i = 0; i < self->layout.n_components; i++) {
    const UnetLayoutComponent *component = &self->layout.component[i];

    unet_plane_plan_add (&self->plane[component->plane], component, i, width);
    self->w_sub = MAX (self->w_sub, component->w_sub);
    self->h_sub = MAX (self->h_sub, component->h_sub);
  }
  for (guint i = 0; i < 3; i++)
    if (self->plane[i].used)
      self->plane[i].flat =
          g_new0 (guint16, (gsize) self->plane[i].width * 4 + 8);
  self->sum = g_new0 (guint16, width + 4);
  self->color_sum = g_new0 (guint32, width + 4);
  self->samples = g_new0 (guint8, (gsize) width * 4 + 8);
  self->colors = g_new0 (guint16, (gsize) width * 4 + 8);
  for (guint i = 0; i < 3; i++)
    unet_alpha_row_init (&self->row[i], width);
  unet_alpha_row_init (&self->chroma, width);
}

UnetOverlay *
unet_overlay_new (const GstVideoInfo *info, GError **error)
{
  UnetOverlay *self = g_new0 (UnetOverlay, 1);

  self->info = self->stream = *info;
  if (!unet_pixel_layout_init (&self->layout, info)
      || !unet_plane_plan_is_possible (&self->layout)) {
    self->converter = unet_converter_new (info, TRUE, error);
    if (!self->converter) {
      unet_overlay_free (self);
      return NULL;
    }
    self->info = self->converter->info;
    unet_pixel_layout_init (&self->layout, &self->info);
  }
  self->cosited_h = unet_chroma_cosited_h (info);
  self->cosited_v = unet_chroma_cosited_v (info);
  plan_planes (self);
  unet_alpha_init (&self->alpha, info->width, info->height);
  unet_overlay_set_palette (self, NULL, 0);
  return self;
}

void
unet_overlay_free (UnetOverlay *self)
{
  if (!self)
    return;
  unet_converter_free (self->converter);
  unet_background_blur_free (self->background_blur);
  unet_decontaminate_free (self->decontaminate);
  unet_frame_alpha_free (self->frame_alpha);
  unet_alpha_clear (&self->alpha);
  for (guint i = 0; i < 3; i++) {
    g_free (self->plane[i].flat);
    unet_alpha_row_clear (&self->row[i]);
  }
  unet_alpha_row_clear (&self->chroma);
  g_free (self->sum);
  g_free (self->color_sum);
  g_free (self->samples);
  g_free (self->colors);
  g_free (self);
}

static void
set_style (UnetOverlay *self, UnetClassStyle *style, guint32 argb)
{
  const gdouble limit = (1u << self->layout.depth) - 1;
  gdouble rgb[3] = { (argb >> 16 & 0xff) / 255.0, (argb >> 8 & 0xff) / 255.0,
    (argb & 0xff) / 255.0 };
  gdouble component[3];
  UnetTransfer transfer;

  if (unet_transfer_init (&transfer, &self->info))
    unet_transfer_from_srgb (&transfer, rgb, rgb);
  unet_color_from_rgb (&self->info, rgb, component);
  for (guint i = 0; i < 3; i++)
    style->sample[i] =
        (guint16) ((guint) CLAMP (floor (component[i] + 0.5), 0, limit)
            << self->layout.shift);
  style->gain = (guint8) (argb >> 24);
}

void
unet_overlay_set_palette (
    UnetOverlay *self, const guint32 *argb, guint n_colors)
{
  for (guint i = 0; i < 256; i++) {
    set_style (self, &self->style[i],
        i < n_colors ? argb[i] : unet_palette_default (i));
    self->background[i].gain = i > 0 ? 255 : 0;
  }
  self->background[0] = self->style[0];
  self->background[0].gain = 0;
  self->is_flat = FALSE;
}

/* ---- colours of samples ----------------------------------------------- */

static void
set_flat (UnetOverlay *self, const guint16 color[3])
{
  if (self->is_flat && memcmp (self->flat, color, sizeof self->flat) == 0)
    return;
  memcpy (self->flat, color, sizeof self->flat);
  self->is_flat = TRUE;
  for (guint p = 0; p < 3; p++) {
    const UnetPlanePlan *plan = &self->plane[p];

    for (guint i = 0; i < plan->n_components; i++) {
      const UnetLayoutComponent *component =
          &self->layout.component[plan->component[i]];
      const guint n =
          GST_VIDEO_SUB_SCALE (component->w_sub, (guint) self->info.width);

      for (guint x = 0; x < n; x++)
        plan->flat[x * component->step + component->offset] =
            color[plan->component[i]];
    }
  }
}

/* ---- rows of samples -------------------------------------------------- */

static void
blend_samples (UnetOverlay *self, guint8 *row, guint start, guint n,
    const guint8 *alpha, const guint16 *color)
{
  if (self->layout.bytes == 1)
    unet_blend_u8 (row + start, alpha, color, n);
  else
    unet_blend_u16 (
        (UnetSample16 *) row + start, alpha, color, self->layout.shift, n);
}

static const guint8 *
spread_alpha (
    UnetOverlay *self, const UnetPlanePlan *plan, const guint8 *alpha, guint n)
{
  switch (plan->step) {
    case 1:
      return alpha;
    case 2:
      unet_spread_2 (self->samples, alpha, plan->owned, n);
      break;
    case 4:
      unet_spread_4 (self->samples, alpha, plan->owned, n);
      break;
    default:
      for (guint i = 0; i < plan->n_components; i++)
        unet_scatter_u8 (self->samples + plan->offset[i], alpha, plan->step, n);
  }
  return self->samples;
}

static const guint16 *
spread_colors (UnetOverlay *self, const UnetPlanePlan *plan,
    guint16 *const color[3], guint start, guint n)
{
  if (plan->step == 1)
    return color[plan->component[0]] + start;
  for (guint i = 0; i < plan->n_components; i++)
    unet_scatter_u16 (self->colors + plan->offset[i],
        color[plan->component[i]] + start, plan->step, n);
  return self->colors;
}

/* A plane whose components are all at the row's resolution. */
static void
blend_plane (UnetOverlay *self, const UnetPlanePlan *plan, guint8 *dst,
    const UnetAlphaRow *row)
{
  for (guint i = 0; i < row->n_spans; i++) {
    const guint start = row->spans[i].start;
    const guint n = row->spans[i].end - start;
    const guint8 *alpha = spread_alpha (self, plan, row->alpha + start, n);
    const guint16 *color = self->drawn ? self->source + start * plan->step
        : self->is_flat                ? plan->flat + start * plan->step
                        : spread_colors (self, plan, row->color, start, n);

    blend_samples (self, dst, start * plan->step, n * plan->step, alpha, color);
  }
}

/* Luma and chroma by turns; spans are those of the chroma sites. */
static void
blend_mixed (UnetOverlay *self, const UnetPlanePlan *plan, guint8 *dst,
    const UnetAlphaRow *row)
{
  const guint width = self->info.width;

  for (guint i = 0; i < self->chroma.n_spans; i++) {
    const guint site = self->chroma.spans[i].start, start = 2 * site;
    const guint n = MIN (2 * self->chroma.spans[i].end, width) - start;
    const guint n_sites = self->chroma.spans[i].end - site;
    const guint16 *color = self->drawn ? self->source + 2 * start
                                       : plan->flat + 2 * start;

    unet_spread_422 (self->samples, row->alpha + start,
        self->chroma.alpha + site, plan->luma_first, n);
    if (!self->drawn && !self->is_flat) {
      unet_scatter_u16 (
          self->colors + plan->luma_first, row->color[0] + start, 2, n);
      for (guint c = 1; c < 3; c++)
        unet_scatter_u16 (self->colors + plan->offset[c],
            self->chroma.color[c] + site, 4, n_sites);
      color = self->colors;
    }
    blend_samples (self, dst, 2 * start, 4 * n_sites, self->samples, color);
  }
}

/* ---- chroma ----------------------------------------------------------- */

static void
make_chroma_colors (UnetOverlay *self, const UnetAlphaRow *const rows[3],
    const guint8 *const alpha[3], UnetSpan span)
{
  const guint n = span.end - span.start;
  const gint start = 2 * (gint) span.start - 1;

  for (guint c = 1; c < 3; c++) {
    const guint16 *color[3];

    for (guint r = 0; r < 3; r++)
      color[r] = rows[r] ? rows[r]->color[c] + start : NULL;
    unet_chroma_color_rows (self->color_sum, alpha, color, 2 * n + 1);
    unet_chroma_color_columns (self->chroma.color[c] + span.start,
        self->color_sum + 1, self->sum + 1, self->cosited_h, n);
  }
}

/* Rows above, at and below the site; see unet_chroma_rows(). */
static void
make_chroma (UnetOverlay *self, const UnetAlphaRow *const rows[3])
{
  unet_alpha_row_join (&self->chroma, rows, (self->info.width + 1) / 2);
  for (guint i = 0; i < self->chroma.n_spans; i++) {
    const UnetSpan span = self->chroma.spans[i];
    const guint n = span.end - span.start;
    const gint start = 2 * (gint) span.start - 1;
    const guint8 *alpha[3];

    for (guint r = 0; r < 3; r++)
      alpha[r] = rows[r] ? rows[r]->alpha + start : NULL;
    unet_chroma_rows (self->sum, alpha, 2 * n + 1);
    unet_chroma_columns (
        self->chroma.alpha + span.start, self->sum + 1, self->cosited_h, n);
    if (!self->drawn && !self->is_flat)
      make_chroma_colors (self, rows, alpha, span);
  }
}

/* ---- drawing ---------------------------------------------------------- */

static guint8 *
row_pointer (const GstVideoFrame *frame, guint plane, guint y)
{
  return (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, plane)
      + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
}

static void
get_row (UnetOverlay *self, gint y, UnetAlphaRow *row)
{
  if (y >= (gint) self->alpha.top && y < (gint) self->alpha.bottom)
    unet_alpha_get_row (&self->alpha, y, row);
  else
    unet_alpha_row_reset (row);
  unet_alpha_row_extend (row, self->info.width);
}

static void
find_source (UnetOverlay *self, guint plane, guint y, const UnetAlphaRow *row)
{
  if (self->drawn && row->n_spans > 0)
    self->source = unet_background_blur_get_row (self->drawn, plane, y);
}

static void
draw_luma_row (
    UnetOverlay *self, GstVideoFrame *frame, guint y, const UnetAlphaRow *row)
{
  for (guint p = 0; p < 3; p++) {
    const UnetPlanePlan *plan = &self->plane[p];

    if (!plan->used || plan->chroma || plan->mixed)
      continue;
    find_source (self, p, y, row);
    blend_plane (self, plan, row_pointer (frame, p, y), row);
  }
}

static void
draw_chroma_row (
    UnetOverlay *self, GstVideoFrame *frame, guint y, const UnetAlphaRow *row)
{
  for (guint p = 0; p < 3; p++) {
    const UnetPlanePlan *plan = &self->plane[p];

    if (!plan->used || (!plan->mixed && !plan->chroma))
      continue;
    find_source (self, p, y, &self->chroma);
    if (plan->mixed)
      blend_mixed (self, plan, row_pointer (frame, p, y), row);
    else
      blend_plane (self, plan, row_pointer (frame, p, y), &self->chroma);
  }
}

/* Formats without vertical subsampling. */
static void
draw_rows (UnetOverlay *self, GstVideoFrame *frame)
{
  for (guint y = self->alpha.top; y < self->alpha.bottom; y++) {
    UnetAlphaRow *row = &self->row[0];

    get_row (self, y, row);
    if (row->n_spans == 0)
      continue;
    draw_luma_row (self, frame, y, row);
    if (self->w_sub > 0) {
      make_chroma (self, (const UnetAlphaRow *const[3]){ NULL, row, NULL });
      draw_chroma_row (self, frame, y, row);
    }
  }
}

static void
draw_row_pair (UnetOverlay *self, GstVideoFrame *frame, guint y,
    UnetAlphaRow *before, UnetAlphaRow *even, UnetAlphaRow *odd)
{
  const gboolean has_odd = y + 1 < (guint) self->info.height;

  get_row (self, y, even);
  if (has_odd)
    get_row (self, y + 1, odd);
  if (self->cosited_v && y == 0)
    get_row (self, 0, before);
  draw_luma_row (self, frame, y, even);
  if (has_odd)
    draw_luma_row (self, frame, y + 1, odd);
  /* Below an odd last row it repeats. */
  make_chroma (self,
      (const UnetAlphaRow *const[3]){
          self->cosited_v ? before : NULL, even, has_odd ? odd : even });
  draw_chroma_row (self, frame, y / 2, even);
}

/* 4:2:0. A chroma row on top of the pair below it reaches the pair above. */
static void
draw_row_pairs (UnetOverlay *self, GstVideoFrame *frame)
{
  UnetAlphaRow *odd = &self->row[1], *before = &self->row[2];
  const guint end = MIN (self->alpha.bottom + 1, (guint) self->info.height);

  unet_alpha_row_reset (before);
  unet_alpha_row_extend (before, self->info.width);
  for (guint y = self->alpha.top & ~1u; y < end; y += 2) {
    UnetAlphaRow *swap = before;

    draw_row_pair (self, frame, y, before, &self->row[0], odd);
    before = odd;
    odd = swap;
  }
}

/* Converts the frame when the first layer draws on it. */
static GstVideoFrame *
enter_frame (UnetOverlay *self, GstVideoFrame *frame, gboolean *converted)
{
  if (!self->converter)
    return frame;
  if (!*converted)
    unet_converter_read (self->converter, frame);
  *converted = TRUE;
  return &self->converter->frame;
}

static void
draw_layer (UnetOverlay *self, GstVideoFrame *frame, const UnetMask *mask,
    const UnetAlphaStyle *style, const guint16 *flat, gboolean *converted)
{
  if (!unet_alpha_begin (&self->alpha, mask, style))
    return;
  if (flat)
    set_flat (self, flat);
  else
    self->is_flat = FALSE;
  frame = enter_frame (self, frame, converted);
  if (self->h_sub)
    draw_row_pairs (self, frame);
  else
    draw_rows (self, frame);
}

static gboolean
is_whole (const UnetOverlay *self, const UnetMask *coverage)
{
  return coverage->width == (guint) self->info.width
      && coverage->height == (guint) self->info.height;
}

/* Soft edges lose the old background's colour before the new one is drawn.
 * @frame is what is drawn on. Without memory they keep it, and so do those of a
 * mask of one pixel, which hides everything. */
static void
clean_edges (UnetOverlay *self, GstVideoFrame *frame, const UnetMask *coverage)
{
  if (!is_whole (self, coverage))
    return;
  if (!self->decontaminate)
    self->decontaminate = unet_decontaminate_new (&self->info);
  if (self->decontaminate)
    unet_decontaminate_run (self->decontaminate, frame, coverage);
}

/* Converts @frame if it has to be. Returns what is drawn on. */
static GstVideoFrame *
open_frame (UnetOverlay *self, GstVideoFrame *frame)
{
  if (GST_VIDEO_INFO_HAS_ALPHA (&self->stream) && !self->frame_alpha)
    self->frame_alpha = unet_frame_alpha_new (&self->stream, &self->info);
  if (!self->converter)
    return frame;
  unet_converter_read (self->converter, frame);
  return &self->converter->frame;
}

/* @coverage is as large as the frame, or hides all of it, and is drawn as it
 * is. @drawn is open_frame()'s. What the frame's own alpha hides is background,
 * too; without memory for that it is as opaque as the rest. */
static void
draw_background (UnetOverlay *self, GstVideoFrame *frame, GstVideoFrame *drawn,
    const UnetMask *coverage, const guint16 *flat)
{
  const UnetAlphaStyle style = {
    .threshold = 0.5, .gain = 1, .invert = TRUE, .edge = UNET_EDGE_LINEAR
  };
  gboolean converted = TRUE;

  if (self->frame_alpha && is_whole (self, coverage))
    coverage = unet_frame_alpha_cover (self->frame_alpha, drawn, coverage);
  clean_edges (self, drawn, coverage);
  draw_layer (self, drawn, coverage, &style, flat, &converted);
  if (self->frame_alpha)
    unet_frame_alpha_clear (self->frame_alpha, drawn);
  if (self->converter)
    unet_converter_write (self->converter, frame);
}

static UnetBackgroundBlur *
get_background_blur (UnetOverlay *self)
{
  if (!self->background_blur)
    self->background_blur = unet_background_blur_new (&self->info);
  return self->background_blur;
}

void
unet_overlay_blur (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *coverage, gdouble radius)
{
  GstVideoFrame *drawn = open_frame (self, frame);
  const UnetMask *hidden = coverage;
  UnetClassStyle black;

  if (self->frame_alpha)
    hidden = unet_frame_alpha_hide (self->frame_alpha, drawn, coverage);
  self->drawn = get_background_blur (self);
  if (unet_background_blur_run (self->drawn, drawn, hidden, radius)) {
    draw_background (self, frame, drawn, coverage, NULL);
  } else {
    /* Without memory for the blur the background becomes black. */
    set_style (self, &black, 0xff000000);
    draw_background (self, frame, drawn, coverage, black.sample);
  }
  self->drawn = NULL;
}

void
unet_overlay_replace (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *coverage, guint32 argb, const GstVideoFrame *picture)
{
  GstVideoFrame *drawn = open_frame (self, frame);
  UnetClassStyle style;

  set_style (self, &style, argb);
  if (picture) {
    self->drawn = get_background_blur (self);
    unet_background_blur_set_picture (self->drawn, picture);
  }
  draw_background (self, frame, drawn, coverage, picture ? NULL : style.sample);
  self->drawn = NULL;
}

const GstVideoInfo *
unet_overlay_get_info (UnetOverlay *self)
{
  return &self->info;
}

void
unet_overlay_draw (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *mask, gdouble opacity, gdouble threshold)
{
  const gboolean several = mask->n_classes > 2;
  UnetAlphaStyle style = { threshold };
  gboolean converted = FALSE;

  if (self->style[0].gain > 0) {
    style.gain = opacity * self->style[0].gain / 255;
    style.invert = TRUE;
    style.classes = several ? self->background : NULL;
    draw_layer (self, frame, mask, &style, self->style[0].sample, &converted);
  }
  style.invert = FALSE;
  style.gain = several ? opacity : opacity * self->style[1].gain / 255;
  style.classes = several ? self->style : NULL;
  draw_layer (self, frame, mask, &style, several ? NULL : self->style[1].sample,
      &converted);
  if (converted)
    unet_converter_write (self->converter, frame);
}

void
unet_overlay_draw_layers (UnetOverlay *self, GstVideoFrame *frame,
    const UnetOverlayLayer *layers, guint n)
{
  gboolean converted = FALSE;

  for (guint i = 0; i < n; i++) {
    UnetClassStyle color;
    UnetAlphaStyle style = { .threshold = 0.5, .edge = UNET_EDGE_LINEAR };

    set_style (self, &color, layers[i].argb);
    style.gain = color.gain / 255.0;
    draw_layer (
        self, frame, &layers[i].coverage, &style, color.sample, &converted);
  }
  if (converted)
    unet_converter_write (self->converter, frame);
}
