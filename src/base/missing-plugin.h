/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names the Debian package of a plugin that GStreamer misses. Any thread. */

#include "base/export.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Returns: (transfer none) (nullable): the Debian package that has the element
 * of this name, as far as this project uses it. */
UNET_INTERNAL_API const gchar *unet_missing_plugin_find_package (
    const gchar *element);

/* @detail: what gst_missing_plugin_message_get_installer_detail() or
 * GstDiscovererInfo tells. Returns: (transfer full): its description and
 * package, such as "PNG decoder (apt install gstreamer1.0-plugins-good)". */
UNET_INTERNAL_API gchar *unet_missing_plugin_describe (const gchar *detail);

/* Waits for a message of @types, as gst_bus_timed_pop_filtered() does.
 * @missing: (out) (nullable) (transfer full): a description, where a plugin was
 * found to be missing before it. */
UNET_INTERNAL_API GstMessage *unet_missing_plugin_pop (
    GstBus *bus, GstClockTime timeout, GstMessageType types, gchar **missing);

/* Parses a pipeline; every error is fatal. The error about an element that does
 * not exist names its package. Returns: (transfer floating): the pipeline, or
 * %NULL with %GST_PARSE_ERROR set. */
UNET_INTERNAL_API GstElement *unet_missing_plugin_parse (
    const gchar *description, GError **error);

G_END_DECLS
