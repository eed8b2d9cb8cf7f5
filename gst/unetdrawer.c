/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unetdrawer.h"

#include "frame/frame.h"
#include "unetmap.h"

#include <math.h>

struct _UnetDrawer {
  GstVideoInfo in, out;
  gboolean in_place;
  GstUnetSegOutput output; /* in use */

  /* Those that have been in use. */
  UnetOverlay *overlay;
  UnetMaskPicture *picture;
  UnetCutout *cutout;

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
      if (self->overlay == NULL)
        self->overlay = unet_overlay_new (&self->in, error);
      return self->overlay != NULL;
    case GST_UNET_SEG_OUTPUT_MASK:
      if (self->picture == NULL)
        self->picture = unet_mask_picture_new (
            GST_VIDEO_INFO_WIDTH (&self->in),
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
unet_drawer_set_output (UnetDrawer *self, GstUnetSegOutput output,
    GError **error)
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
    return settings->opacity > 0;
  return self->output != GST_UNET_SEG_OUTPUT_NONE;
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

/* What others have written need not make sense. */
static gboolean
describe (const UnetSegMeta *meta, UnetMask *mask)
{
  *mask = (UnetMask) { .width = meta->width, .height = meta->height,
    .n_classes = meta->n_classes, .x = meta->x, .y = meta->y, .w = meta->w,
    .h = meta->h };
  return meta->width > 0 && meta->height > 0 && meta->w > 0 && meta->h > 0
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

static void
draw (UnetDrawer *self, const UnetDrawSettings *settings,
    const UnetMask *mask, const GstVideoFrame *in, GstVideoFrame *out)
{
  switch (self->output) {
    case GST_UNET_SEG_OUTPUT_OVERLAY:
      if (mask)
        unet_overlay_draw (self->overlay, out, mask, settings->opacity,
            settings->threshold);
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
    .probability = new_filled (size, 255), .width = REHEARSAL_SIZE,
    .height = REHEARSAL_SIZE, .n_classes = 2,
    .w = GST_VIDEO_INFO_WIDTH (&self->in),
    .h = GST_VIDEO_INFO_HEIGHT (&self->in) };
  const gchar *unknown;

  mask.classes = unet_seg_classes_new (NULL, 2, NULL);
  unet_drawer_draw (self, settings, &mask, in, out, &unknown);
  forget_palette (self);
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

      rehearse (self, settings,
          self->in_place ? &out_map.frame : &in_map.frame, &out_map.frame);
      time = gst_util_get_timestamp () - start;
      unet_unmap_frame (&out_map);
    }
    unet_unmap_frame (&in_map);
  }
  gst_clear_buffer (&in);
  gst_clear_buffer (&out);
  return time;
}
