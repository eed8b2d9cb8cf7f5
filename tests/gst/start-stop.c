/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that live frames and a stop do not wait for a session that is being
 * created. */

#include <dlfcn.h>
#include <unetseg/unetseg.h>

#include "common.h"

/* The dynamic linker finds this function before the library's. While the gate
 * is shut, the creation of a session waits until it opens or is cancelled. */
static gint gate_shut, n_waiting, n_created; /* atomic */
/* The same gate, but only for sessions that measure. */
static gint measuring_shut, n_measured; /* atomic */

static gboolean
is_shut (const UnetSessionOptions *options)
{
  if (g_cancellable_is_cancelled (options->cancellable))
    return FALSE;
  return g_atomic_int_get (&gate_shut)
      || (g_atomic_int_get (&measuring_shut)
          && options->tuning == UNET_TUNING_MEASURE);
}

UnetSession *
unet_session_new_for_size (UnetModel *model, const UnetContract *contract,
    guint width, guint height, const UnetSessionOptions *options,
    GError **error)
{
  UnetSession *(*create) (UnetModel *, const UnetContract *, guint, guint,
      const UnetSessionOptions *, GError **) = dlsym (RTLD_NEXT, __func__);
  UnetSession *session;

  g_atomic_int_inc (&n_waiting);
  while (is_shut (options))
    g_usleep (1000);
  g_atomic_int_add (&n_waiting, -1);
  if (options->tuning == UNET_TUNING_MEASURE
      && !g_cancellable_is_cancelled (options->cancellable))
    g_atomic_int_inc (&n_measured);
  session = create (model, contract, width, height, options, error);
  /* A busy machine takes its time to measure. */
  g_atomic_int_inc (&n_created);
  return session;
}

static void
set_up (void)
{
  test_watch_log ();
  g_atomic_int_set (&gate_shut, FALSE);
  g_atomic_int_set (&measuring_shut, FALSE);
  g_atomic_int_set (&n_created, 0);
  g_atomic_int_set (&n_measured, 0);
}

static gboolean
push (GstHarness *h, guint *index)
{
  GstBuffer *out =
      gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, (*index)++));
  gboolean marked = gst_buffer_get_unet_seg_meta (out) != NULL;

  gst_buffer_unref (out);
  return marked;
}

/* Pushes frames until one has a mask. The test's time limit ends it
 * otherwise. */
static void
push_until_marked (GstHarness *h, guint *index)
{
  while (!push (h, index))
    g_usleep (1000);
}

/* Waits until @created sessions are created and pushes the frames that take
 * them over. */
static void
settle (GstHarness *h, guint *index, gint created)
{
  while (g_atomic_int_get (&n_created) < created)
    g_usleep (1000);
  for (guint i = 0; i < 20; i++) {
    push (h, index);
    g_usleep (1000);
  }
}

/* ---- start ------------------------------------------------------------ */

static void
check_start (const gchar *model)
{
  GstHarness *h = test_harness_new (model, "async=auto");
  guint index = 0;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 5; i++)
    fail_if (push (h, &index));
  g_atomic_int_set (&gate_shut, FALSE);
  push_until_marked (h, &index);
  test_harness_free (h);
}

/* The first network's input size is known before the first frame, and the
 * second one's is not. */
GST_START_TEST (test_first_frames_pass)
{
  g_atomic_int_set (&gate_shut, TRUE);
  check_start ("red");
  g_atomic_int_set (&gate_shut, TRUE);
  check_start ("red-dynamic");
}

GST_END_TEST;

static gpointer
open_later (gpointer data)
{
  g_usleep (100 * 1000);
  g_atomic_int_set (&gate_shut, FALSE);
  return NULL;
}

/* Every frame waits for its mask in a file, and with async=false. */
GST_START_TEST (test_exact_waits)
{
  for (guint live = 0; live < 2; live++) {
    GstHarness *h =
        test_harness_new ("red-dynamic", live ? "async=false" : "async=auto");
    guint index = 0;
    GThread *thread;

    gst_harness_set_live (h, live);
    g_atomic_int_set (&gate_shut, TRUE);
    thread = g_thread_new ("open", open_later, NULL);
    test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
    fail_unless (push (h, &index));
    g_thread_join (thread);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* ---- change ----------------------------------------------------------- */

GST_START_TEST (test_change)
{
  GstHarness *h = test_harness_new ("red-dynamic", "async=auto threads=1");
  guint index = 0;
  gint created;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  push_until_marked (h, &index);
  settle (h, &index, 2);

  /* Frames of another size pass while their session is being created. */
  g_atomic_int_set (&gate_shut, TRUE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 48, 64);
  for (guint i = 0; i < 5; i++)
    fail_if (push (h, &index));
  g_atomic_int_set (&gate_shut, FALSE);
  push_until_marked (h, &index);
  settle (h, &index, 4);

  /* The sessions of both sizes are kept, so none is created again. */
  created = g_atomic_int_get (&n_created);
  g_atomic_int_set (&gate_shut, TRUE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  push_until_marked (h, &index);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 48, 64);
  push_until_marked (h, &index);
  assert_equals_int (g_atomic_int_get (&n_created), created);
  g_atomic_int_set (&gate_shut, FALSE);
  test_harness_free (h);
}

GST_END_TEST;

/* A session that was not measured before its size changed is measured when the
 * size returns. */
GST_START_TEST (test_measured_later)
{
  GstHarness *h = test_harness_new ("red-dynamic", "async=auto threads=1");
  guint index = 0;

  g_atomic_int_set (&measuring_shut, TRUE);
  for (guint i = 0; i < 3; i++) {
    test_harness_set_format (
        h, GST_VIDEO_FORMAT_I420, i % 2 ? 48 : 64, i % 2 ? 64 : 48);
    push_until_marked (h, &index);
  }
  assert_equals_int (g_atomic_int_get (&n_measured), 0);
  g_atomic_int_set (&measuring_shut, FALSE);
  while (g_atomic_int_get (&n_measured) == 0) {
    push (h, &index);
    g_usleep (1000);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* ---- stop ------------------------------------------------------------- */

static void
wait_for_creation (void)
{
  while (g_atomic_int_get (&n_waiting) == 0)
    g_usleep (1000);
}

/* The gate stays shut, so a stop that does not cancel never ends. */
static void
check_stop (const gchar *source, const gchar *properties, GstState state)
{
  g_autofree gchar *model = test_model ("red-dynamic");
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc %s ! video/x-raw,format=I420,width=64,height=48 ! "
      "unetseg model=\"%s\" %s ! fakesink",
      source, model, properties);
  GstElement *pipeline = gst_parse_launch (launch, NULL);

  fail_unless (pipeline != NULL);
  g_atomic_int_set (&gate_shut, TRUE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_creation ();
  assert_equals_int (
      gst_element_set_state (pipeline, state), GST_STATE_CHANGE_SUCCESS);
  assert_equals_int (g_atomic_int_get (&n_waiting), 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_stop)
{
  static const GstState states[] = { GST_STATE_READY, GST_STATE_NULL };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    check_stop ("", "", states[i]);
    check_stop ("", "async=true", states[i]);
    check_stop ("is-live=true", "", states[i]);
    check_stop ("is-live=true", "async=false", states[i]);
  }
}

GST_END_TEST;

/* A flush ends the wait, and the stream goes on afterwards. */
GST_START_TEST (test_flush)
{
  g_autofree gchar *model = test_model ("red-dynamic");
  g_autofree gchar *launch =
      g_strdup_printf ("videotestsrc num-buffers=100000 ! "
                       "video/x-raw,format=I420,width=64,height=48 ! "
                       "unetseg name=seg model=\"%s\" ! fakesink async=false",
          model);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  g_atomic_int_set (&gate_shut, TRUE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_creation ();
  for (guint i = 0; i < 3; i++)
    fail_unless (gst_element_seek_simple (
        pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, i * GST_SECOND));
  assert_equals_uint64 (test_stat (seg, "frames"), 0);
  g_atomic_int_set (&gate_shut, FALSE);
  while (test_stat (seg, "segmented") < 3)
    g_usleep (1000);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message == NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

GST_END_TEST;

static Suite *
start_stop_suite (void)
{
  Suite *suite = suite_create ("start-stop");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, set_up, NULL);
  tcase_add_test (tcase, test_first_frames_pass);
  tcase_add_test (tcase, test_exact_waits);
  tcase_add_test (tcase, test_change);
  tcase_add_test (tcase, test_measured_later);
  tcase_add_test (tcase, test_stop);
  tcase_add_test (tcase, test_flush);
  return suite;
}

GST_CHECK_MAIN (start_stop);
