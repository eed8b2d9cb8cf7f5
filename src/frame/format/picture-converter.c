/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/picture-converter.h"
#include "frame/format/transfer-rows.h"

#define CODE (255 / 65535.0f)

struct _UnetPictureConverter {
  GstVideoConverter *first;
  /* The rest is there only with a transfer function. */
  GstVideoConverter *second;
  UnetTransferRows *transfer;
  GstBuffer *buffer;
  GstVideoFrame middle; /* ARGB64, mapped as long as this lives */
  gfloat *row[3];
};

/* The same frame in sRGB, or with R'G'B' of the stream. */
static void
set_middle_info (
    GstVideoInfo *info, const GstVideoInfo *to, gboolean is_converted)
{
  gst_video_info_set_format (
      info, GST_VIDEO_FORMAT_ARGB64, to->width, to->height);
  info->fps_n = to->fps_n;
  info->fps_d = to->fps_d;
  if (!is_converted)
    return;
  info->colorimetry.transfer = to->colorimetry.transfer;
  info->colorimetry.primaries = to->colorimetry.primaries;
}

static gboolean
open_middle (UnetPictureConverter *self, const GstVideoInfo *from,
    const GstVideoInfo *to, GstStructure *config)
{
  GstVideoInfo read, written;

  set_middle_info (&read, to, FALSE);
  set_middle_info (&written, to, TRUE);
  self->first = gst_video_converter_new (from, &read, config);
  self->second = gst_video_converter_new (&written, to, NULL);
  self->buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&read), NULL);
  if (!self->first || !self->second || !self->buffer
      || !gst_video_frame_map (
          &self->middle, &read, self->buffer, GST_MAP_READWRITE))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    self->row[i] = g_new (gfloat, to->width);
  return TRUE;
}

UnetPictureConverter *
unet_picture_converter_new (
    const GstVideoInfo *from, const GstVideoInfo *to, GstStructure *config)
{
  UnetPictureConverter *self = g_new0 (UnetPictureConverter, 1);
  gboolean ok;

  if (from->colorimetry.transfer != to->colorimetry.transfer)
    self->transfer = unet_transfer_rows_new_from_srgb (to);
  if (self->transfer) {
    ok = open_middle (self, from, to, config);
  } else {
    self->first = gst_video_converter_new (from, to, config);
    ok = self->first != NULL;
  }
  if (!ok)
    g_clear_pointer (&self, unet_picture_converter_free);
  return self;
}

void
unet_picture_converter_free (UnetPictureConverter *self)
{
  if (!self)
    return;
  g_clear_pointer (&self->first, gst_video_converter_free);
  g_clear_pointer (&self->second, gst_video_converter_free);
  unet_transfer_rows_free (self->transfer);
  if (self->middle.buffer)
    gst_video_frame_unmap (&self->middle);
  gst_clear_buffer (&self->buffer);
  for (guint i = 0; i < 3; i++)
    g_free (self->row[i]);
  g_free (self);
}

static void
convert_row (UnetPictureConverter *self, guint16 *argb, guint n)
{
  for (guint c = 0; c < 3; c++)
    for (gsize x = 0; x < n; x++)
      self->row[c][x] = (gfloat) argb[4 * x + 1 + c] * CODE;
  unet_transfer_rows_run (self->transfer, self->row, n);
  for (guint c = 0; c < 3; c++)
    for (gsize x = 0; x < n; x++)
      argb[4 * x + 1 + c] = (guint16) (self->row[c][x] / CODE + 0.5f);
}

void
unet_picture_converter_run (
    UnetPictureConverter *self, const GstVideoFrame *from, GstVideoFrame *to)
{
  GstVideoFrame *middle = &self->middle;

  if (!self->transfer) {
    gst_video_converter_frame (self->first, from, to);
    return;
  }
  gst_video_converter_frame (self->first, from, middle);
  for (gint y = 0; y < middle->info.height; y++)
    convert_row (self,
        (guint16 *) ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (middle, 0)
            + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (middle, 0)),
        middle->info.width);
  gst_video_converter_frame (self->second, middle, to);
}
