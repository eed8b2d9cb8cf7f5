/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Still pictures, decoded by whatever plugins GStreamer has. */

#include "base/export.h"
#include "base/read-watch.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Decodes the first picture of the file @path, upright by its EXIF orientation
 * or its tags. Takes up to 30 s for a file that stalls a demuxer. Returns a
 * sample in the decoder's format, so that 16 bits stay 16 bits, or %NULL with
 * @error of %GST_RESOURCE_ERROR set. */
UNET_INTERNAL_API GstSample *unet_picture_load (
    const gchar *path, GError **error);
/* Builds the pipeline that decodes @path into a fakesink called "sink", for
 * callers that want more than the first picture. Returns %NULL with @error set
 * where an element is missing. */
UNET_INTERNAL_API GstElement *unet_picture_make_pipeline (
    const gchar *path, GError **error);
/* Returns: (transfer full): a sentence on why such a pipeline failed. @error:
 * (nullable): of its message. @missing: (nullable): of
 * unet_missing_plugin_pop(). */
UNET_INTERNAL_API gchar *unet_picture_describe_error (
    const GError *error, const gchar *missing);
/* Returns: (transfer full): a reason and the Debian package (nullable) that is
 * likely to be missing. */
UNET_INTERNAL_API gchar *unet_picture_add_package (
    const gchar *reason, const gchar *package);
/* Waits for a message of @types from such a pipeline. Returns (transfer full):
 * %NULL with @error of %GST_RESOURCE_ERROR set after an error, or where the
 * decoder stalls; it names @path. */
UNET_INTERNAL_API GstMessage *unet_picture_wait (GstElement *pipeline,
    const gchar *path, GstMessageType types, GError **error);
/* Returns (transfer none): counts what such a pipeline reads. */
UNET_INTERNAL_API UnetReadWatch *unet_picture_get_watch (GstElement *pipeline);

G_END_DECLS
