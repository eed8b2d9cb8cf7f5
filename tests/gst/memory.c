/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lets each large allocation of unetseg fail in turn while an element starts
 * and takes its first frames. Each failure must end in an error, a warning or a
 * correct mask. It must not crash, lose a frame without a message, or leak
 * memory. */

#include "../allocator.h"
#include "common.h"
#include <glib/gstdio.h>

/* A smaller allocation is an object or a row of these frames, and a larger one
 * is a plane. */
#define LARGE    16384
#define WIDTH    136
#define HEIGHT   136
#define N_FRAMES 3

typedef struct {
  gboolean refused; /* whether an allocation was refused */
  gboolean error, warning;
  guint frames, masks;
} Result;

static void
make_frames (GstBuffer **frames)
{
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, WIDTH, HEIGHT);
  for (guint i = 0; i < N_FRAMES; i++) {
    frames[i] = test_frame_new (&info, TEST_HALF, TEST_PLAIN);
    GST_BUFFER_PTS (frames[i]) = i * GST_SECOND / 30;
    GST_BUFFER_DURATION (frames[i]) = GST_SECOND / 30;
  }
}

static void
pull (GstHarness *h, Result *result)
{
  GstBuffer *out = gst_harness_try_pull (h);

  fail_unless (out != NULL, "a frame is lost");
  result->frames++;
  result->masks += gst_buffer_get_unet_seg_meta (out) != NULL;
  gst_buffer_unref (out);
}

static void
take_messages (GstElement *element, Result *result)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (element);
  GstMessage *message;

  while ((message = gst_bus_pop (bus))) {
    result->error |= GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR;
    result->warning |= GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING;
    gst_message_unref (message);
  }
}

static void
stream (GstElement *element, GstBuffer **frames, Result *result)
{
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");

  /* A stream that is not live also creates the session that measures. */
  gst_harness_set_live (h, FALSE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, WIDTH, HEIGHT);
  for (guint i = 0; i < N_FRAMES; i++)
    if (gst_harness_push (h, gst_buffer_ref (frames[i])) == GST_FLOW_OK)
      pull (h, result);
  take_messages (element, result);
  gst_harness_teardown (h);
}

static Result
try_without (const gchar *properties, gint index)
{
  g_autofree gchar *launch =
      g_strconcat ("unetseg threads=1 ", properties, NULL);
  GstElement *element = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_bus_new ();
  GstBuffer *frames[N_FRAMES];
  Result result = { 0 };

  make_frames (frames);
  gst_object_ref_sink (element);
  gst_element_set_bus (element, bus);
  test_allocator_arm (index);
  if (gst_element_set_state (element, GST_STATE_PAUSED)
      != GST_STATE_CHANGE_FAILURE)
    stream (element, frames, &result);
  result.refused = test_allocator_disarm ();
  take_messages (element, &result);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_bus_set_flushing (bus, TRUE);
  gst_object_unref (bus);
  gst_object_unref (element);
  for (guint i = 0; i < N_FRAMES; i++)
    gst_buffer_unref (frames[i]);
  return result;
}

/* Each set of properties allocates memory for frames, masks or networks in
 * another way. */
static const gchar *const properties[] = {
  "model=unet-same.onnx output=overlay refine=on temporal=on",
  "model=unet-same.onnx output=blur",
  "model=unet-same.onnx output=replace background=red",
  "model=unet-same.onnx output=alpha refine=on outline=2",
  "model=unet-same.onnx output=mask reuse-threshold=0.02",
  "model=unet-valid.onnx fit=tile output=none",
  "model=unet-same.onnx output=overlay refine=on async=true",
  ("model=rvm.onnx output-name=pha constants=downsample_ratio:0.5 "
   "input-size=128x64 output=none"),
};

GST_START_TEST (test_start_without_memory)
{
  g_autofree gchar *folder = g_strdup (g_getenv ("UNETSEG_TEST_MODELS"));
  /* With async=true the first frames have no mask. */
  gboolean async = strstr (properties[__i__], "async") != NULL;
  guint errors = 0, warnings = 0;
  gint before = 0, n;

  fail_unless (g_chdir (folder) == 0);
  /* The first two runs create the objects that stay for the process. */
  for (n = -2;; n++) {
    Result result = try_without (properties[__i__], n);

    fail_unless (
        result.error || result.warning || result.masks == N_FRAMES || async,
        "block %d: %u frames with %u masks and no message", n, result.frames,
        result.masks);
    fail_unless (result.error || result.frames == N_FRAMES,
        "block %d: %u frames and no error", n, result.frames);
    if (n < 0) {
      fail_if (result.error || result.warning || result.refused);
      before = test_allocator_count ();
      continue;
    }
    fail_unless (test_allocator_count () <= before, "block %d: %d left behind",
        n, test_allocator_count () - before);
    if (!result.refused)
      break;
    errors += result.error;
    warnings += result.warning && !result.error;
  }
  g_print ("%s: %d blocks: %u errors, %u warnings\n", properties[__i__], n,
      errors, warnings);
  fail_unless (n >= 3 && errors > 0);
}

GST_END_TEST;

static Suite *
memory_suite (void)
{
  Suite *suite = suite_create ("memory");
  TCase *tcase = tcase_create ("general");

  test_allocator_init (LARGE);
  /* Primitives in oneDNN's cache would look like leaks. */
  g_setenv ("DNNL_PRIMITIVE_CACHE_CAPACITY", "0", TRUE);
  g_setenv ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "0", TRUE);
  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_loop_test (
      tcase, test_start_without_memory, 0, G_N_ELEMENTS (properties));
  return suite;
}

GST_CHECK_MAIN (memory);
