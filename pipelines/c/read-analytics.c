/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* read-analytics VIDEO|test [PROPERTIES]
 *
 * As read-mask, but with nothing of unetseg: it knows only the analytics
 * metadata that GStreamer itself defines from version 1.26 on. For every frame
 * of a recording (or GStreamer's test picture) one line for each class found,
 *   time in ms, class, area in frame pixels
 * PROPERTIES are unetseg's. Run it under `meson devenv -C BUILD` where unetseg
 * is not installed. */

#include <gst/analytics/analytics.h>
#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

/* Region of a pixel to index of a name: the relation is N to N. */
static const gchar *
name_of (GstAnalyticsMtd *mask, GstAnalyticsMtd *names, guint region)
{
  gsize index;

  if (!gst_analytics_segmentation_mtd_get_region_index (mask, &index, region)
      || index >= gst_analytics_cls_mtd_get_length (names))
    return "?";
  return g_quark_to_string (gst_analytics_cls_mtd_get_quark (names, index));
}

static void
count_regions (GstBuffer *picture, guint64 counts[256])
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (picture);
  GstMapInfo map;

  if (meta->format != GST_VIDEO_FORMAT_GRAY8
      || !gst_buffer_map (picture, &map, GST_MAP_READ))
    return;
  for (guint y = 0; y < meta->height; y++)
    for (guint x = 0; x < meta->width; x++)
      counts[map.data[meta->offset[0] + y * meta->stride[0] + x]]++;
  gst_buffer_unmap (picture, &map);
}

static void
print_segmentation (GstAnalyticsMtd *mask, GstClockTime time)
{
  gpointer state = NULL;
  GstAnalyticsMtd names;
  guint64 counts[256] = { 0 };
  guint w, h;
  GstBuffer *picture =
      gst_analytics_segmentation_mtd_get_mask (mask, NULL, NULL, &w, &h);
  const GstVideoMeta *meta = gst_buffer_get_video_meta (picture);
  gdouble pixel = (gdouble) w * h / meta->width / meta->height;

  count_regions (picture, counts);
  if (gst_analytics_relation_meta_get_direct_related (mask->meta, mask->id,
          GST_ANALYTICS_REL_TYPE_N_TO_N | GST_ANALYTICS_REL_TYPE_RELATE_TO,
          gst_analytics_cls_mtd_get_mtd_type (), &state, &names)) {
    /* 0 is the background. */
    for (guint region = 1; region < 256; region++)
      if (counts[region])
        g_print ("%" G_GUINT64_FORMAT " %s %.0f\n", time / GST_MSECOND,
            name_of (mask, &names, region), counts[region] * pixel);
  }
  gst_buffer_unref (picture);
}

static void
print_frame (GstBuffer *frame)
{
  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta (frame);
  gpointer state = NULL;
  GstAnalyticsMtd mask;

  while (relations
      && gst_analytics_relation_meta_iterate (relations, &state,
          gst_analytics_segmentation_mtd_get_mtd_type (), &mask))
    print_segmentation (&mask, GST_BUFFER_PTS (frame));
}

static GstElement *
make_pipeline (const gchar *video, const gchar *properties, GError **error)
{
  gboolean test = g_str_equal (video, "test");
  g_autofree gchar *description = g_strdup_printf (
      "%s ! videoconvert ! unetseg output=none %s ! appsink name=masks "
      "sync=false",
      test ? "videotestsrc num-buffers=30" : "filesrc name=file ! decodebin",
      properties);
  GstElement *pipeline = gst_parse_launch (description, error);

  if (pipeline && !test) {
    g_autoptr (GstElement)
        file = gst_bin_get_by_name (GST_BIN (pipeline), "file");

    g_object_set (file, "location", video, NULL);
  }
  return pipeline;
}

/* An error upstream does not wake who waits for a frame. */
static gboolean
run (GstElement *pipeline)
{
  g_autoptr (GstElement)
      sink = gst_bin_get_by_name (GST_BIN (pipeline), "masks");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *details = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  do {
    g_autoptr (GstSample) sample =
        gst_app_sink_try_pull_sample (GST_APP_SINK (sink), GST_SECOND / 10);

    if (sample)
      print_frame (gst_sample_get_buffer (sample));
    else
      message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  } while (!message && !gst_app_sink_is_eos (GST_APP_SINK (sink)));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (!message)
    return TRUE;
  gst_message_parse_error (message, &error, &details);
  g_printerr ("%s: %s\n%s\n", GST_OBJECT_NAME (message->src), error->message,
      details ? details : "");
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GError) error = NULL;

  gst_init (&argc, &argv);
  if (argc < 2 || argc > 3) {
    g_printerr ("usage: read-analytics VIDEO|test [PROPERTIES]\n");
    return 2;
  }
  pipeline = make_pipeline (argv[1], argc > 2 ? argv[2] : "", &error);
  if (error) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  return run (pipeline) ? 0 : 1;
}
