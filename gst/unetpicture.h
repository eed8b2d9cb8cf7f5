/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Still pictures by whatever GStreamer can decode: of backgrounds in the
 * element, and of the tools. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* The first picture of a file, turned as its orientation tag says, as RGBx. */
GstSample *unet_picture_load (const gchar *path, GError **error);
/* What decodes it, for those who want more than the first: its `sink` is a
 * fakesink. */
GstElement *unet_picture_make_pipeline (const gchar *path, GError **error);

G_END_DECLS
