/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drawer.h"

#include "backdrop.h"
#include "legend.h"

#include "frame/format/mask.h"
#include "frame/format/placement.h"
#include "frame/edges/refine.h"
#include "frame/draw/overlay.h"
#include "frame/draw/mask-picture.h"
#include "frame/draw/cutout.h"
#include "frame/format/frame-map.h"
#include "segment/elapsed-time.h"

#include <math.h>

struct _GstUnetDrawer {
  GstVideoInfo in, out;
  gboolean in_place;
  GstUnetSegOutput output; /* in use */

  /* Those that have been in use. */
  UnetOverlay *overlay;
  UnetMaskPicture *picture;
  UnetCutout *cutout;
  UnetRefine *refine;

  GstUnetLegend *legend; /* (nullable) */

  GstUnetBackdrop *backdrop; /* (nullable) */
  GstClockTime pts;          /* of the last frame that was refined */

  /* The palettes are made of these. */
  UnetSegClasses *classes;
  GstUnetColors *colors;
};

/* ---- setting up ------------------------------------------------------- */

/* An output that makes frames of these caps. */
static GstUnetSegOutput
first_output (const GstUnetDrawer *self)
{
  for (guint i = 0; i < GST_UNET_SEG_N_OUTPUTS; i++)
    if (gst_unet_output_fits (i, &self->in, &self->out))
      return i;
  return GST_UNET_SEG_OUTPUT_NONE;
}

GstUnetDrawer *
gst_unet_drawer_new (const GstVideoInfo *in, const GstVideoInfo *out)
{
  GstUnetDrawer *self = g_new0 (GstUnetDrawer, 1);

  self->in = *in;
  self->out = *out;
  self->in_place = GST_VIDEO_INFO_FORMAT (in) == GST_VIDEO_INFO_FORMAT (out)
      && gst_video_colorimetry_is_equal (&in->colorimetry, &out->colorimetry);
  self->output = first_output (self);
  self->pts = GST_CLOCK_TIME_NONE;
  return self;
}

static void
forget_palette (GstUnetDrawer *self)
{
  g_clear_pointer (&self->classes, unet_seg_classes_unref);
  g_clear_pointer (&self->colors, gst_unet_colors_unref);
}

void
gst_unet_drawer_free (GstUnetDrawer *self)
{
  forget_palette (self);
  g_clear_pointer (&self->overlay, unet_overlay_free);
  g_clear_pointer (&self->picture, unet_mask_picture_free);
  g_clear_pointer (&self->cutout, unet_cutout_free);
  g_clear_pointer (&self->refine, unet_refine_free);
  gst_unet_legend_free (self->legend);
  gst_unet_backdrop_free (self->backdrop);
  g_free (self);
}

gboolean
gst_unet_drawer_is_in_place (const GstUnetDrawer *self)
{
  return self->in_place;
}

static gboolean
open_output (GstUnetDrawer *self, GError **error)
{
  switch (self->output) {
    case GST_UNET_SEG_OUTPUT_OVERLAY:
    case GST_UNET_SEG_OUTPUT_BLUR:
    case GST_UNET_SEG_OUTPUT_REPLACE:
      if (self->overlay == NULL)
        self->overlay = unet_overlay_new (&self->in, error);
      return self->overlay != NULL;
    case GST_UNET_SEG_OUTPUT_MASK:
      if (self->picture == NULL)
        self->picture = unet_mask_picture_new (GST_VIDEO_INFO_WIDTH (&self->in),
            GST_VIDEO_INFO_HEIGHT (&self->in));
      return TRUE;
    case GST_UNET_SEG_OUTPUT_ALPHA:
      if (self->cutout == NULL)
        self->cutout = unet_cutout_new (&self->in, &self->out, error);
      return self->cutout != NULL;
    case GST_UNET_SEG_OUTPUT_NONE:
      break;
  }
  return TRUE;
}

gboolean
gst_unet_drawer_set_output (
    GstUnetDrawer *self, GstUnetSegOutput output, GError **error)
{
  if (gst_unet_output_fits (output, &self->in, &self->out)
      && output != self->output) {
    self->output = output;
    forget_palette (self);
  }
  return open_output (self, error);
}

GstUnetSegOutput
gst_unet_drawer_get_output (const GstUnetDrawer *self)
{
  return self->output;
}

gboolean
gst_unet_drawer_draws (
    const GstUnetDrawer *self, const GstUnetDrawSettings *settings)
{
  if (self->output == GST_UNET_SEG_OUTPUT_OVERLAY)
    return settings->opacity > 0 || settings->outline > 0;
  return self->output != GST_UNET_SEG_OUTPUT_NONE;
}

static gboolean
replaces_background (const GstUnetDrawer *self)
{
  return self->output == GST_UNET_SEG_OUTPUT_BLUR
      || self->output == GST_UNET_SEG_OUTPUT_REPLACE;
}

gboolean
gst_unet_draw_settings_refine (const GstUnetDrawSettings *settings)
{
  if (settings->refine != GST_UNET_SEG_SWITCH_AUTO)
    return settings->refine == GST_UNET_SEG_SWITCH_ON;
  return settings->live || settings->output == GST_UNET_SEG_OUTPUT_BLUR
      || settings->output == GST_UNET_SEG_OUTPUT_REPLACE;
}

gboolean
gst_unet_draw_settings_hold (const GstUnetDrawSettings *settings)
{
  if (settings->time_constant == 0)
    return FALSE;
  if (settings->temporal != GST_UNET_SEG_SWITCH_AUTO)
    return settings->temporal == GST_UNET_SEG_SWITCH_ON;
  return settings->live;
}

gboolean
gst_unet_drawer_set_background (
    GstUnetDrawer *self, const GstUnetDrawSettings *settings, GError **error)
{
  GError *local = NULL;

  if (self->output != GST_UNET_SEG_OUTPUT_REPLACE)
    return TRUE;
  if (self->backdrop == NULL)
    self->backdrop =
        gst_unet_backdrop_new (unet_overlay_get_info (self->overlay));
  gst_unet_backdrop_update (self->backdrop, settings->background,
      settings->running_time, settings->live, &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

void
gst_unet_drawer_forget (GstUnetDrawer *self)
{
  self->pts = GST_CLOCK_TIME_NONE;
  if (self->refine)
    unet_refine_reset (self->refine);
}

/* ---- drawing ---------------------------------------------------------- */

/* Returns a class named in @colors that the mask does not have. */
static const gchar *
set_palette (
    GstUnetDrawer *self, UnetSegClasses *classes, GstUnetColors *colors)
{
  guint n = unet_seg_classes_get_n_classes (classes);
  g_autofree guint32 *argb = NULL;
  const gchar *unknown;

  if (self->classes == classes && self->colors == colors)
    return NULL;
  forget_palette (self);
  self->classes = unet_seg_classes_ref (classes);
  self->colors = gst_unet_colors_ref (colors);
  argb = g_new (guint32, n);
  unknown = gst_unet_colors_get_palette (colors, classes, argb);
  if (self->overlay)
    unet_overlay_set_palette (self->overlay, argb, n);
  if (self->cutout)
    unet_cutout_set_palette (self->cutout, argb, n);
  return unknown;
}

/* Metadata of another program may be wrong. */
static gboolean
describe (const UnetSegMeta *meta, UnetMask *mask)
{
  *mask = (UnetMask){ .width = meta->width,
    .height = meta->height,
    .n_classes = meta->n_classes,
    .x = meta->x,
    .y = meta->y,
    .w = meta->w,
    .h = meta->h };
  return meta->width > 0 && meta->height > 0
      && meta->width <= UNET_MAX_PICTURE_SIZE
      && meta->height <= UNET_MAX_PICTURE_SIZE && meta->w > 0 && meta->h > 0
      && isfinite (meta->x) && isfinite (meta->y) && isfinite (meta->w)
      && isfinite (meta->h);
}

static gboolean
map_mask (const UnetSegMeta *meta, GstMapInfo maps[2], UnetMask *mask)
{
  gsize size = (gsize) meta->width * meta->height;

  if (!describe (meta, mask)
      || !gst_buffer_map (meta->class_map, &maps[0], GST_MAP_READ))
    return FALSE;
  if (!gst_buffer_map (meta->probability, &maps[1], GST_MAP_READ)) {
    gst_buffer_unmap (meta->class_map, &maps[0]);
    return FALSE;
  }
  mask->class_map = maps[0].data;
  mask->probability = maps[1].data;
  if (maps[0].size >= size && maps[1].size >= size)
    return TRUE;
  gst_buffer_unmap (meta->class_map, &maps[0]);
  gst_buffer_unmap (meta->probability, &maps[1]);
  return FALSE;
}

static void
unmap_mask (const UnetSegMeta *meta, GstMapInfo maps[2])
{
  gst_buffer_unmap (meta->class_map, &maps[0]);
  gst_buffer_unmap (meta->probability, &maps[1]);
}

static void
clear_frame (GstVideoFrame *frame)
{
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (frame); i++) {
    gint comp[GST_VIDEO_MAX_COMPONENTS];
    guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, i);
    gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i), rows;

    gst_video_format_info_component (frame->info.finfo, i, comp);
    rows = GST_VIDEO_FRAME_COMP_HEIGHT (frame, comp[0]);
    for (gint y = 0; y < rows; y++)
      memset (data + (gssize) y * stride, 0,
          MIN (stride, GST_VIDEO_INFO_PLANE_STRIDE (&frame->info, i)));
  }
}

/* A class is the whole of what is not background where that is replaced, and
 * the only one elsewhere. */
static gboolean
is_refined (const GstUnetDrawer *self, const GstUnetDrawSettings *settings,
    const UnetMask *mask)
{
  if (replaces_background (self))
    return TRUE;
  return mask->n_classes <= 2
      && (gst_unet_draw_settings_refine (settings) || settings->grow != 0
          || settings->feather > 0 || settings->outline > 0
          || gst_unet_draw_settings_hold (settings));
}

/* Milliseconds since the last frame; 0: smoothing begins anew. */
static gdouble
find_elapsed (GstUnetDrawer *self, GstClockTime pts)
{
  gdouble elapsed = unet_elapsed_time (self->pts, pts);

  self->pts = pts;
  if (elapsed == 0)
    unet_refine_reset (self->refine);
  return elapsed;
}

static const UnetMask *
refine (GstUnetDrawer *self, const GstUnetDrawSettings *settings,
    const UnetMask *mask, const GstVideoFrame *frame)
{
  gdouble shift = settings->threshold - 0.5;
  UnetRefineOptions options = { .guided =
                                    gst_unet_draw_settings_refine (settings),
    .low = settings->edge_low + shift,
    .high = settings->edge_high + shift,
    .grow = settings->grow,
    .feather = settings->feather,
    .guide = settings->guide };
  const UnetMask *refined;

  if (self->refine == NULL)
    self->refine = unet_refine_new (&self->in);
  if (self->refine == NULL)
    goto no_memory;
  if (gst_unet_draw_settings_hold (settings)) {
    options.time_constant = settings->time_constant;
    options.elapsed = find_elapsed (self, settings->pts);
  }
  refined = unet_refine_run (self->refine, frame, mask, &options);
  if (refined)
    return refined;

no_memory:
  /* A background that should be hidden is not shown. */
  return replaces_background (self) ? NULL : mask;
}

static void
draw_overlay (GstUnetDrawer *self, const GstUnetDrawSettings *settings,
    const UnetMask *mask, GstVideoFrame *out)
{
  const UnetMask *line = NULL;
  UnetMask outline;

  if (settings->opacity > 0)
    unet_overlay_draw (
        self->overlay, out, mask, settings->opacity, settings->threshold);
  if (settings->outline > 0 && mask->class_map == NULL)
    line = unet_refine_get_outline (self->refine, settings->outline, &outline);
  if (line)
    unet_overlay_draw (self->overlay, out, line, 1, settings->threshold);
}

/* A mask of one pixel as large as the frame, with one probability. */
static const UnetMask *
fill_mask (
    GstUnetDrawer *self, UnetMask *mask, guint8 *pixel, guint8 probability)
{
  *pixel = probability;
  *mask = (UnetMask){ .width = 1,
    .height = 1,
    .n_classes = 2,
    .probability = pixel,
    .w = GST_VIDEO_INFO_WIDTH (&self->in),
    .h = GST_VIDEO_INFO_HEIGHT (&self->in) };
  return mask;
}

static void
replace_background (GstUnetDrawer *self, const GstUnetDrawSettings *settings,
    const UnetMask *mask, GstVideoFrame *out)
{
  guint32 argb = gst_unet_background_get_color (settings->background);
  GstBuffer *backdrop = self->backdrop ? gst_unet_backdrop_get (self->backdrop)
                                       : NULL;
  GstVideoFrame picture;
  UnetMask nothing;
  guint8 pixel;

  if (mask == NULL)
    mask = fill_mask (self, &nothing, &pixel, 0); /* hides the frame */
  if (self->output == GST_UNET_SEG_OUTPUT_BLUR) {
    unet_overlay_blur (self->overlay, out, mask,
        settings->blur_radius * GST_VIDEO_INFO_HEIGHT (&self->in));
  } else if (backdrop
      && gst_video_frame_map (&picture, unet_overlay_get_info (self->overlay),
          backdrop, GST_MAP_READ)) {
    unet_overlay_replace (self->overlay, out, mask, argb, &picture);
    gst_video_frame_unmap (&picture);
  } else {
    unet_overlay_replace (self->overlay, out, mask, argb, NULL);
  }
}

static void
draw (GstUnetDrawer *self, const GstUnetDrawSettings *settings,
    const UnetMask *mask, const GstVideoFrame *in, GstVideoFrame *out)
{
  if (mask && in && is_refined (self, settings, mask))
    mask = refine (self, settings, mask, in);
  switch (self->output) {
    case GST_UNET_SEG_OUTPUT_OVERLAY:
      if (mask)
        draw_overlay (self, settings, mask, out);
      break;
    case GST_UNET_SEG_OUTPUT_BLUR:
    case GST_UNET_SEG_OUTPUT_REPLACE:
      replace_background (self, settings, mask, out);
      break;
    case GST_UNET_SEG_OUTPUT_MASK:
      unet_mask_picture_draw (self->picture, out, mask, settings->threshold);
      break;
    case GST_UNET_SEG_OUTPUT_ALPHA:
      unet_cutout_set_clears_hidden (self->cutout, settings->clear_hidden);
      if (in)
        unet_cutout_run (self->cutout, in, out, mask, settings->threshold);
      else
        clear_frame (out);
      break;
    case GST_UNET_SEG_OUTPUT_NONE:
      break;
  }
}

/* The legend explains colours that are there. */
static void
draw_legend (GstUnetDrawer *self, const GstUnetDrawSettings *settings,
    const UnetMask *mask, UnetSegClasses *classes, GstVideoFrame *out)
{
  if (!settings->legend || self->output != GST_UNET_SEG_OUTPUT_OVERLAY
      || (settings->opacity == 0 && mask->n_classes > 2))
    return;
  if (self->legend == NULL)
    self->legend = gst_unet_legend_new (&self->in);
  gst_unet_legend_draw (self->legend, self->overlay, out, mask,
      settings->threshold, classes, settings->colors);
}

void
gst_unet_drawer_draw (GstUnetDrawer *self, const GstUnetDrawSettings *settings,
    const UnetSegMeta *meta, const GstVideoFrame *in, GstVideoFrame *out,
    const gchar **unknown)
{
  GstMapInfo maps[2];
  UnetMask mask;

  *unknown = NULL;
  if (meta == NULL || !map_mask (meta, maps, &mask)) {
    draw (self, settings, NULL, in, out);
    return;
  }
  *unknown = set_palette (self, meta->classes, settings->colors);
  draw (self, settings, &mask, in, out);
  draw_legend (self, settings, &mask, meta->classes, out);
  unmap_mask (meta, maps);
}

void
gst_unet_drawer_pass (
    GstUnetDrawer *self, const GstVideoFrame *in, GstVideoFrame *out)
{
  static const guint32 opaque[] = { 0, 0xffffffff };
  UnetMask all;
  guint8 pixel;

  if (self->output == GST_UNET_SEG_OUTPUT_ALPHA) {
    forget_palette (self);
    unet_cutout_set_palette (self->cutout, opaque, G_N_ELEMENTS (opaque));
    unet_cutout_run (
        self->cutout, in, out, fill_mask (self, &all, &pixel, 255), .5);
  } else if (self->output == GST_UNET_SEG_OUTPUT_MASK) {
    unet_mask_picture_draw (self->picture, out, NULL, .5);
  }
}

/* ---- estimate --------------------------------------------------------- */

#define REHEARSAL_SIZE 32

static GstBuffer *
new_filled (gsize size, guint8 value)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  if (buffer)
    gst_buffer_memset (buffer, 0, value, -1);
  return buffer;
}

/* Everything is of the first class: what takes longest. */
static void
rehearse (GstUnetDrawer *self, const GstUnetDrawSettings *settings,
    const GstVideoFrame *in, GstVideoFrame *out)
{
  const gsize size = REHEARSAL_SIZE * REHEARSAL_SIZE;
  UnetSegMeta mask = { .class_map = new_filled (size, 1),
    .probability = new_filled (size, 255),
    .width = REHEARSAL_SIZE,
    .height = REHEARSAL_SIZE,
    .n_classes = 2,
    .w = GST_VIDEO_INFO_WIDTH (&self->in),
    .h = GST_VIDEO_INFO_HEIGHT (&self->in) };
  GstUnetDrawSettings drawn = *settings;
  const gchar *unknown;

  drawn.legend = FALSE; /* looks for fonts once, which is not a frame's time */
  mask.classes = unet_seg_classes_new (NULL, 2, NULL);
  gst_unet_drawer_draw (self, &drawn, &mask, in, out, &unknown);
  forget_palette (self);
  gst_unet_drawer_forget (self);
  unet_seg_classes_unref (mask.classes);
  gst_buffer_unref (mask.class_map);
  gst_buffer_unref (mask.probability);
}

guint64
gst_unet_drawer_estimate (
    GstUnetDrawer *self, const GstUnetDrawSettings *settings)
{
  GstBuffer *in, *out;
  UnetMap in_map, out_map;
  guint64 time = 0;

  if (!gst_unet_drawer_draws (self, settings))
    return 0;
  in = new_filled (GST_VIDEO_INFO_SIZE (&self->in), 0);
  out = new_filled (GST_VIDEO_INFO_SIZE (&self->out), 0);
  if (in && out && unet_map_frame (&in_map, &self->in, in, GST_MAP_READ)) {
    if (unet_map_frame (&out_map, &self->out, out, GST_MAP_READWRITE)) {
      GstClockTime start = gst_util_get_timestamp ();

      rehearse (self, settings, self->in_place ? &out_map.frame : &in_map.frame,
          &out_map.frame);
      time = gst_util_get_timestamp () - start;
      unet_unmap_frame (&out_map);
    }
    unet_unmap_frame (&in_map);
  }
  gst_clear_buffer (&in);
  gst_clear_buffer (&out);
  return time;
}
