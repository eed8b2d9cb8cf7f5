/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "upstream-latency.h"

/* Frames. A source that gives no answer for as long never will. About a second:
 * sources that start together answer within a few frames. */
#define MOST_UNANSWERED 30

static gboolean
ask (GstUnetUpstreamLatency *self, GstPad *sinkpad)
{
  GstQuery *query = gst_query_new_latency ();
  GstClockTime latency = 0;
  gboolean answered = gst_pad_peer_query (sinkpad, query);

  self->live = FALSE;
  if (answered)
    gst_query_parse_latency (query, &self->live, &latency, NULL);
  self->latency = self->live ? latency : 0;
  gst_query_unref (query);
  return answered;
}

void
gst_unet_upstream_latency_init (GstUnetUpstreamLatency *self, GstPad *sinkpad)
{
  self->unanswered = 0;
  ask (self, sinkpad);
}

/* An input-selector gives no answer while one of its sources still starts. A
 * camera that waits for a network is worse than a film whose first masks are
 * missing. */
void
gst_unet_upstream_latency_query (GstUnetUpstreamLatency *self, GstPad *sinkpad)
{
  if (ask (self, sinkpad)) {
    self->unanswered = 0;
    return;
  }
  self->unanswered = MIN (self->unanswered + 1, MOST_UNANSWERED);
  self->live = self->unanswered < MOST_UNANSWERED;
  gst_unet_upstream_latency_ask_again (self);
}

gboolean
gst_unet_upstream_latency_update (GstUnetUpstreamLatency *self, GstPad *sinkpad)
{
  gboolean live = self->live;

  if (!g_atomic_int_compare_and_exchange (&self->asks_again, TRUE, FALSE))
    return FALSE;
  gst_unet_upstream_latency_query (self, sinkpad);
  return self->live != live;
}

void
gst_unet_upstream_latency_ask_again (GstUnetUpstreamLatency *self)
{
  g_atomic_int_set (&self->asks_again, TRUE);
}
