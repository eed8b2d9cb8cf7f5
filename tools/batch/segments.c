/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/segments.h"

#include "batch/item.h"

#include <gst/app/gstappsink.h>
#include <string.h>

/* A packet that takes longer is not waited for. */
#define TIMEOUT (20 * G_USEC_PER_SEC)

/* ---- keyframes ---------------------------------------------------------- */

/* Containers whose demuxers seek exactly: two shards that seek to the same
 * keyframe get the same frame. */
static const gchar *const exact_types[] = { "video/quicktime",
  "video/x-matroska", "video/webm", NULL };

typedef struct {
  GstElement *pipeline, *parse, *sink;
  gint exact, hopeless; /* atomic */
} Cutter;

static gboolean
is_video (GstPad *pad)
{
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);

  const gchar *name = gst_caps_get_size (caps) > 0
      ? gst_structure_get_name (gst_caps_get_structure (caps, 0))
      : "";

  return g_str_has_prefix (name, "video/") || g_str_has_prefix (name, "image/");
}

static void
on_pad (GstElement *parse, GstPad *pad, gpointer data)
{
  Cutter *cutter = data;
  g_autoptr (GstPad) sink = gst_element_get_static_pad (cutter->sink, "sink");
  GstElement *rest;

  if (is_video (pad) && !gst_pad_is_linked (sink)) {
    gst_pad_link (pad, sink);
    return;
  }
  rest = gst_element_factory_make ("fakesink", NULL);
  g_object_set (rest, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (cutter->pipeline), rest);
  gst_element_sync_state_with_parent (rest);
  gst_element_link_pads (parse, GST_PAD_NAME (pad), rest, "sink");
}

static void
on_no_more_pads (GstElement *parse, gpointer data)
{
  Cutter *cutter = data;
  g_autoptr (GstPad) sink = gst_element_get_static_pad (cutter->sink, "sink");

  if (!gst_pad_is_linked (sink))
    g_atomic_int_set (&cutter->hopeless, TRUE);
}

static gboolean
continue_unless_exact (
    GstElement *parse, GstPad *pad, GstCaps *caps, gpointer data)
{
  Cutter *cutter = data;
  const gchar *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  /* The first caps are the container's. */
  if (g_strv_contains (exact_types, name))
    g_atomic_int_set (&cutter->exact, TRUE);
  else if (!g_atomic_int_get (&cutter->exact))
    g_atomic_int_set (&cutter->hopeless, TRUE);
  /* A demuxer that is not needed is not plugged: some crash when they are
   * stopped while they open their file. */
  return !g_atomic_int_get (&cutter->hopeless);
}

static void
cutter_init (Cutter *cutter, const gchar *uri)
{
  GstElement *source = gst_element_make_from_uri (GST_URI_SRC, uri, NULL, NULL);

  memset (cutter, 0, sizeof *cutter);
  cutter->pipeline = gst_pipeline_new (NULL);
  cutter->parse = gst_element_factory_make ("parsebin", NULL);
  cutter->sink = gst_element_factory_make ("appsink", NULL);
  if (source == NULL || cutter->parse == NULL || cutter->sink == NULL) {
    g_clear_pointer (&source, gst_object_unref);
    return;
  }
  g_object_set (cutter->sink, "sync", FALSE, "max-buffers", 1, NULL);
  g_signal_connect (cutter->parse, "pad-added", G_CALLBACK (on_pad), cutter);
  g_signal_connect (
      cutter->parse, "no-more-pads", G_CALLBACK (on_no_more_pads), cutter);
  g_signal_connect (cutter->parse, "autoplug-continue",
      G_CALLBACK (continue_unless_exact), cutter);
  gst_bin_add_many (
      GST_BIN (cutter->pipeline), source, cutter->parse, cutter->sink, NULL);
  gst_element_link (source, cutter->parse);
}

static void
cutter_clear (Cutter *cutter)
{
  gst_element_set_state (cutter->pipeline, GST_STATE_NULL);
  gst_object_unref (cutter->pipeline);
}

static gboolean
has_failed (Cutter *cutter)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (cutter->pipeline);
  g_autoptr (GstMessage)
      message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);

  return message != NULL || g_atomic_int_get (&cutter->hopeless);
}

/* %NULL at the end, after an error, or after the timeout. */
static GstSample *
next_packet (Cutter *cutter)
{
  GstAppSink *sink = GST_APP_SINK (cutter->sink);
  gint64 limit = g_get_monotonic_time () + TIMEOUT;
  GstSample *sample = NULL;

  while (sample == NULL && !gst_app_sink_is_eos (sink) && !has_failed (cutter)
      && g_get_monotonic_time () < limit)
    sample = gst_app_sink_try_pull_sample (sink, 20 * GST_MSECOND);
  return sample;
}

static gboolean
has_begun (Cutter *cutter)
{
  GstSample *sample = next_packet (cutter);
  gboolean begun = sample != NULL;

  g_clear_pointer (&sample, gst_sample_unref);
  return begun;
}

/* The first keyframe at or after @time. NONE when there is none, or when the
 * demuxer cannot seek to it. */
static GstClockTime
keyframe_after (Cutter *cutter, GstClockTime time)
{
  GstClockTime found = GST_CLOCK_TIME_NONE;
  GstSample *sample;

  if (!gst_element_seek_simple (cutter->pipeline, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT
              | GST_SEEK_FLAG_SNAP_AFTER,
          time))
    return found;
  while (!GST_CLOCK_TIME_IS_VALID (found)
      && (sample = next_packet (cutter)) != NULL) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);

    if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT)
        && GST_BUFFER_PTS_IS_VALID (buffer) && GST_BUFFER_PTS (buffer) >= time)
      found = GST_BUFFER_PTS (buffer);
    gst_sample_unref (sample);
  }
  return found;
}

/* The first frames of all but the first segment. */
static GArray *
find_cuts (const gchar *uri, gdouble seconds)
{
  GArray *cuts = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  GstClockTime step = seconds * GST_SECOND, last = 0;
  gint64 duration = 0;
  Cutter cutter;

  cutter_init (&cutter, uri);
  gst_element_set_state (cutter.pipeline, GST_STATE_PLAYING);
  if (cutter.sink == NULL || !has_begun (&cutter)
      || !g_atomic_int_get (&cutter.exact)
      || !gst_element_query_duration (
          cutter.pipeline, GST_FORMAT_TIME, &duration))
    duration = 0;
  for (GstClockTime t = step; t < (GstClockTime) duration; t += step) {
    GstClockTime cut = t > last ? keyframe_after (&cutter, t) : last;

    if (!GST_CLOCK_TIME_IS_VALID (cut))
      break;
    if (cut > last)
      g_array_append_val (cuts, cut);
    last = cut;
  }
  cutter_clear (&cutter);
  return cuts;
}

/* ---- items -------------------------------------------------------------- */

static void
add_segments (GPtrArray *all, const BatchItem *item, const GArray *cuts)
{
  for (guint i = 0; i <= cuts->len; i++) {
    BatchItem *part = batch_item_copy (item);

    if (cuts->len > 0) {
      part->segment = i;
      part->n_segments = cuts->len + 1;
    }
    if (i > 0)
      part->begin = g_array_index (cuts, GstClockTime, i - 1);
    if (i < cuts->len)
      part->end = g_array_index (cuts, GstClockTime, i);
    g_ptr_array_add (all, part);
  }
}

GPtrArray *
batch_segments_split (GPtrArray *items, gdouble seconds)
{
  GPtrArray *all =
      g_ptr_array_new_with_free_func ((GDestroyNotify) batch_item_free);

  for (guint i = 0; i < items->len; i++) {
    const BatchItem *item = g_ptr_array_index (items, i);
    g_autoptr (GArray) cuts = NULL;

    cuts = seconds > 0 ? find_cuts (item->uri, seconds)
                       : g_array_new (FALSE, FALSE, sizeof (GstClockTime));
    add_segments (all, item, cuts);
  }
  return all;
}
