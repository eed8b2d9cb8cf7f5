/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network's outputs as GStreamer's metadata, where the plugin is built with
 * GStreamer's analytics library. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Returns whether the plugin is built with that library. */
gboolean gst_unet_tensors_are_available (void);

/* Attaches @outputs (element-type UnetOutputCopy) to a writable buffer as one
 * GstTensorMeta, which takes references. Does nothing without the library. */
void gst_unet_tensors_attach (GstBuffer *buffer, const GArray *outputs);

G_END_DECLS
