/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pad-monitor.h"

#include <unetseg/unetseg.h>

static void complain (TestMonitor *monitor, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static void
complain (TestMonitor *monitor, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_string_append_vprintf (monitor->complaints, format, arguments);
  g_string_append (monitor->complaints, "; ");
  va_end (arguments);
}

static void
begin_segment (TestMonitor *monitor, GstEvent *event)
{
  gst_event_copy_segment (event, &monitor->segment);
  monitor->seqnum = gst_event_get_seqnum (event);
  monitor->has_segment = TRUE;
  monitor->first = monitor->last = GST_CLOCK_TIME_NONE;
  monitor->buffers = monitor->marked = monitor->own = 0;
}

static void
take_caps (TestMonitor *monitor, GstEvent *event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  if (!gst_video_info_from_caps (&monitor->info, caps))
    complain (monitor, "caps of no video");
  monitor->sizes++;
}

static void
see_event (TestMonitor *monitor, GstEvent *event)
{
  if (monitor->ended && GST_EVENT_IS_SERIALIZED (event)
      && GST_EVENT_TYPE (event) != GST_EVENT_FLUSH_STOP
      && GST_EVENT_TYPE (event) != GST_EVENT_STREAM_START)
    complain (monitor, "%s after the end", GST_EVENT_TYPE_NAME (event));
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      monitor->started = TRUE;
      monitor->ended = FALSE;
      break;
    case GST_EVENT_FLUSH_START:
      monitor->flushing = TRUE;
      break;
    case GST_EVENT_FLUSH_STOP:
      if (!monitor->flushing)
        complain (monitor, "flush-stop without flush-start");
      monitor->flushing = monitor->ended = monitor->has_segment = FALSE;
      break;
    case GST_EVENT_CAPS:
      if (!monitor->started)
        complain (monitor, "caps before stream-start");
      take_caps (monitor, event);
      break;
    case GST_EVENT_SEGMENT:
      begin_segment (monitor, event);
      break;
    case GST_EVENT_EOS:
      monitor->ended = TRUE;
      break;
    default:
      break;
  }
}

/* Time since the segment's first frame could have been, in either direction. */
static GstClockTime
get_elapsed (const TestMonitor *monitor, GstClockTime pts)
{
  return monitor->segment.rate < 0 ? monitor->segment.stop - pts
                                   : pts - monitor->segment.start;
}

/* Time goes forward, or back where the segment does. */
static void
see_time (TestMonitor *monitor, GstClockTime pts)
{
  gboolean forward = monitor->segment.rate > 0;

  if (pts < monitor->segment.start || pts >= monitor->segment.stop)
    complain (monitor, "a frame outside the segment");
  if (!GST_CLOCK_TIME_IS_VALID (monitor->last))
    monitor->first = pts;
  else if (forward ? pts <= monitor->last : pts >= monitor->last)
    complain (monitor, "time goes the wrong way");
  monitor->last = pts;
}

/* A mask covers its frame, and its frame is of this segment. */
static void
see_mask (TestMonitor *monitor, const UnetSegMeta *mask, GstClockTime pts)
{
  if (mask == NULL)
    return;
  monitor->marked++;
  monitor->own += mask->age_frames == 0;
  if (mask->w != GST_VIDEO_INFO_WIDTH (&monitor->info)
      || mask->h != GST_VIDEO_INFO_HEIGHT (&monitor->info))
    complain (monitor, "a mask of %gx%g", mask->w, mask->h);
  if (mask->age_frames >= monitor->buffers)
    complain (monitor, "a mask %u frames old at frame %u", mask->age_frames,
        monitor->buffers);
  if (mask->age > get_elapsed (monitor, pts))
    complain (monitor, "a mask of the segment before");
}

static void
see_buffer (TestMonitor *monitor, GstBuffer *buffer)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);

  monitor->buffers++;
  monitor->sent++;
  if (!monitor->started || !monitor->has_segment || monitor->sizes == 0)
    complain (monitor, "a frame before its events");
  if (monitor->ended)
    complain (monitor, "a frame after the end");
  if (gst_buffer_get_size (buffer) != GST_VIDEO_INFO_SIZE (&monitor->info))
    complain (monitor, "a frame of %" G_GSIZE_FORMAT " bytes",
        gst_buffer_get_size (buffer));
  see_time (monitor, pts);
  see_mask (monitor, gst_buffer_get_unet_seg_meta (buffer), pts);
}

static GstPadProbeReturn
look (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  TestMonitor *monitor = data;

  g_mutex_lock (&monitor->lock);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    see_buffer (monitor, GST_PAD_PROBE_INFO_BUFFER (info));
  else
    see_event (monitor, GST_PAD_PROBE_INFO_EVENT (info));
  g_mutex_unlock (&monitor->lock);
  return GST_PAD_PROBE_OK;
}

void
test_monitor_init (TestMonitor *monitor, GstPad *pad)
{
  memset (monitor, 0, sizeof (*monitor));
  g_mutex_init (&monitor->lock);
  monitor->first = monitor->last = GST_CLOCK_TIME_NONE;
  monitor->complaints = g_string_new (NULL);
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      look, monitor, NULL);
}

void
test_monitor_clear (TestMonitor *monitor)
{
  fail_unless (monitor->complaints->len == 0, "%s", monitor->complaints->str);
  g_string_free (monitor->complaints, TRUE);
  g_mutex_clear (&monitor->lock);
}

guint
test_monitor_read (TestMonitor *monitor, const guint *number)
{
  guint value;

  g_mutex_lock (&monitor->lock);
  value = *number;
  g_mutex_unlock (&monitor->lock);
  return value;
}

void
test_monitor_wait (TestMonitor *monitor, const guint *number, guint least,
    GstClockTime timeout)
{
  gint64 end =
      g_get_monotonic_time () + (gint64) GST_TIME_AS_USECONDS (timeout);

  while (test_monitor_read (monitor, number) < least
      && g_get_monotonic_time () < end)
    g_usleep (1000);
  fail_unless (test_monitor_read (monitor, number) >= least);
}
