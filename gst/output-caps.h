/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/**
 * GstUnetSegOutput:
 * @GST_UNET_SEG_OUTPUT_OVERLAY: class colours over the frame, and metadata
 * @GST_UNET_SEG_OUTPUT_NONE: metadata only, the frame stays as it is
 * @GST_UNET_SEG_OUTPUT_MASK: the mask as a picture in grey
 * @GST_UNET_SEG_OUTPUT_ALPHA: the foreground, with the mask as alpha
 * @GST_UNET_SEG_OUTPUT_BLUR: the frame with its background blurred
 * @GST_UNET_SEG_OUTPUT_REPLACE: the frame with another background
 *
 * The use that is made of the mask.
 */
typedef enum {
  GST_UNET_SEG_OUTPUT_OVERLAY,
  GST_UNET_SEG_OUTPUT_NONE,
  GST_UNET_SEG_OUTPUT_MASK,
  GST_UNET_SEG_OUTPUT_ALPHA,
  GST_UNET_SEG_OUTPUT_BLUR,
  GST_UNET_SEG_OUTPUT_REPLACE,
} GstUnetSegOutput;

#define GST_UNET_SEG_N_OUTPUTS (GST_UNET_SEG_OUTPUT_REPLACE + 1)

/**
 * GstUnetSegSwitch:
 * @GST_UNET_SEG_SWITCH_AUTO: where it is of use
 * @GST_UNET_SEG_SWITCH_ON: always
 * @GST_UNET_SEG_SWITCH_OFF: never
 *
 * Switches something on or off.
 */
typedef enum {
  GST_UNET_SEG_SWITCH_AUTO,
  GST_UNET_SEG_SWITCH_ON,
  GST_UNET_SEG_SWITCH_OFF,
} GstUnetSegSwitch;

#define GST_TYPE_UNET_SEG_SWITCH (gst_unet_seg_switch_get_type ())
GType gst_unet_seg_switch_get_type (void);

#define GST_TYPE_UNET_SEG_OUTPUT (gst_unet_seg_output_get_type ())
GType gst_unet_seg_output_get_type (void);

/* Caps of both pads: raw formats that GstVideoConverter reads and writes, but
 * for paletted ones. */
GstCaps *gst_unet_output_template_caps (void);

/* Returns the caps of the other pad where the pad of @direction has @caps. */
GstCaps *gst_unet_output_transform_caps (
    GstUnetSegOutput output, GstPadDirection direction, GstCaps *caps);

/* Returns whether this output turns frames of @in into frames of @out. */
gboolean gst_unet_output_fits (
    GstUnetSegOutput output, const GstVideoInfo *in, const GstVideoInfo *out);

/* Returns whether a buffer of @info holds several frames, or one field of a
 * frame. */
gboolean gst_unet_output_refuses (const GstVideoInfo *info);

G_END_DECLS
