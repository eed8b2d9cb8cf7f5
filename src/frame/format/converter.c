/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/converter.h"
#include "frame/format/transfer.h"

#include <unetseg/unetseg.h>

/* GstVideoConverter's own unpacked formats, so that it only unpacks and packs;
 * it has none for grey. */
static GstVideoFormat
choose_writable (const GstVideoInfo *info)
{
  const gboolean deep = GST_VIDEO_INFO_COMP_DEPTH (info, 0) > 8;

  if (GST_VIDEO_INFO_IS_RGB (info))
    return deep ? GST_VIDEO_FORMAT_ARGB64 : GST_VIDEO_FORMAT_ARGB;
  return deep ? GST_VIDEO_FORMAT_AYUV64 : GST_VIDEO_FORMAT_AYUV;
}

/* Chroma stays at its resolution: it is averaged afterwards anyway, and some of
 * these conversions have a fast path. 8 bits are too coarse for a transfer
 * function that is converted afterwards. */
static GstVideoFormat
choose_readable (const GstVideoInfo *info)
{
  const GstVideoFormatInfo *finfo = info->finfo;
  UnetTransfer transfer;

  if (finfo->depth[0] > 8 && unet_transfer_init (&transfer, info))
    return choose_writable (info);
  if (GST_VIDEO_INFO_IS_RGB (info))
    return GST_VIDEO_FORMAT_ARGB;
  if (finfo->n_components >= 3 && finfo->w_sub[1] == 1)
    return finfo->h_sub[1] == 1 ? GST_VIDEO_FORMAT_I420 : GST_VIDEO_FORMAT_Y42B;
  return GST_VIDEO_FORMAT_AYUV;
}

/* Converters do not filter chroma: pixels that are not drawn on must survive
 * both conversions. */
static GstVideoConverter *
new_converter (const GstVideoInfo *from, const GstVideoInfo *to)
{
  GstStructure *config = gst_structure_new ("convert",
      GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD,
      GST_VIDEO_DITHER_NONE, GST_VIDEO_CONVERTER_OPT_CHROMA_MODE,
      GST_TYPE_VIDEO_CHROMA_MODE, GST_VIDEO_CHROMA_MODE_NONE,
      GST_VIDEO_CONVERTER_OPT_THREADS, G_TYPE_UINT, 1, NULL);

  return gst_video_converter_new (
      (GstVideoInfo *) from, (GstVideoInfo *) to, config);
}

UnetConverter *
unet_converter_new (
    const GstVideoInfo *info, gboolean both_ways, GError **error)
{
  const GstVideoFormat format = both_ways ? choose_writable (info)
                                          : choose_readable (info);
  UnetConverter *self = g_new0 (UnetConverter, 1);

  gst_video_info_set_interlaced_format (
      &self->info, format, info->interlace_mode, info->width, info->height);
  self->info.colorimetry = info->colorimetry;
  self->info.chroma_site = info->chroma_site;
  /* GstVideoConverter insists on the same rate. */
  self->info.fps_n = info->fps_n;
  self->info.fps_d = info->fps_d;
  self->in = new_converter (info, &self->info);
  if (both_ways)
    self->out = new_converter (&self->info, info);
  if (!self->in || (both_ways && !self->out))
    goto unsupported;
  self->buffer = gst_buffer_new_allocate (NULL, self->info.size, NULL);
  if (!self->buffer
      || !gst_video_frame_map (
          &self->frame, &self->info, self->buffer, GST_MAP_READWRITE))
    goto no_memory;
  return self;

unsupported:
  g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
      "GstVideoConverter cannot convert %s", GST_VIDEO_INFO_NAME (info));
  unet_converter_free (self);
  return NULL;
no_memory:
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "cannot allocate a frame of %d×%d pixels", info->width, info->height);
  unet_converter_free (self);
  return NULL;
}

void
unet_converter_free (UnetConverter *self)
{
  if (!self)
    return;
  g_clear_pointer (&self->in, gst_video_converter_free);
  g_clear_pointer (&self->out, gst_video_converter_free);
  if (self->frame.buffer)
    gst_video_frame_unmap (&self->frame);
  gst_clear_buffer (&self->buffer);
  g_free (self);
}

void
unet_converter_read (UnetConverter *self, const GstVideoFrame *frame)
{
  gst_video_converter_frame (self->in, frame, &self->frame);
}

void
unet_converter_write (UnetConverter *self, GstVideoFrame *frame)
{
  gst_video_converter_frame (self->out, &self->frame, frame);
}
