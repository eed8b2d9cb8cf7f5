/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/muxer.h"

#include <gst/video/video.h>

/* The unit of time of a track. A millisecond and the durations of frames at 24,
 * 25, 30 and 60 frames/s, also by 1001, are whole numbers of it. */
#define TICKS_PER_SECOND 240000

/* A decoder may not know the duration of the last frame, or give nanoseconds.
 * Players would leave that frame out. It gets the duration of the frame before
 * it. */
static GstPadProbeReturn
give_duration (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstClockTime *last = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstClockTime time = GST_BUFFER_PTS (buffer), step = GST_SECOND / 25;

  if (GST_CLOCK_TIME_IS_VALID (*last) && time > *last)
    step = time - *last;
  *last = time;
  if (GST_BUFFER_DURATION_IS_VALID (buffer)
      && GST_BUFFER_DURATION (buffer) >= GST_MSECOND)
    return GST_PAD_PROBE_OK;
  buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_DURATION (buffer) = step;
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

/* GStreamer's Matroska muxer (to 1.26) writes a mastering display's luminance
 * in units of 1/50000 cd/m2, as it does for chromaticity. Caps have units of
 * 1/10000 cd/m2, so that a file would tell a fifth of it. */
#define LUMINANCE_SCALE (50000 / 10000)

static GstPadProbeReturn
scale_luminance (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstVideoMasteringDisplayInfo mastering;
  g_autoptr (GstCaps) scaled = NULL;
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  if (!gst_video_mastering_display_info_from_caps (&mastering, caps))
    return GST_PAD_PROBE_OK;
  mastering.max_display_mastering_luminance *= LUMINANCE_SCALE;
  mastering.min_display_mastering_luminance *= LUMINANCE_SCALE;
  scaled = gst_caps_copy (caps);
  gst_video_mastering_display_info_add_to_caps (&mastering, scaled);
  GST_PAD_PROBE_INFO_DATA (info) = gst_event_new_caps (scaled);
  gst_event_unref (event);
  return GST_PAD_PROBE_OK;
}

static gboolean
is_matroska (GstElement *mux)
{
  const gchar *name = GST_OBJECT_NAME (gst_element_get_factory (mux));

  return g_str_equal (name, "matroskamux") || g_str_equal (name, "webmmux");
}

/* By default qtmux and mp4mux derive the unit of time from the frame rate,
 * which fails for rates in nanoseconds. */
void
batch_muxer_prepare (GstElement *mux)
{
  GstPad *pad = gst_element_get_static_pad (mux, "video_0");
  GstClockTime *last;

  if (pad == NULL)
    return;
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (pad), "trak-timescale"))
    g_object_set (pad, "trak-timescale", TICKS_PER_SECOND, NULL);
  if (is_matroska (mux))
    gst_pad_add_probe (
        pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, scale_luminance, NULL, NULL);
  last = g_new (GstClockTime, 1);
  *last = GST_CLOCK_TIME_NONE;
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, give_duration, last, g_free);
  gst_object_unref (pad);
}
