/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs one model file in several pipelines and threads at once. ThreadSanitizer
 * runs this test, so each session has one thread: see tests/tsan.supp. */

#include "common.h"

#define PIPELINES 3
#define FRAMES    60

typedef struct {
  const gchar *model, *properties;
  guint frames, wrong;
} Stream;

static GstPadProbeReturn
check_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  UnetSegMeta *meta =
      gst_buffer_get_unet_seg_meta (GST_PAD_PROBE_INFO_BUFFER (info));
  Stream *stream = data;

  stream->frames++;
  /* The frame of videotestsrc is white everywhere. */
  stream->wrong += meta == NULL || test_count_wrong (meta, 1, 1, 0) > 0;
  return GST_PAD_PROBE_OK;
}

static GstElement *
new_pipeline (Stream *stream)
{
  g_autofree gchar *path = test_model (stream->model);
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc pattern=white "
      "num-buffers=%u ! video/x-raw,format=I420,width=64,height=48 ! "
      "unetseg name=u threads=1 model=\"%s\" %s ! queue ! fakesink name=s",
      FRAMES, path, stream->properties);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, check_frame, stream, NULL);
  return pipeline;
}

/* Does not read the message, whose reference count other threads change without
 * visible locks. */
static void
wait_for_end (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message =
      gst_bus_timed_pop_filtered (bus, 100 * GST_SECOND, GST_MESSAGE_EOS);

  fail_unless (message != NULL);
  gst_message_unref (message);
}

/* Sets properties as an application does from its own thread. */
static void
meddle (GstElement *pipeline, const gchar *model)
{
  g_autoptr (GstElement)
      element = gst_bin_get_by_name (GST_BIN (pipeline), "u");
  g_autoptr (GstStructure) stats = NULL;
  g_autofree gchar *path = test_model (model);

  g_object_set (element, "threshold", .4, "opacity", .7, "model", path, NULL);
  g_object_get (element, "stats", &stats, NULL);
  fail_unless (stats != NULL);
}

static void
play (Stream *streams)
{
  GstElement *pipelines[PIPELINES];

  for (guint i = 0; i < PIPELINES; i++)
    pipelines[i] = new_pipeline (&streams[i]);
  for (guint i = 0; i < PIPELINES; i++)
    gst_element_set_state (pipelines[i], GST_STATE_PLAYING);
  for (guint k = 0; k < 4; k++)
    for (guint i = 0; i < PIPELINES; i++)
      meddle (pipelines[i], streams[i].model);
  for (guint i = 0; i < PIPELINES; i++)
    wait_for_end (pipelines[i]);
  for (guint i = 0; i < PIPELINES; i++) {
    gst_element_set_state (pipelines[i], GST_STATE_NULL);
    gst_object_unref (pipelines[i]);
    assert_equals_int (streams[i].frames, FRAMES);
    assert_equals_int (streams[i].wrong, 0);
  }
}

/* All streams use the same file but fit the frame in different ways. */
GST_START_TEST (test_one_model)
{
  Stream streams[PIPELINES] = { { "red-dynamic", "input-size=64x64" },
    { "red-dynamic", "input-size=64x64 output=none" },
    { "red-dynamic", "fit=tile input-size=32x32" } };

  play (streams);
}

GST_END_TEST;

GST_START_TEST (test_several_models)
{
  Stream streams[PIPELINES] = { { "red", "" }, { "valid", "fit=tile" },
    { "memory", "activation=none" } };

  play (streams);
}

GST_END_TEST;

static Suite *
shared_suite (void)
{
  Suite *suite = suite_create ("shared");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_one_model);
  tcase_add_test (tcase, test_several_models);
  return suite;
}

GST_CHECK_MAIN (shared);
