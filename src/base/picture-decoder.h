/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Decoders for picture files that say what they are. Such a file goes into its
 * decoder as one buffer: libav's decoders of TIFF and BMP need that, and JPEGs
 * with a second picture behind the first one then give one frame. */

#include "base/export.h"
#include "base/picture-header.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  const gchar *element;
  const gchar *media; /* (nullable): its caps; without them it reads a stream
                       * of bytes, to the end */
  gboolean lasting;   /* it gives its frame at once, and then takes the next
                       * picture; others wait for the end */
} UnetPictureDecoder;

/* Returns FALSE where a picture is for decodebin: its size is not known, it is
 * not complete, or the element is not installed. gdkpixbufdec is set even so
 * for what no other element decodes. */
UNET_INTERNAL_API gboolean unet_picture_decoder_find (
    const UnetPictureHeader *header, UnetPictureDecoder *decoder);

/* Returns (transfer none) (nullable): why no element of GStreamer decodes the
 * picture. */
UNET_INTERNAL_API const gchar *unet_picture_decoder_refuse (
    const UnetPictureHeader *header);

/* Returns (transfer none) (nullable): the Debian package without which the
 * decoder fails. */
UNET_INTERNAL_API const gchar *unet_picture_decoder_get_package (
    const UnetPictureHeader *header);

/* Returns (transfer full): the text of a pipeline from a source called "source"
 * to the decoder. */
UNET_INTERNAL_API gchar *unet_picture_decoder_describe (
    const UnetPictureDecoder *decoder);

/* Reads the first @size bytes of a file. Returns (transfer full), or %NULL with
 * @error of %G_FILE_ERROR set. */
UNET_INTERNAL_API GstBuffer *unet_picture_decoder_read (
    const gchar *path, gsize size, GError **error);
/* Gives @buffer (transfer none) to a source with caps, which must be running.
 */
UNET_INTERNAL_API void unet_picture_decoder_push (
    GstElement *source, GstBuffer *buffer);
/* Ends a source with caps. */
UNET_INTERNAL_API void unet_picture_decoder_end (GstElement *source);
/* Lets a source with caps give @buffer (transfer full) and end, as soon as it
 * runs. */
UNET_INTERNAL_API void unet_picture_decoder_play (
    GstElement *source, GstBuffer *buffer);

G_END_DECLS
