/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Upstream's answer to the last latency query. The streaming thread uses it;
 * any thread may call gst_unet_upstream_latency_ask_again(). */
typedef struct {
  gboolean live;
  GstClockTime latency; /* nanoseconds; 0 where it is not live */
  guint unanswered;     /* queries in a row */
  gint asks_again;      /* atomic: with the next frame */
} GstUnetUpstreamLatency;

/* Asks the peer of @sinkpad before there are frames. */
void gst_unet_upstream_latency_init (
    GstUnetUpstreamLatency *self, GstPad *sinkpad);
/* Asks the peer of @sinkpad. Without an answer upstream counts as live at
 * first, and the next frame asks again. */
void gst_unet_upstream_latency_query (
    GstUnetUpstreamLatency *self, GstPad *sinkpad);
/* Asks again where upstream gave no answer or may have changed. Returns whether
 * upstream has become live, or is no longer. */
gboolean gst_unet_upstream_latency_update (
    GstUnetUpstreamLatency *self, GstPad *sinkpad);
/* Upstream may have changed. Any thread may call it. */
void gst_unet_upstream_latency_ask_again (GstUnetUpstreamLatency *self);

G_END_DECLS
