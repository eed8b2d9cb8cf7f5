/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Decodes the video of a file, frame after frame, as fast as it is asked. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Belongs to one thread. */
typedef struct _GstUnetBackgroundDecoder GstUnetBackgroundDecoder;

typedef enum {
  GST_UNET_BACKGROUND_FRAME,
  GST_UNET_BACKGROUND_LATER, /* nothing within the time */
  GST_UNET_BACKGROUND_END,
  GST_UNET_BACKGROUND_ERROR,
} GstUnetBackgroundResult;

/* %NULL with @error of %GST_PARSE_ERROR set where an element is missing. */
GstUnetBackgroundDecoder *gst_unet_background_decoder_new (
    const gchar *path, GError **error);
void gst_unet_background_decoder_free (GstUnetBackgroundDecoder *self);
/* Waits for the next frame for at most @timeout. @sample: (out) (transfer
 * full): a frame in system memory, upright, whose time begins at 0 with the
 * file. @error, of %GST_RESOURCE_ERROR, names the file and, where a plugin is
 * missing, its package. */
GstUnetBackgroundResult gst_unet_background_decoder_next (
    GstUnetBackgroundDecoder *self, GstClockTime timeout, GstSample **sample,
    GError **error);

G_END_DECLS
