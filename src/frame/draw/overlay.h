/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Drawing on frames: class colours, and other backgrounds. */

#include "frame/format/mask.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetOverlay UnetOverlay;

/* Creates what draws on frames of @info. Every format that
 * unet_preprocess_new () reads directly is drawn on in place, 4:1:1 and 4:1:0
 * excepted. GstVideoConverter converts the others there and back: samples of
 * the background stay unchanged, bits without a meaning may change. Returns
 * NULL with UNET_ERROR_UNSUPPORTED if no converter takes the format. */
UNET_API UnetOverlay *unet_overlay_new (
    const GstVideoInfo *info, GError **error);
/* @self may be NULL. */
UNET_API void unet_overlay_free (UnetOverlay *self);
/* Sets one 0xAARRGGBB colour per class, full-range sRGB-coded. Entry 0 is the
 * background's; alpha 0 draws nothing. Colours are converted with the stream's
 * matrix, range and transfer function: in HDR white is graphics white. */
UNET_API void unet_overlay_set_palette (
    UnetOverlay *self, const guint32 *argb, guint n_colors);
/* Draws the classes of @mask on @frame, mapped read-write. @opacity 0..1. The
 * mask is upscaled bilinearly in probability, with a soft edge around
 * @threshold. Pixels of the background stay bit-exact. */
UNET_API void unet_overlay_draw (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *mask, gdouble opacity, gdouble threshold);
/* Blurs what @coverage does not cover, as if the covered pixels were not there.
 * @coverage is that of unet_refine_run (); @radius is the standard deviation
 * in pixels, at least 1. @frame is mapped read-write. Without memory the
 * background becomes black. Pixels that the frame's own alpha hides are
 * background without a colour; the frame becomes opaque. */
UNET_API void unet_overlay_blur (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *coverage, gdouble radius);
/* Replaces what @coverage does not cover by @picture, which has the info of
 * unet_overlay_get_info (), or by the colour @argb if @picture is NULL. Their
 * alpha is ignored. The frame's own alpha takes part in the coverage; the frame
 * becomes opaque. */
UNET_API void unet_overlay_replace (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *coverage, guint32 argb, const GstVideoFrame *picture);
/* A part of a picture in one colour. */
typedef struct {
  UnetMask coverage; /* the probability is how much of a pixel is covered */
  guint32 argb;      /* as in a palette */
} UnetOverlayLayer;

/* Draws @layers one over the other. A frame whose format is converted is
 * converted once. */
UNET_API void unet_overlay_draw_layers (UnetOverlay *self, GstVideoFrame *frame,
    const UnetOverlayLayer *layers, guint n);
/* The format that is drawn on: the stream's own unless it is converted. */
UNET_API const GstVideoInfo *unet_overlay_get_info (UnetOverlay *self);

G_END_DECLS
