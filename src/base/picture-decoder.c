/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/picture-decoder.h"

/* ---- which one ---------------------------------------------------------- */

/* libav's decoders keep 16 bits; GdkPixbuf's has 8. */
static const struct {
  UnetPictureKind kind;
  UnetPictureDecoder decoder;
} decoders[] = {
  { UNET_PICTURE_JPEG, { "jpegdec", "image/jpeg", TRUE } },
  { UNET_PICTURE_PNG, { "pngdec", "image/png", TRUE } },
  { UNET_PICTURE_TIFF, { "avdec_tiff", "image/tiff", FALSE } },
  { UNET_PICTURE_TIFF, { "gdkpixbufdec", NULL, FALSE } },
  { UNET_PICTURE_BMP, { "avdec_bmp", "image/bmp", FALSE } },
  { UNET_PICTURE_BMP, { "gdkpixbufdec", NULL, FALSE } },
};

static const UnetPictureDecoder pixbuf = { "gdkpixbufdec", NULL, FALSE };

/* jpegdec has no CMYK, and libav's decoder makes wrong colours of Adobe's. */
static gboolean
needs_pixbuf (const UnetPictureHeader *header)
{
  return header->kind == UNET_PICTURE_AVIF || header->kind == UNET_PICTURE_HEIF
      || (header->kind == UNET_PICTURE_JPEG && header->n_components == 4);
}

/* The rank of a decoder that is not to be chosen is 0; that of gdkpixbufdec is,
 * since decodebin has others for most of what it reads. */
static gboolean
is_usable (const UnetPictureDecoder *decoder)
{
  g_autoptr (GstElementFactory)
      factory = gst_element_factory_find (decoder->element);

  return factory != NULL
      && (decoder->media == NULL
          || gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory))
              > GST_RANK_NONE);
}

gboolean
unet_picture_decoder_find (
    const UnetPictureHeader *header, UnetPictureDecoder *decoder)
{
  if (header->state != UNET_PICTURE_COMPLETE || header->width == 0
      || header->height == 0)
    return FALSE;
  if (needs_pixbuf (header)) {
    *decoder = pixbuf;
    return TRUE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (decoders); i++) {
    if (decoders[i].kind != header->kind || !is_usable (&decoders[i].decoder))
      continue;
    *decoder = decoders[i].decoder;
    return TRUE;
  }
  return FALSE;
}

/* To 1.26, webpdec has none of libwebp's functions for animations, and fails
 * without a word on them. */
const gchar *
unet_picture_decoder_refuse (const UnetPictureHeader *header)
{
  return header->kind == UNET_PICTURE_WEBP && header->animated
      ? "an animated WebP, which GStreamer does not decode; convert it to a "
        "video or a GIF"
      : NULL;
}

/* Loaders of GdkPixbuf are in packages of their own. */
const gchar *
unet_picture_decoder_get_package (const UnetPictureHeader *header)
{
  if (header->kind == UNET_PICTURE_AVIF)
    return "libavif-gdk-pixbuf";
  return header->kind == UNET_PICTURE_HEIF ? "heif-gdk-pixbuf" : NULL;
}

gchar *
unet_picture_decoder_describe (const UnetPictureDecoder *decoder)
{
  if (decoder->media == NULL)
    return g_strdup_printf ("filesrc name=source ! %s", decoder->element);
  return g_strdup_printf ("appsrc name=source format=time max-bytes=0 "
                          "caps=%s ! %s",
      decoder->media, decoder->element);
}

/* ---- its data ----------------------------------------------------------- */

GstBuffer *
unet_picture_decoder_read (const gchar *path, gsize size, GError **error)
{
  GstBuffer *buffer;
  gchar *data;
  gsize length;

  if (!g_file_get_contents (path, &data, &length, error))
    return NULL;
  buffer = gst_buffer_new_wrapped_full (
      0, data, length, 0, MIN (size, length), data, g_free);
  GST_BUFFER_PTS (buffer) = 0;
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  return buffer;
}

void
unet_picture_decoder_push (GstElement *source, GstBuffer *buffer)
{
  GstFlowReturn flow;

  /* An error is on the bus already. */
  g_signal_emit_by_name (source, "push-buffer", buffer, &flow);
}

void
unet_picture_decoder_end (GstElement *source)
{
  GstFlowReturn flow;

  g_signal_emit_by_name (source, "end-of-stream", &flow);
}

static void
on_need_data (GstElement *source, guint length, gpointer data)
{
  unet_picture_decoder_push (source, data);
  unet_picture_decoder_end (source);
}

static void
free_buffer (gpointer data, GClosure *closure)
{
  gst_buffer_unref (data);
}

void
unet_picture_decoder_play (GstElement *source, GstBuffer *buffer)
{
  g_signal_connect_data (
      source, "need-data", G_CALLBACK (on_need_data), buffer, free_buffer, 0);
}
