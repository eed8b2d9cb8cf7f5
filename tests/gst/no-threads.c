/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that frames wait for their masks and nothing aborts when no thread can
 * be created. */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "common.h"

static gint denied; /* atomic */

/* The dynamic linker finds this function before that of libc. */
__attribute__ ((visibility ("default"))) int
pthread_create (pthread_t *thread, const pthread_attr_t *attr,
    void *(*start) (void *), void *data)
{
  int (*create) (pthread_t *, const pthread_attr_t *, void *(*) (void *),
      void *) = dlsym (RTLD_NEXT, __func__);

  if (g_atomic_int_get (&denied))
    return EAGAIN;
  return create (thread, attr, start, data);
}

static void
set_up (void)
{
  test_watch_log ();
  g_atomic_int_set (&denied, FALSE);
}

static void
check_frames (GstHarness *h, guint first)
{
  for (guint i = 0; i < 5; i++) {
    GstBuffer *out =
        gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, first + i));
    UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

    fail_unless (meta != NULL);
    assert_equals_int (meta->age_frames, 0);
    gst_buffer_unref (out);
  }
}

GST_START_TEST (test_frames)
{
  static const gchar *const ways[] = { "auto", "true", "false" };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autofree gchar *properties =
        g_strdup_printf ("threads=1 async=%s", ways[i]);
    GstHarness *h;

    g_atomic_int_set (&denied, TRUE);
    h = test_harness_new ("red-dynamic", properties);
    test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
    check_frames (h, 0);
    g_atomic_int_set (&denied, FALSE);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* Without a thread the element refuses a new model and keeps the one in use. */
GST_START_TEST (test_refuses_model)
{
  GstHarness *h = test_harness_new ("red", "threads=1");
  g_autofree gchar *path = test_model ("classes"), *before = NULL;
  g_autofree gchar *after = NULL;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  check_frames (h, 0);
  g_object_get (h->element, "model", &before, NULL);
  g_atomic_int_set (&denied, TRUE);
  g_object_set (h->element, "model", path, NULL);
  check_frames (h, 5);
  g_object_get (h->element, "model", &after, NULL);
  assert_equals_string (after, before);
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
  g_atomic_int_set (&denied, FALSE);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
no_threads_suite (void)
{
  Suite *suite = suite_create ("no-threads");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, set_up, NULL);
  tcase_add_test (tcase, test_frames);
  tcase_add_test (tcase, test_refuses_model);
  return suite;
}

GST_CHECK_MAIN (no_threads);
