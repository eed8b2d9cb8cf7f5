/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names and colours of the classes in the upper left corner of a frame. */

#include "frame/draw/overlay.h"

#include <unetseg/unet-seg-meta.h>

#include "class-colors.h"

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _GstUnetLegend GstUnetLegend;

/* For frames of @info. */
GstUnetLegend *gst_unet_legend_new (const GstVideoInfo *info);
/* @self: (nullable) */
void gst_unet_legend_free (GstUnetLegend *self);

/* Draws on @frame with @overlay, which is for the same frames. @mask: as the
 * metadata has it, with planes; the legend has the classes that are in it by
 * @threshold and whose colour is not transparent. Where there is no room for
 * all, the last line is their number. Draws nothing on frames that are too
 * small for a line. */
void gst_unet_legend_draw (GstUnetLegend *self, UnetOverlay *overlay,
    GstVideoFrame *frame, const UnetMask *mask, gdouble threshold,
    UnetSegClasses *classes, GstUnetColors *colors);

G_END_DECLS
