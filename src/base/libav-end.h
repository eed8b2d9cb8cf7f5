/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lets the demuxers of gst-libav see the end of their file. */

#include "base/export.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Up to GStreamer 1.22 a demuxer of gst-libav, such as avdemux_gif, gives
 * FFmpeg 5 no sign of the end of a file, and reads there for ever. This tells
 * FFmpeg of an error in place of the end, upon which the demuxer ends its
 * streams. It does so for all that will be added to @bin, which is not running
 * yet, and nothing where gst-libav is newer. */
UNET_INTERNAL_API void unet_libav_end_mend (GstBin *bin);
/* The same for the pipeline that has @source in it, such as a discoverer's,
 * which is not public. Returns (transfer full): that pipeline. */
UNET_INTERNAL_API GstElement *unet_libav_end_mend_around (GstElement *source);

G_END_DECLS
