/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>

#include "draw-properties.h"

G_BEGIN_DECLS

#define GST_TYPE_UNET_BASE_DRAW (gst_unet_base_draw_get_type ())
G_DECLARE_DERIVABLE_TYPE (
    GstUnetBaseDraw, gst_unet_base_draw, GST, UNET_BASE_DRAW, GstBaseTransform)

/**
 * GstUnetBaseDrawClass:
 * @parent_class: parent
 * @set_info: (nullable): prepares for frames of @info; posts what is wrong
 * @live_changed: (nullable): upstream has become live, or is no longer
 * @prepare: (nullable): a frame comes; what it returns, if not OK, ends it
 * @begin: (nullable): a frame has come; returns whether its pixels are needed
 * @find_mask: returns (nullable) the mask to be drawn; @frame is %NULL where
 *   @begin returned %FALSE and nothing is drawn. May attach it to @out, and
 * lend the settings a guide
 * @end: (nullable): the frame is done; @ok: it could be read
 *
 * The common part of elements with drawing properties: those properties, caps,
 * buffers and the drawing itself. Where masks come from is the subclass's.
 * All but @set_info and @live_changed are called for each frame, in this order.
 */
struct _GstUnetBaseDrawClass {
  GstBaseTransformClass parent_class;

  gboolean (*set_info) (GstUnetBaseDraw *self, const GstVideoInfo *info);
  void (*live_changed) (GstUnetBaseDraw *self);
  GstFlowReturn (*prepare) (GstUnetBaseDraw *self);
  gboolean (*begin) (GstUnetBaseDraw *self, GstBuffer *in,
      const GstUnetDrawSettings *settings);
  const UnetSegMeta *(*find_mask) (GstUnetBaseDraw *self,
      const GstVideoFrame *frame, GstBuffer *out,
      GstUnetDrawSettings *settings);
  void (*end) (GstUnetBaseDraw *self, gboolean ok);
};

/* Returns whether upstream is live, as it said last. */
gboolean gst_unet_base_draw_is_live (GstUnetBaseDraw *self);

/* Latency of upstream as it said last, in nanoseconds; 0 if it is not live. */
GstClockTime gst_unet_base_draw_get_upstream_latency (GstUnetBaseDraw *self);

/* Measures drawing into a frame, in nanoseconds; 0 before there are caps. */
guint64 gst_unet_base_draw_estimate (GstUnetBaseDraw *self);

G_END_DECLS
