/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests frames in the memory of a device: an error names the elements that
 * download them, and a DMABuf that the CPU can map is read. */

#include <gst/allocators/gstdmabuf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

static const struct {
  const gchar *feature, *elements;
} memories[] = {
  { "memory:GLMemory", "'glcolorconvert ! gldownload'" },
  { "memory:DMABuf",
      "'vapostproc ! video/x-raw, or glupload ! glcolorconvert ! gldownload'" },
  { "memory:VAMemory", "'vapostproc ! video/x-raw'" },
  { "memory:Nonesuch", "an element before it that downloads them" },
};

/* Those before the last. */
#define N_KNOWN (G_N_ELEMENTS (memories) - 1)

static const gchar *const elements[] = { "unetseg", "unetsegdraw" };

static GstCaps *
make_caps (const gchar *feature)
{
  GstCaps *caps = test_caps (GST_VIDEO_FORMAT_RGBA, 64, 48);

  gst_caps_set_features_simple (caps, gst_caps_features_new (feature, NULL));
  return caps;
}

/* ---- refused ---------------------------------------------------------- */

static void
assert_explained (GstMessage *message, guint memory)
{
  g_autoptr (GError) error = NULL;

  fail_unless (message != NULL, "no message");
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      g_error_matches (error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION));
  fail_unless (strstr (error->message, memories[memory].feature) != NULL, "%s",
      error->message);
  fail_unless (strstr (error->message, memories[memory].elements) != NULL, "%s",
      error->message);
  gst_message_unref (message);
}

/* Upstream sends caps without asking. */
GST_START_TEST (test_caps_event)
{
  guint memory = __i__ / G_N_ELEMENTS (elements);
  GstHarness *h = gst_harness_new (elements[__i__ % G_N_ELEMENTS (elements)]);
  g_autoptr (GstCaps) caps = make_caps (memories[memory].feature);
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_element_set_bus (h->element, bus);
  gst_pad_push_event (h->srcpad, gst_event_new_stream_start ("test"));
  for (guint i = 0; i < 2; i++)
    gst_pad_push_event (h->srcpad, gst_event_new_caps (caps));
  assert_explained (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR), memory);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
  gst_bus_set_flushing (bus, TRUE);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Upstream asks, and can send nothing else. The explanation comes before the
 * error of the source. */
GST_START_TEST (test_source)
{
  guint memory = __i__ / G_N_ELEMENTS (elements);
  g_autofree gchar *launch = g_strdup_printf (
      "appsrc name=source format=time ! queue ! %s name=element ! fakesink",
      elements[__i__ % G_N_ELEMENTS (elements)]);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstCaps) caps = make_caps (memories[memory].feature);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 64 * 48 * 4, NULL);
  GstMessage *message;
  GstFlowReturn flow;

  g_object_set (source, "caps", caps, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name (source, "push-buffer", frame, &flow);
  gst_buffer_unref (frame);
  message =
      gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  assert_equals_string (GST_MESSAGE_SRC_NAME (message), "element");
  assert_explained (message, memory);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (source);
  gst_object_unref (pipeline);
}

GST_END_TEST;

static const gchar *const before[] = { "", "queue !", "videoconvert !",
  "videoscale ! videoconvert ! queue !", "identity ! videorate !" };

/* Upstream has caps of that memory before the elements are linked. */
GST_START_TEST (test_link)
{
  guint kind = __i__ % G_N_ELEMENTS (elements);
  guint memory = __i__ / G_N_ELEMENTS (elements) % N_KNOWN;
  guint way = __i__ / G_N_ELEMENTS (elements) / N_KNOWN;
  g_autofree gchar *launch =
      g_strdup_printf ("fakesrc num-buffers=3 sizetype=fixed sizemax=12288 ! "
                       "video/x-raw(%s),format=RGBA,width=64,height=48,"
                       "framerate=30/1 ! %s %s name=element ! fakesink",
          memories[memory].feature, before[way], elements[kind]);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message =
      gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "%s", launch);
  assert_equals_string (GST_MESSAGE_SRC_NAME (message), "element");
  assert_explained (message, memory);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* A link fails at once where no element converts the format. */
GST_START_TEST (test_no_link)
{
  static const gchar *const wrong[] = { "video/x-raw(memory:Nonesuch)",
    "video/x-raw,format=RGB8P", "video/x-raw,width=40000", "video/x-h264" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autofree gchar *launch = g_strdup_printf (
        "fakesrc ! %s ! %s ! fakesink", wrong[i], elements[__i__]);
    g_autoptr (GError) error = NULL;
    GstElement *pipeline = gst_parse_launch_full (
        launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);

    fail_unless (pipeline == NULL, "%s", launch);
    fail_unless (
        g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_LINK));
  }
}

GST_END_TEST;

/* ---- not refused ------------------------------------------------------ */

/* Upstream tries another memory, and can send frames in system memory. */
GST_START_TEST (test_trial)
{
  GstHarness *h = test_rgb_harness ("red", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (memories); i++) {
    g_autoptr (GstCaps) wanted = make_caps (memories[i].feature);
    g_autoptr (GstCaps) answer = gst_pad_peer_query_caps (h->srcpad, wanted);

    fail_unless (gst_caps_is_empty (answer));
    fail_if (gst_pad_peer_query_accept_caps (h->srcpad, wanted));
    gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, i)));
  }
  assert_equals_int (test_count_messages (h, GST_MESSAGE_ERROR), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* Moves the bytes of a frame to memory that a file descriptor shares. */
static GstBuffer *
move_to_dmabuf (GstBuffer *frame)
{
  GstAllocator *allocator = gst_dmabuf_allocator_new ();
  gsize size = gst_buffer_get_size (frame);
  gint fd = memfd_create ("frame", MFD_CLOEXEC);
  GstMemory *memory;
  GstMapInfo map;

  fail_unless (fd >= 0 && ftruncate (fd, size) == 0);
  memory = gst_dmabuf_allocator_alloc (allocator, fd, size);
  fail_unless (gst_memory_map (memory, &map, GST_MAP_WRITE));
  gst_buffer_extract (frame, 0, map.data, size);
  gst_memory_unmap (memory, &map);
  gst_buffer_replace_all_memory (frame, memory);
  gst_object_unref (allocator);
  return frame;
}

/* A camera's DMABuf has caps of system memory where it can be mapped. It is
 * drawn on in its place. */
GST_START_TEST (test_mapped_dmabuf)
{
  GstHarness *h = test_rgb_harness ("red", "opacity=1 colors=lime");
  GstBuffer *out =
      test_push (h, move_to_dmabuf (test_frame_at (h, TEST_HALF, 0)));
  static const guint8 lime[] = { 0, 255, 0 }, black[] = { 0, 0, 0 };
  gsize row = 24 * 64 * 3;

  fail_unless (gst_is_dmabuf_memory (gst_buffer_peek_memory (out, 0)));
  test_assert_halves (test_meta_of (out), 1, 0, 0);
  assert_equals_int (gst_buffer_memcmp (out, row + 8 * 3, lime, 3), 0);
  assert_equals_int (gst_buffer_memcmp (out, row + 56 * 3, black, 3), 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
memory_features_suite (void)
{
  const guint n = G_N_ELEMENTS (memories) * G_N_ELEMENTS (elements);
  Suite *suite = suite_create ("memory-features");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_loop_test (tcase, test_caps_event, 0, n);
  tcase_add_loop_test (tcase, test_source, 0, n);
  tcase_add_loop_test (tcase, test_link, 0,
      N_KNOWN * G_N_ELEMENTS (elements) * G_N_ELEMENTS (before));
  tcase_add_loop_test (tcase, test_no_link, 0, G_N_ELEMENTS (elements));
  tcase_add_test (tcase, test_trial);
  tcase_add_test (tcase, test_mapped_dmabuf);
  return suite;
}

GST_CHECK_MAIN (memory_features);
