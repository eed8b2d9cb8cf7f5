/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* read-mask VIDEO|test [PROPERTIES]
 *
 * Reads masks from metadata, without a picture being touched: for every frame
 * of a recording (or GStreamer's test picture) one line for each class found,
 *   time in ms, class, area in frame pixels, centre in frame pixels, age in
 *   frames
 * PROPERTIES are unetseg's, such as "model=my.onnx interval=2". Run it under
 * `meson devenv -C BUILD` where unetseg is not installed. */

#include <gst/app/gstappsink.h>
#include <unetseg/unet-seg-meta.h>

typedef struct {
  guint64 n, x, y; /* pixels and the sums of their coordinates */
} Region;

static void
measure (const UnetSegMeta *meta, const guint8 *class_map, Region *regions)
{
  for (guint y = 0; y < meta->height; y++)
    for (guint x = 0; x < meta->width; x++) {
      Region *region = &regions[class_map[y * meta->width + x]];

      region->n++;
      region->x += x;
      region->y += y;
    }
}

/* The mask has a pixel grid of its own, laid over a rectangle of the frame. */
static void
print_region (
    const UnetSegMeta *meta, guint id, const Region *region, GstClockTime time)
{
  const gchar *label = unet_seg_classes_get_label (meta->classes, id);
  gdouble sx = meta->w / meta->width, sy = meta->h / meta->height;

  g_print ("%" G_GUINT64_FORMAT " %s %.0f %.0f,%.0f %u\n",
      GST_CLOCK_TIME_IS_VALID (time) ? time / GST_MSECOND : 0,
      label ? label : "?", region->n * sx * sy,
      meta->x + (region->x / (gdouble) region->n + 0.5) * sx,
      meta->y + (region->y / (gdouble) region->n + 0.5) * sy, meta->age_frames);
}

static void
print_mask (GstBuffer *frame)
{
  const UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (frame);
  Region regions[256] = { { 0, 0, 0 } };
  GstMapInfo map;

  if (!meta || !gst_buffer_map (meta->class_map, &map, GST_MAP_READ))
    return;
  measure (meta, map.data, regions);
  gst_buffer_unmap (meta->class_map, &map);

  /* 0 is the background. */
  for (guint id = 1; id < meta->n_classes; id++)
    if (regions[id].n)
      print_region (meta, id, &regions[id], GST_BUFFER_PTS (frame));
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

/* Every frame until the end; FALSE where an error ended it. An error upstream
 * does not wake who waits for a frame, hence the look at the bus. */
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
      print_mask (gst_sample_get_buffer (sample));
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
    g_printerr ("usage: read-mask VIDEO|test [PROPERTIES]\n");
    return 2;
  }
  pipeline = make_pipeline (argv[1], argc > 2 ? argv[2] : "", &error);
  if (error) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  return run (pipeline) ? 0 : 1;
}
