/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gstunetbasedraw.h"

G_BEGIN_DECLS

#define GST_TYPE_UNET_SEG_DRAW (gst_unet_seg_draw_get_type ())
G_DECLARE_FINAL_TYPE (
    GstUnetSegDraw, gst_unet_seg_draw, GST, UNET_SEG_DRAW, GstUnetBaseDraw)

G_END_DECLS
