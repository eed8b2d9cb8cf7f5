/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* storm SECONDS SEED: changes properties, states and caps of an element at
 * random, flushes it and counts its frames. Another element runs in a pipeline
 * that is paused, sought and stopped. Ends with the counts. Fails if a frame is
 * lost, a message is an error, or a state is not reached. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#define WAIT   (60 * GST_SECOND)
#define FRAMES 100 /* of a whole stream */

typedef struct {
  GRand *rng;
  guint64 pushed, pulled, changes, flushes, starts;
} Storm;

static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_I420,
  GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_RGBx,
  GST_VIDEO_FORMAT_v210, GST_VIDEO_FORMAT_GRAY8, GST_VIDEO_FORMAT_P010_10LE };

static gint
draw (Storm *s, gint low, gint high)
{
  return g_rand_int_range (s->rng, low, high + 1);
}

/* ---- properties ---------------------------------------------------------- */

/* Draws a value within the range of @spec. Strings and paths stay. */
static gboolean
draw_value (Storm *s, const GParamSpec *spec, GValue *value)
{
  g_value_init (value, spec->value_type);
  if (G_IS_PARAM_SPEC_BOOLEAN (spec)) {
    g_value_set_boolean (value, draw (s, 0, 1));
  } else if (G_IS_PARAM_SPEC_ENUM (spec)) {
    const GEnumClass *c = G_PARAM_SPEC_ENUM (spec)->enum_class;

    g_value_set_enum (value, c->values[draw (s, 0, c->n_values - 1)].value);
  } else if (G_IS_PARAM_SPEC_UINT (spec)) {
    const GParamSpecUInt *u = G_PARAM_SPEC_UINT (spec);

    g_value_set_uint (value,
        u->minimum
            + g_rand_int (s->rng) % (MIN (u->maximum - u->minimum, 8) + 1));
  } else if (G_IS_PARAM_SPEC_DOUBLE (spec)) {
    const GParamSpecDouble *d = G_PARAM_SPEC_DOUBLE (spec);

    g_value_set_double (value,
        d->minimum
            + g_rand_double (s->rng) * MIN (d->maximum - d->minimum, 16));
  } else {
    return FALSE;
  }
  return TRUE;
}

/* Excludes properties that the model may contradict or that renegotiate, and
 * one that GStreamer before 1.26 refuses. */
static gboolean
may_change (GParamSpec *spec)
{
  static const gchar *const kept[] = { "output", "model", "precision",
    "tensors", "threads" };

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (g_str_equal (spec->name, kept[i]))
      return FALSE;
  return (spec->flags & G_PARAM_WRITABLE)
      && !(spec->flags & G_PARAM_CONSTRUCT_ONLY)
      && !strstr (g_param_spec_get_blurb (spec), "as the model says");
}

static void
change_property (Storm *s, GstElement *element)
{
  guint n;
  GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  GParamSpec *spec = specs[draw (s, 0, n - 1)];
  GValue value = G_VALUE_INIT;

  if (may_change (spec) && draw_value (s, spec, &value)) {
    g_object_set_property (G_OBJECT (element), spec->name, &value);
    s->changes++;
  }
  if (G_IS_VALUE (&value))
    g_value_unset (&value);
  g_free (specs);
}

/* ---- an element ---------------------------------------------------------- */

static GstElement *
make_element (void)
{
  g_autofree gchar *path = g_build_filename (
      g_getenv ("UNETSEG_TEST_MODELS"), "red-dynamic.onnx", NULL);
  GstElement *element = gst_element_factory_make ("unetseg", NULL);

  g_assert_nonnull (element);
  g_object_set (element, "model", path, "threads", 1, NULL);
  return element;
}

static void
push_segment (GstHarness *h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
}

static void
flush (Storm *s, GstHarness *h)
{
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  push_segment (h);
  s->flushes++;
}

static void
restart (Storm *s, GstHarness *h)
{
  gst_element_set_state (
      h->element, draw (s, 0, 1) ? GST_STATE_NULL : GST_STATE_READY);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_push_event (h, gst_event_new_stream_start ("anew"));
  s->starts++;
}

static void
set_caps (Storm *s, GstHarness *h, GstVideoInfo *info)
{
  gst_video_info_set_format (info,
      formats[draw (s, 0, G_N_ELEMENTS (formats) - 1)], draw (s, 1, 200),
      draw (s, 1, 120));
  info->fps_n = 30;
  gst_harness_set_src_caps (h, gst_video_info_to_caps (info));
}

static void
drain (Storm *s, GstHarness *h)
{
  while (gst_harness_buffers_in_queue (h)) {
    gst_buffer_unref (gst_harness_pull (h));
    s->pulled++;
  }
  while (gst_harness_events_in_queue (h))
    gst_event_unref (gst_harness_pull_event (h));
  while (gst_harness_upstream_events_in_queue (h))
    gst_event_unref (gst_harness_pull_upstream_event (h));
}

static void
push_frames (Storm *s, GstHarness *h, const GstVideoInfo *info)
{
  for (gint i = draw (s, 1, 6); i > 0; i--) {
    GstBuffer *buffer =
        gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);

    gst_buffer_memset (buffer, 0, draw (s, 0, 255), -1);
    GST_BUFFER_PTS (buffer) = s->pushed++ * GST_MSECOND;
    g_assert_cmpint (gst_harness_push (h, buffer), ==, GST_FLOW_OK);
    drain (s, h);
  }
}

static void
storm_element (Storm *s, gint64 end)
{
  GstElement *element = make_element ();
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");
  GstVideoInfo info;

  gst_object_unref (element);
  set_caps (s, h, &info);
  do {
    gint what = draw (s, 0, 19);

    if (what == 0)
      restart (s, h);
    if (what <= 3) {
      set_caps (s, h, &info);
      push_segment (h);
    } else if (what <= 5) {
      flush (s, h);
    }
    for (gint i = draw (s, 0, 3); i > 0; i--)
      change_property (s, h->element);
    push_frames (s, h, &info);
  } while (g_get_monotonic_time () < end);
  gst_harness_teardown (h);
}

/* ---- a pipeline ---------------------------------------------------------- */

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *info, gpointer count)
{
  (void) pad;
  (void) info;
  g_atomic_int_inc ((gint *) count);
  return GST_PAD_PROBE_OK;
}

/* Waits for the end of the stream, or takes what has come. */
static void
check_messages (GstElement *pipeline, gboolean wait)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *m = gst_bus_timed_pop_filtered (
      bus, wait ? WAIT : 0, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);

  g_assert_true (m != NULL || !wait);
  if (m && GST_MESSAGE_TYPE (m) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *details = NULL;

    gst_message_parse_error (m, &error, &details);
    g_error ("%s (%s)", error->message, details);
  }
  if (m)
    gst_message_unref (m);
  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
}

static void
reach (GstElement *pipeline, GstState state)
{
  gst_element_set_state (pipeline, state);
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, WAIT), ==,
      GST_STATE_CHANGE_SUCCESS);
}

static void
disturb (Storm *s, GstElement *pipeline)
{
  static const GstState states[] = { GST_STATE_PAUSED, GST_STATE_PLAYING,
    GST_STATE_READY, GST_STATE_NULL };

  if (draw (s, 0, 2) == 0) {
    reach (pipeline, states[draw (s, 0, 3)]);
    s->starts++;
    return;
  }
  reach (pipeline, GST_STATE_PAUSED);
  g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH, draw (s, 0, 50) * GST_MSECOND));
  s->flushes++;
  if (draw (s, 0, 1))
    reach (pipeline, GST_STATE_PLAYING);
}

static void
watch (GstElement *element, const gchar *name, gint *count)
{
  GstPad *pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, count, NULL);
  gst_object_unref (pad);
}

/* Runs a storm and then a whole stream, of which each frame has to come. */
static void
storm_pipeline (Storm *s, gint64 end)
{
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc num-buffers=%d ! video/x-raw,width=96,height=64,"
      "framerate=1000/1 ! unetseg name=u model=\"%s/red-dynamic.onnx\" "
      "threads=1 ! fakesink sync=false",
      FRAMES, g_getenv ("UNETSEG_TEST_MODELS"));
  GstElement *pipeline = gst_parse_launch (text, NULL);
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "u");
  gint in = 0, out = 0;

  watch (element, "sink", &in);
  watch (element, "src", &out);
  do {
    for (gint i = draw (s, 1, 8); i > 0; i--) {
      disturb (s, pipeline);
      change_property (s, element);
      check_messages (pipeline, FALSE);
    }
    reach (pipeline, GST_STATE_READY);
    check_messages (pipeline, FALSE); /* an end that came before */
    in = out = 0;
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    check_messages (pipeline, TRUE);
    g_assert_cmpint (g_atomic_int_get (&in), ==, FRAMES);
    g_assert_cmpint (g_atomic_int_get (&out), ==, FRAMES);
    s->pushed += FRAMES;
    s->pulled += FRAMES;
  } while (g_get_monotonic_time () < end);
  reach (pipeline, GST_STATE_NULL);
  gst_object_unref (element);
  gst_object_unref (pipeline);
}

int
main (int argc, char **argv)
{
  gint64 start, half;
  Storm s = { 0 };

  if (argc != 3) {
    fprintf (stderr, "usage: storm SECONDS SEED\n");
    return 2;
  }
  gst_init (NULL, NULL);
  s.rng = g_rand_new_with_seed (strtoul (argv[2], NULL, 10));
  half = (gint64) (g_ascii_strtod (argv[1], NULL) * G_USEC_PER_SEC / 2);
  start = g_get_monotonic_time ();
  storm_element (&s, start + half);
  storm_pipeline (&s, start + 2 * half);
  printf ("%" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT
          " came; %" G_GUINT64_FORMAT " properties, %" G_GUINT64_FORMAT
          " flushes, %" G_GUINT64_FORMAT " states\n",
      s.pushed, s.pulled, s.changes, s.flushes, s.starts);
  g_rand_free (s.rng);
  gst_deinit ();
  return s.pushed != s.pulled || s.pushed == 0;
}
