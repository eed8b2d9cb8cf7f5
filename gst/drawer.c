/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drawer.h"

#include "frame/format/mask.h"
#include "frame/edges/refine.h"
#include "frame/draw/overlay.h"
#include "frame/draw/mask-picture.h"
#include "frame/draw/cutout.h"
#include "frame/format/frame-map.h"

#include <math.h>

struct _UnetDrawer {
  GstVideoInfo in, out;
  gboolean in_place;
  GstUnetSegOutput output; /* in use */

  /* Those that have been in use. */
  UnetOverlay *overlay;
  UnetMaskPicture *picture;
  UnetCutout *cutout;
  UnetRefine *refine;

  UnetBackground *background; /* (nullable): what the picture was made of */
  GstBuffer *backdrop;        /* (nullable): of that */
  GstClockTime pts;           /* of the last frame that was refined */

  /* What the palettes were made of. */
  UnetSegClasses *classes;
  UnetColors *colors;
};

/* ---- setting up ------------------------------------------------------- */

/* An output that makes frames of these caps. */
static GstUnetSegOutput
first_output (const UnetDrawer *self)
{
  for (guint i = 0; i < GST_UNET_SEG_N_OUTPUTS; i++)
    if (unet_output_fits (i, &self->in, &self->out))
      return i;
  return GST_UNET_SEG_OUTPUT_NONE;
}

UnetDrawer *
unet_drawer_new (const GstVideoInfo *in, const GstVideoInfo *out)
{
  UnetDrawer *self = g_new0 (UnetDrawer, 1);

  self->in = *in;
  self->out = *out;
  self->in_place = GST_VIDEO_INFO_FORMAT (in) == GST_VIDEO_INFO_FORMAT (out)
      && gst_video_colorimetry_is_equal (&in->colorimetry, &out->colorimetry);
  self->output = first_output (self);
  self->pts = GST_CLOCK_TIME_NONE;
  return self;
}

static void
forget_palette (UnetDrawer *self)
{
  g_clear_pointer (&self->classes, unet_seg_classes_unref);
  g_clear_pointer (&self->colors, unet_colors_unref);
}

void
unet_drawer_free (UnetDrawer *self)
{
  forget_palette (self);
  g_clear_pointer (&self->overlay, unet_overlay_free);
  g_clear_pointer (&self->picture, unet_mask_picture_free);
  g_clear_pointer (&self->cutout, unet_cutout_free);
  g_clear_pointer (&self->refine, unet_refine_free);
  g_clear_pointer (&self->background, unet_background_unref);
  gst_clear_buffer (&self->backdrop);
  g_free (self);
}

gboolean
unet_drawer_is_in_place (const UnetDrawer *self)
{
  return self->in_place;
}

static gboolean
open_output (UnetDrawer *self, GError **error)
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
unet_drawer_set_output (
    UnetDrawer *self, GstUnetSegOutput output, GError **error)
{
  if (unet_output_fits (output, &self->in, &self->out)
      && output != self->output) {
    self->output = output;
    forget_palette (self);
  }
  return open_output (self, error);
}

GstUnetSegOutput
unet_drawer_get_output (const UnetDrawer *self)
{
  return self->output;
}

gboolean
unet_drawer_draws (const UnetDrawer *self, const UnetDrawSettings *settings)
{
  if (self->output == GST_UNET_SEG_OUTPUT_OVERLAY)
    return settings->opacity > 0 || settings->outline > 0;
  return self->output != GST_UNET_SEG_OUTPUT_NONE;
}

static gboolean
replaces_background (const UnetDrawer *self)
{
  return self->output == GST_UNET_SEG_OUTPUT_BLUR
      || self->output == GST_UNET_SEG_OUTPUT_REPLACE;
}

gboolean
unet_draw_settings_refine (const UnetDrawSettings *settings)
{
  if (settings->refine != GST_UNET_SEG_SWITCH_AUTO)
    return settings->refine == GST_UNET_SEG_SWITCH_ON;
  return settings->live || settings->output == GST_UNET_SEG_OUTPUT_BLUR
      || settings->output == GST_UNET_SEG_OUTPUT_REPLACE;
}

gboolean
unet_draw_settings_hold (const UnetDrawSettings *settings)
{
  if (settings->time_constant == 0)
    return FALSE;
  if (settings->temporal != GST_UNET_SEG_SWITCH_AUTO)
    return settings->temporal == GST_UNET_SEG_SWITCH_ON;
  return settings->live;
}

gboolean
unet_drawer_set_background (
    UnetDrawer *self, const UnetDrawSettings *settings, GError **error)
{
  GError *local = NULL;

  if (self->output != GST_UNET_SEG_OUTPUT_REPLACE
      || self->background == settings->background)
    return TRUE;
  g_clear_pointer (&self->background, unet_background_unref);
  gst_clear_buffer (&self->backdrop);
  self->background = unet_background_ref (settings->background);
  self->backdrop = unet_background_make_frame (
      self->background, unet_overlay_get_info (self->overlay), &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

void
unet_drawer_forget (UnetDrawer *self)
{
  self->pts = GST_CLOCK_TIME_NONE;
  if (self->refine)
    unet_refine_reset (self->refine);
}

/* ---- drawing ---------------------------------------------------------- */

/* Returns a class named in @colors that the mask does not have. */
static const gchar *
set_palette (UnetDrawer *self, UnetSegClasses *classes, UnetColors *colors)
{
  guint n = unet_seg_classes_get_n_classes (classes);
  g_autofree guint32 *argb = NULL;
  const gchar *unknown;

  if (self->classes == classes && self->colors == colors)
    return NULL;
  forget_palette (self);
  self->classes = unet_seg_classes_ref (classes);
  self->colors = unet_colors_ref (colors);
  argb = g_new (guint32, n);
  unknown = unet_colors_get_palette (colors, classes, argb);
  if (self->overlay)
    unet_overlay_set_palette (self->overlay, argb, n);
  if (self->cutout)
    unet_cutout_set_palette (self->cutout, argb, n);
  return unknown;
}

#define MAX_MASK_SIZE 32767

/* What others have written need not make sense. */
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
  return meta->width > 0 && meta->height > 0 && meta->width <= MAX_MASK_SIZE
      && meta->height <= MAX_MASK_SIZE && meta->w > 0 && meta->h > 0
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
is_refined (const UnetDrawer *self, const UnetDrawSettings *settings,
    const UnetMask *mask)
{
  if (replaces_background (self))
    return TRUE;
  return mask->n_classes <= 2
      && (unet_draw_settings_refine (settings) || settings->grow != 0
          || settings->feather > 0 || settings->outline > 0
          || unet_draw_settings_hold (settings));
}

/* Milliseconds since the last frame; what is not near it in time has nothing
 * in common with it. */
static gdouble
find_elapsed (UnetDrawer *self, GstClockTime pts)
{
  GstClockTimeDiff elapsed = 0;

  if (GST_CLOCK_TIME_IS_VALID (pts) && GST_CLOCK_TIME_IS_VALID (self->pts))
    elapsed = GST_CLOCK_DIFF (self->pts, pts);
  self->pts = pts;
  if (elapsed <= 0 || elapsed > (GstClockTimeDiff) GST_SECOND) {
    unet_refine_reset (self->refine);
    return 0;
  }
  return (gdouble) elapsed / GST_MSECOND;
}

static const UnetMask *
refine (UnetDrawer *self, const UnetDrawSettings *settings,
    const UnetMask *mask, const GstVideoFrame *frame)
{
  gdouble shift = settings->threshold - 0.5;
  UnetRefineOptions options = { .guided = unet_draw_settings_refine (settings),
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
  if (unet_draw_settings_hold (settings)) {
    options.time_constant = settings->time_constant;
    options.elapsed = find_elapsed (self, settings->pts);
  }
  refined = unet_refine_run (self->refine, frame, mask, &options);
  if (refined)
    return refined;

no_memory:
  /* Better nothing than what should not be seen. */
  return replaces_background (self) ? NULL : mask;
}

static void
draw_overlay (UnetDrawer *self, const UnetDrawSettings *settings,
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

/* Without a mask nobody knows what may be seen: one pixel, which is nothing,
 * as large as the frame. */
static const UnetMask *
hide_all (UnetDrawer *self, UnetMask *mask, guint8 *nothing)
{
  *nothing = 0;
  *mask = (UnetMask){ .width = 1,
    .height = 1,
    .n_classes = 2,
    .probability = nothing,
    .w = GST_VIDEO_INFO_WIDTH (&self->in),
    .h = GST_VIDEO_INFO_HEIGHT (&self->in) };
  return mask;
}

static void
replace_background (UnetDrawer *self, const UnetDrawSettings *settings,
    const UnetMask *mask, GstVideoFrame *out)
{
  guint32 argb = unet_background_get_color (settings->background);
  GstVideoFrame picture;
  UnetMask nothing;
  guint8 pixel;

  if (mask == NULL)
    mask = hide_all (self, &nothing, &pixel);
  if (self->output == GST_UNET_SEG_OUTPUT_BLUR) {
    unet_overlay_blur (self->overlay, out, mask,
        settings->blur_radius * GST_VIDEO_INFO_HEIGHT (&self->in));
  } else if (self->backdrop
      && gst_video_frame_map (&picture, unet_overlay_get_info (self->overlay),
          self->backdrop, GST_MAP_READ)) {
    unet_overlay_replace (self->overlay, out, mask, argb, &picture);
    gst_video_frame_unmap (&picture);
  } else {
    unet_overlay_replace (self->overlay, out, mask, argb, NULL);
  }
}

static void
draw (UnetDrawer *self, const UnetDrawSettings *settings, const UnetMask *mask,
    const GstVideoFrame *in, GstVideoFrame *out)
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
      if (in)
        unet_cutout_run (self->cutout, in, out, mask, settings->threshold);
      else
        clear_frame (out);
      break;
    case GST_UNET_SEG_OUTPUT_NONE:
      break;
  }
}

void
unet_drawer_draw (UnetDrawer *self, const UnetDrawSettings *settings,
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
  unmap_mask (meta, maps);
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
rehearse (UnetDrawer *self, const UnetDrawSettings *settings,
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
  const gchar *unknown;

  mask.classes = unet_seg_classes_new (NULL, 2, NULL);
  unet_drawer_draw (self, settings, &mask, in, out, &unknown);
  forget_palette (self);
  unet_drawer_forget (self);
  unet_seg_classes_unref (mask.classes);
  gst_buffer_unref (mask.class_map);
  gst_buffer_unref (mask.probability);
}

guint64
unet_drawer_estimate (UnetDrawer *self, const UnetDrawSettings *settings)
{
  GstBuffer *in, *out;
  UnetMap in_map, out_map;
  guint64 time = 0;

  if (!unet_drawer_draws (self, settings))
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
