/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The log of this folder goes to the elements' debug category, "unetseg". */

#include <gst/gst.h>

G_GNUC_INTERNAL GstDebugCategory *unet_segment_debug_category (void);

#define GST_CAT_DEFAULT unet_segment_debug_category ()
