/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The debug category "unetseg", of both elements. */
extern GstDebugCategory *gst_unet_seg_debug;

/* Call it once, before anything is logged. */
void gst_unet_log_init (void);

#define GST_CAT_DEFAULT gst_unet_seg_debug

G_END_DECLS
