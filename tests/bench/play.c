/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "play.h"

void
bench_play (GstElement *pipeline, guint milliseconds)
{
  gint64 end = g_get_monotonic_time () + 1000 * milliseconds;
  GstBus *bus = gst_element_get_bus (pipeline);

  while (g_get_monotonic_time () < end) {
    GstMessage *message = gst_bus_timed_pop_filtered (
        bus, 10 * GST_MSECOND, GST_MESSAGE_ERROR | GST_MESSAGE_LATENCY);

    if (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
      g_error ("the pipeline failed");
    if (message)
      gst_bin_recalculate_latency (GST_BIN (pipeline));
    g_clear_pointer (&message, gst_message_unref);
  }
  gst_object_unref (bus);
}
