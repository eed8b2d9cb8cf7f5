/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library alone makes the masks of frames. */

#include "lib/check-main.h"

#include "segment/elapsed-time.h"
#include "segment/segmenter.h"

#include <string.h>

#define WIDTH  64
#define HEIGHT 48

typedef struct {
  UnetSegmenter *segmenter;
  GstVideoInfo info;
  GstBuffer *buffer; /* left half white, right half black */
  GstVideoFrame frame;
} Fixture;

static void
open_fixture (Fixture *f, const gchar *model, gboolean live)
{
  g_autofree gchar *name = g_strconcat (model, ".onnx", NULL);
  g_autofree gchar *path =
      g_build_filename (g_getenv ("UNETSEG_TEST_MODELS"), name, NULL);
  GError *error = NULL;

  gst_init (NULL, NULL);
  f->segmenter = unet_segmenter_new (path, NULL, NULL, live, &error);
  ck_assert_msg (f->segmenter != NULL, "%s", error ? error->message : "");
  gst_video_info_set_format (&f->info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  f->buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&f->info), NULL);
  ck_assert (
      gst_video_frame_map (&f->frame, &f->info, f->buffer, GST_MAP_READWRITE));
  for (guint y = 0; y < HEIGHT; y++) {
    guint8 *row = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&f->frame, 0)
        + y * GST_VIDEO_FRAME_PLANE_STRIDE (&f->frame, 0);

    memset (row, 255, WIDTH / 2 * 3);
    memset (row + WIDTH / 2 * 3, 0, WIDTH / 2 * 3);
  }
}

static void
close_fixture (Fixture *f)
{
  gst_video_frame_unmap (&f->frame);
  gst_buffer_unref (f->buffer);
  unet_segmenter_free (f->segmenter);
}

static void
assert_halves (Fixture *f, const UnetFrameMask *mask)
{
  UnetMaskMap map;

  ck_assert_ptr_nonnull (mask->buffers);
  ck_assert (unet_segmenter_map_mask (f->segmenter, mask->buffers, &map));
  for (guint y = 0; y < map.mask.height; y++)
    for (guint x = 0; x < map.mask.width; x++)
      ck_assert_int_eq (
          map.mask.class_map[y * map.mask.width + x], x < map.mask.width / 2);
  unet_mask_buffers_unmap (mask->buffers, &map);
}

/* Processes frames as the example in the header does. */
START_TEST (test_process)
{
  static const gchar *const models[] = { "red", "red-dynamic" };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    GError *error = NULL;
    Fixture f;

    open_fixture (&f, models[i], FALSE);
    unet_segmenter_set_info (f.segmenter, &f.info);
    ck_assert_int_eq (
        unet_segmenter_update (f.segmenter, TRUE, NULL, &error), UNET_READY);
    for (guint k = 0; k < 3; k++) {
      UnetFrameJob job = UNET_FRAME_JOB_INIT;
      UnetFrameMask mask;

      job.pts = k * GST_SECOND;
      ck_assert (
          unet_segmenter_process (f.segmenter, &f.frame, &job, &mask, &error));
      ck_assert_uint_eq (mask.age_frames, 0);
      ck_assert (mask.infers && mask.run_time > 0);
      assert_halves (&f, &mask);
    }
    close_fixture (&f);
  }
}
END_TEST

/* A frame that is not inferred gets the newest mask, or none if a new scene has
 * begun. */
START_TEST (test_reuse)
{
  UnetFrameJob job = UNET_FRAME_JOB_INIT;
  UnetFrameMask mask;
  GstClockTime age;
  guint frames;
  Fixture f;

  open_fixture (&f, "red", FALSE);
  unet_segmenter_set_info (f.segmenter, &f.info);
  unet_segmenter_update (f.segmenter, TRUE, NULL, NULL);
  ck_assert (!unet_segmenter_get_age (f.segmenter, 0, &frames, &age));
  job.pts = 0;
  ck_assert (unet_segmenter_process (f.segmenter, &f.frame, &job, &mask, NULL));
  ck_assert (unet_segmenter_get_age (f.segmenter, 40, &frames, &age));
  ck_assert_uint_eq (frames, 1);
  ck_assert_uint_eq (age, 40);
  job.infers = FALSE;
  job.pts = 40;
  ck_assert (!unet_segmenter_needs_frame (f.segmenter, &job));
  ck_assert (unet_segmenter_process (f.segmenter, NULL, &job, &mask, NULL));
  ck_assert (!mask.infers);
  ck_assert_uint_eq (mask.age_frames, 1);
  ck_assert_uint_eq (mask.age, 40);
  assert_halves (&f, &mask);
  unet_segmenter_forget_scene (f.segmenter);
  ck_assert (unet_segmenter_process (f.segmenter, NULL, &job, &mask, NULL));
  ck_assert_ptr_null (mask.buffers);
  close_fixture (&f);
}
END_TEST

/* A region needs no other session; the newest mask stays with its own region
 * until the next run. New info ends it. */
START_TEST (test_region)
{
  const UnetRegions left = { 1, { { 8, 6, 20, 30 } } };
  const UnetRegions right = { 1, { { 40, 6, 16, 12 } } };
  UnetFrameJob job = UNET_FRAME_JOB_INIT;
  UnetFrameMask mask;
  UnetSession *session;
  GstVideoInfo other;
  Fixture f;

  open_fixture (&f, "red-dynamic", FALSE);
  unet_segmenter_set_info (f.segmenter, &f.info);
  unet_segmenter_update (f.segmenter, TRUE, NULL, NULL);
  session = unet_segmenter_get_session (f.segmenter);
  ck_assert (unet_segmenter_set_regions (f.segmenter, &left, NULL));
  ck_assert (unet_segmenter_process (f.segmenter, &f.frame, &job, &mask, NULL));
  ck_assert_double_eq_tol (unet_segmenter_get_shape (f.segmenter)->x, 8, 1);
  ck_assert_double_eq_tol (unet_segmenter_get_shape (f.segmenter)->h, 30, 1);
  ck_assert (unet_segmenter_set_regions (f.segmenter, &right, NULL));
  job.infers = FALSE;
  job.compensates = TRUE;
  ck_assert (unet_segmenter_process (f.segmenter, &f.frame, &job, &mask, NULL));
  ck_assert_uint_eq (mask.age_frames, 1);
  ck_assert (!mask.is_moved);
  ck_assert_double_eq_tol (unet_segmenter_get_shape (f.segmenter)->x, 8, 1);
  job.infers = TRUE;
  ck_assert (unet_segmenter_process (f.segmenter, &f.frame, &job, &mask, NULL));
  ck_assert_double_eq_tol (unet_segmenter_get_shape (f.segmenter)->x, 40, 1);
  ck_assert_ptr_eq (unet_segmenter_get_session (f.segmenter), session);
  gst_video_info_set_format (&other, GST_VIDEO_FORMAT_RGB, 80, 40);
  unet_segmenter_set_info (f.segmenter, &other);
  unet_segmenter_update (f.segmenter, TRUE, NULL, NULL);
  ck_assert_double_eq (unet_segmenter_get_shape (f.segmenter)->w, 80);
  close_fixture (&f);
}
END_TEST

/* A thread computes the mask, and frames wait for it until their time limit. */
START_TEST (test_wait_until)
{
  UnetFrameJob job = UNET_FRAME_JOB_INIT;
  UnetFrameMask mask;
  Fixture f;

  open_fixture (&f, "red", FALSE);
  unet_segmenter_set_info (f.segmenter, &f.info);
  unet_segmenter_update (f.segmenter, TRUE, NULL, NULL);
  job.wait_until = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
  ck_assert (unet_segmenter_process (f.segmenter, &f.frame, &job, &mask, NULL));
  ck_assert_uint_eq (mask.age_frames, 0);
  assert_halves (&f, &mask);
  job.wait_until = 0;
  for (guint i = 0; i < 100; i++) {
    ck_assert (
        unet_segmenter_process (f.segmenter, &f.frame, &job, &mask, NULL));
    assert_halves (&f, &mask);
    ck_assert_uint_gt (mask.age_frames, 0);
  }
  close_fixture (&f);
}
END_TEST

/* A cancelled run ends early, with an error and without a mask. */
START_TEST (test_cancel)
{
  UnetFrameJob job = UNET_FRAME_JOB_INIT;
  UnetFrameMask mask;
  GError *error = NULL;
  Fixture f;

  open_fixture (&f, "red", FALSE);
  unet_segmenter_set_info (f.segmenter, &f.info);
  unet_segmenter_update (f.segmenter, TRUE, NULL, NULL);
  unet_segmenter_cancel (f.segmenter);
  ck_assert (
      !unet_segmenter_process (f.segmenter, &f.frame, &job, &mask, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  ck_assert_ptr_null (mask.buffers);
  g_error_free (error);
  close_fixture (&f);
}
END_TEST

/* ---- jobs ---------------------------------------------------------------- */

static gpointer
wait_for_cancel (gpointer data, GCancellable *cancellable, GError **error)
{
  while (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_usleep (1000);
  return NULL;
}

static gpointer
double_it (gpointer data, GCancellable *cancellable, GError **error)
{
  return GUINT_TO_POINTER (2 * GPOINTER_TO_UINT (data));
}

static gint n_freed; /* atomic */

static void
count_free (gpointer data)
{
  g_atomic_int_inc (&n_freed);
}

static gpointer
interrupt (gpointer data)
{
  g_usleep (20 * 1000);
  unet_job_group_interrupt (data, TRUE);
  return NULL;
}

START_TEST (test_jobs)
{
  UnetJobGroup *group = unet_job_group_new ();
  UnetJob *job = unet_job_start (group, "double", double_it,
      GUINT_TO_POINTER (21), count_free, NULL, NULL);
  GThread *thread;

  ck_assert (unet_job_wait (job));
  ck_assert (unet_job_is_done (job));
  ck_assert_uint_eq (GPOINTER_TO_UINT (unet_job_finish (job, NULL)), 42);
  ck_assert_int_eq (n_freed, 1);

  job = unet_job_start (
      group, "wait", wait_for_cancel, NULL, count_free, NULL, NULL);
  thread = g_thread_new ("interrupt", interrupt, group);
  ck_assert (!unet_job_wait (job)); /* the interruption ends this wait */
  g_thread_join (thread);
  unet_job_drop (job);

  job = unet_job_start (group, "double", double_it, GUINT_TO_POINTER (21),
      count_free, count_free, NULL);
  unet_job_drop (job);
  unet_job_group_free (group);
  ck_assert_int_eq (n_freed, 4); /* the data of three jobs and one result */
}
END_TEST

START_TEST (test_elapsed)
{
  ck_assert_double_eq (unet_elapsed_time (0, 40 * GST_MSECOND), 40);
  ck_assert_double_eq (unet_elapsed_time (0, GST_SECOND), 1000);
  ck_assert_double_eq (unet_elapsed_time (0, GST_SECOND + 1), 0);
  ck_assert_double_eq (unet_elapsed_time (40, 40), 0);
  ck_assert_double_eq (unet_elapsed_time (40, 0), 0);
  ck_assert_double_eq (unet_elapsed_time (GST_CLOCK_TIME_NONE, 40), 0);
  ck_assert_double_eq (unet_elapsed_time (40, GST_CLOCK_TIME_NONE), 0);
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_process, test_reuse, test_region,
    test_wait_until, test_cancel, test_jobs, test_elapsed };

  return check_run_tests ("segment", 120, tests, sizeof tests / sizeof *tests);
}
