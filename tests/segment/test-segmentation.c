/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A public call makes the mask of a picture that the element makes of a
 * frame. */

#include "lib/check-main.h"

#include "segment/segmenter.h"

#include <unetseg/unetseg.h>

#include <string.h>

/* ---- pictures ------------------------------------------------------------ */

static UnetModel *
load (const gchar *name)
{
  g_autofree gchar *file = g_strconcat (name, ".onnx", NULL);
  g_autofree gchar *path =
      g_build_filename (g_getenv ("UNETSEG_TEST_MODELS"), file, NULL);
  GError *error = NULL;
  UnetModel *model = unet_model_load (path, &error);

  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  return model;
}

static UnetSegmentation *
open_segmentation (const gchar *name, GHashTable *overrides)
{
  const UnetSessionOptions options = {
    .threads = 1, .precision = UNET_PRECISION_F32, .tuning = UNET_TUNING_STATIC
  };
  UnetModel *model = load (name);
  GError *error = NULL;
  UnetSegmentation *self =
      unet_segmentation_new (model, overrides, &options, &error);

  ck_assert_msg (self != NULL, "%s", error ? error->message : "");
  unet_model_unref (model);
  return self;
}

/* Random pixels in large squares, so that each class has an inside. */
static GstBuffer *
make_picture (const GstVideoInfo *info, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  guint8 levels[4][64];
  GstVideoFrame frame;

  for (guint i = 0; i < sizeof levels; i++)
    levels[i / 64][i % 64] = g_rand_boolean (rand) ? 235 : 20;
  ck_assert (gst_video_frame_map (&frame, info, buffer, GST_MAP_WRITE));
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&frame); c++)
    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (&frame, c); y++) {
      guint8 *row = GST_VIDEO_FRAME_COMP_DATA (&frame, c)
          + y * GST_VIDEO_FRAME_COMP_STRIDE (&frame, c);

      for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (&frame, c); x++)
        row[x * GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, c)] =
            levels[c][y / 8 % 8 * 8 + x / 8 % 8];
    }
  gst_video_frame_unmap (&frame);
  return buffer;
}

static UnetSegMask *
run_buffer (UnetSegmentation *self, const GstVideoInfo *info, GstBuffer *buffer)
{
  GError *error = NULL;
  GstVideoFrame frame;
  UnetSegMask *mask;

  ck_assert (gst_video_frame_map (&frame, info, buffer, GST_MAP_READ));
  mask = unet_segmentation_run (self, &frame, &error);
  ck_assert_msg (mask != NULL, "%s", error ? error->message : "");
  gst_video_frame_unmap (&frame);
  return mask;
}

static void
assert_equal (UnetSegMask *a, UnetSegMask *b)
{
  gdouble ra[4], rb[4];

  ck_assert (g_bytes_equal (
      unet_seg_mask_get_class_map (a), unet_seg_mask_get_class_map (b)));
  ck_assert (g_bytes_equal (
      unet_seg_mask_get_probability (a), unet_seg_mask_get_probability (b)));
  unet_seg_mask_get_rectangle (a, &ra[0], &ra[1], &ra[2], &ra[3]);
  unet_seg_mask_get_rectangle (b, &rb[0], &rb[1], &rb[2], &rb[3]);
  ck_assert (!memcmp (ra, rb, sizeof ra));
}

/* ---- the element's chain ------------------------------------------------- */

/* Other sessions may round otherwise: probabilities differ by 1 of 255. */
static void
compare (UnetSegMask *mask, const UnetMask *wanted)
{
  const guint8 *classes =
      g_bytes_get_data (unet_seg_mask_get_class_map (mask), NULL);
  const guint8 *probability =
      g_bytes_get_data (unet_seg_mask_get_probability (mask), NULL);
  gdouble x, y, w, h;

  ck_assert_uint_eq (unet_seg_mask_get_width (mask), wanted->width);
  ck_assert_uint_eq (unet_seg_mask_get_height (mask), wanted->height);
  ck_assert_uint_eq (
      unet_seg_classes_get_n_classes (unet_seg_mask_get_classes (mask)),
      wanted->n_classes);
  unet_seg_mask_get_rectangle (mask, &x, &y, &w, &h);
  ck_assert (
      x == wanted->x && y == wanted->y && w == wanted->w && h == wanted->h);
  for (guint i = 0; i < wanted->width * wanted->height; i++) {
    ck_assert_int_le (ABS (probability[i] - wanted->probability[i]), 1);
    if (ABS (wanted->probability[i] - 127) > 2)
      ck_assert_uint_eq (classes[i], wanted->class_map[i]);
  }
}

static void
compare_with_segmenter (UnetSegMask *mask, const gchar *name,
    GHashTable *overrides, const GstVideoInfo *info, GstBuffer *buffer)
{
  UnetRunOptions options = { 1, UNET_PRECISION_F32, NULL };
  g_autofree gchar *file = g_strconcat (name, ".onnx", NULL);
  g_autofree gchar *path =
      g_build_filename (g_getenv ("UNETSEG_TEST_MODELS"), file, NULL);
  UnetSegmenter *segmenter =
      unet_segmenter_new (path, overrides, &options, FALSE, NULL);
  UnetFrameJob job = UNET_FRAME_JOB_INIT;
  UnetFrameMask found;
  GstVideoFrame frame;
  UnetMaskMap map;

  unet_segmenter_set_info (segmenter, info);
  ck_assert_int_eq (
      unet_segmenter_update (segmenter, TRUE, NULL, NULL), UNET_READY);
  ck_assert (gst_video_frame_map (&frame, info, buffer, GST_MAP_READ));
  ck_assert (unet_segmenter_process (segmenter, &frame, &job, &found, NULL));
  ck_assert (unet_segmenter_map_mask (segmenter, found.buffers, &map));
  compare (mask, &map.mask);
  unet_mask_buffers_unmap (found.buffers, &map);
  gst_video_frame_unmap (&frame);
  unet_segmenter_free (segmenter);
}

START_TEST (test_like_element)
{
  static const gchar *const models[] = { "red", "red-dynamic", "red-nhwc",
    "classes", "valid", "gated" };
  static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_RGB,
    GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_BGRx };
  static const guint sizes[][2] = { { 64, 48 }, { 75, 131 } };

  for (guint m = 0; m < G_N_ELEMENTS (models); m++) {
    g_autoptr (UnetSegmentation) self = open_segmentation (models[m], NULL);

    for (guint i = 0; i < G_N_ELEMENTS (formats) * G_N_ELEMENTS (sizes); i++) {
      const guint *size = sizes[i % G_N_ELEMENTS (sizes)];
      g_autoptr (GstBuffer) buffer = NULL;
      g_autoptr (UnetSegMask) mask = NULL;
      GstVideoInfo info;

      gst_video_info_set_format (
          &info, formats[i / G_N_ELEMENTS (sizes)], size[0], size[1]);
      buffer = make_picture (&info, i);
      mask = run_buffer (self, &info, buffer);
      compare_with_segmenter (mask, models[m], NULL, &info, buffer);
    }
  }
}
END_TEST

/* Fields of the contract that the caller sets go before the model's. */
START_TEST (test_overrides)
{
  static const gchar *const fields[][2] = { { "invert", "true" },
    { "fit", "crop" }, { "fit", "tile" }, { "color-order", "bgr" },
    { "labels", "nothing,paint" } };
  GstVideoInfo info;

  gst_init (NULL, NULL);
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_RGB, 96, 40);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    g_autoptr (GHashTable) set = g_hash_table_new (g_str_hash, g_str_equal);
    g_autoptr (GstBuffer) buffer = make_picture (&info, i);
    g_autoptr (UnetSegmentation) self = NULL;
    g_autoptr (UnetSegMask) mask = NULL;

    g_hash_table_insert (set, (gchar *) fields[i][0], (gchar *) fields[i][1]);
    self = open_segmentation ("red", set);
    mask = run_buffer (self, &info, buffer);
    compare_with_segmenter (mask, "red", set, &info, buffer);
    if (g_str_equal (fields[i][0], "labels"))
      ck_assert_str_eq (
          unet_seg_classes_get_label (unet_seg_mask_get_classes (mask), 1),
          "paint");
  }
}
END_TEST

/* ---- ways to give a picture ---------------------------------------------- */

/* The same pixels with rows of @stride bytes; the last row has no gap. */
static GBytes *
lay_out (const GstVideoInfo *info, GstBuffer *buffer, guint stride)
{
  const guint row = GST_VIDEO_INFO_WIDTH (info) * 3;
  const guint height = GST_VIDEO_INFO_HEIGHT (info);
  const gsize size = (gsize) stride * (height - 1) + row;
  guint8 *data = g_malloc (size);
  GstMapInfo map;

  memset (data, 0xaa, size);
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  for (guint y = 0; y < height; y++)
    memcpy (data + (gsize) y * stride,
        map.data + (gsize) y * GST_VIDEO_INFO_PLANE_STRIDE (info, 0), row);
  gst_buffer_unmap (buffer, &map);
  return g_bytes_new_take (data, size);
}

START_TEST (test_layouts)
{
  static const guint strides[] = { 75 * 3, 75 * 3 + 3, 256 };
  g_autoptr (UnetSegmentation) self = open_segmentation ("classes", NULL);
  g_autoptr (GstBuffer) buffer = NULL;
  g_autoptr (UnetSegMask) wanted = NULL, of_sample = NULL;
  g_autoptr (GstSample) sample = NULL;
  g_autoptr (GstCaps) caps = NULL;
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_RGB, 75, 50);
  buffer = make_picture (&info, 7);
  wanted = run_buffer (self, &info, buffer);
  for (guint i = 0; i < G_N_ELEMENTS (strides); i++) {
    g_autoptr (GBytes) bytes = lay_out (&info, buffer, strides[i]);
    g_autoptr (UnetSegMask) of_bytes = unet_segmentation_run_bytes (
        self, bytes, GST_VIDEO_FORMAT_RGB, 75, 50, strides[i], NULL);
    g_autoptr (UnetSegMask) of_data = unet_segmentation_run_data (self,
        g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
        GST_VIDEO_FORMAT_RGB, 75, 50, strides[i], NULL);

    assert_equal (of_bytes, wanted);
    assert_equal (of_data, wanted);
  }
  caps = gst_video_info_to_caps (&info);
  sample = gst_sample_new (buffer, caps, NULL, NULL);
  of_sample = unet_segmentation_run_sample (self, sample, NULL);
  assert_equal (of_sample, wanted);
}
END_TEST

/* ---- errors -------------------------------------------------------------- */

typedef struct {
  GstVideoFormat format;
  guint width, height, stride;
  gsize size;
  UnetError code;
} BadPicture;

START_TEST (test_bad_pictures)
{
  static const BadPicture pictures[] = {
    { GST_VIDEO_FORMAT_RGB, 0, 10, 0, 4096, UNET_ERROR_SHAPE },
    { GST_VIDEO_FORMAT_RGB, 10, 0, 0, 4096, UNET_ERROR_SHAPE },
    { GST_VIDEO_FORMAT_RGB, 10, 10, 29, 4096, UNET_ERROR_SHAPE },
    { GST_VIDEO_FORMAT_RGB, 10, 10, 30, 299, UNET_ERROR_SHAPE },
    { GST_VIDEO_FORMAT_RGB, 10, 10, 0, 319, UNET_ERROR_SHAPE },
    { GST_VIDEO_FORMAT_I420, 16, 16, 0, 383, UNET_ERROR_SHAPE },
    { GST_VIDEO_FORMAT_RGB, 10, 10, 30, 0, UNET_ERROR_SHAPE },
    { GST_VIDEO_FORMAT_RGB, 32768, 1, 0, 4096, UNET_ERROR_LIMIT },
    { GST_VIDEO_FORMAT_RGB, 1, G_MAXUINT, 0, 4096, UNET_ERROR_LIMIT },
    { GST_VIDEO_FORMAT_RGB, 10, 10, G_MAXUINT, 4096, UNET_ERROR_LIMIT },
    { GST_VIDEO_FORMAT_UNKNOWN, 10, 10, 0, 4096, UNET_ERROR_UNSUPPORTED },
    { GST_VIDEO_FORMAT_ENCODED, 10, 10, 0, 4096, UNET_ERROR_UNSUPPORTED },
    { 9999, 10, 10, 0, 4096, UNET_ERROR_UNSUPPORTED },
    { GST_VIDEO_FORMAT_I420, 16, 16, 16, 4096, UNET_ERROR_UNSUPPORTED },
  };
  g_autoptr (UnetSegmentation) self = open_segmentation ("red", NULL);
  static const guint8 data[4096];

  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++) {
    const BadPicture *p = &pictures[i];
    g_autoptr (GError) error = NULL;

    ck_assert_ptr_null (unet_segmentation_run_data (self, data, p->size,
        p->format, p->width, p->height, p->stride, &error));
    ck_assert_msg (g_error_matches (error, UNET_ERROR, p->code), "%u: %s", i,
        error->message);
  }
}
END_TEST

START_TEST (test_bad_samples)
{
  static const gchar *const caps_of[] = { NULL, "text/x-raw", "video/x-h264",
    "video/x-raw,format=RGB,width=[1,9],height=4" };
  g_autoptr (UnetSegmentation) self = open_segmentation ("red", NULL);
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, 64, NULL);

  for (guint i = 0; i <= G_N_ELEMENTS (caps_of); i++) {
    g_autoptr (GError) error = NULL;
    const gchar *text = i < G_N_ELEMENTS (caps_of)
        ? caps_of[i]
        : "video/x-raw,format=RGB,width=4,height=4";
    g_autoptr (GstCaps) caps = text ? gst_caps_from_string (text) : NULL;
    /* The last one has fixed caps, and no buffer. */
    g_autoptr (GstSample) sample = gst_sample_new (
        i < G_N_ELEMENTS (caps_of) ? buffer : NULL, caps, NULL, NULL);

    ck_assert_ptr_null (unet_segmentation_run_sample (self, sample, &error));
    ck_assert (g_error_matches (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED));
  }
}
END_TEST

/* What is wrong with the model is told when the segmentation is made, or at the
 * first picture of a size that it does not take. */
START_TEST (test_bad_models)
{
  static const guint8 data[64 * 64 * 3];
  g_autoptr (GHashTable) set = g_hash_table_new (g_str_hash, g_str_equal);
  UnetModel *model = load ("red");
  g_autoptr (GError) error = NULL;
  g_autoptr (UnetSegmentation) picky = NULL;

  g_hash_table_insert (set, (gchar *) "color-order", (gchar *) "purple");
  ck_assert_ptr_null (unet_segmentation_new (model, set, NULL, &error));
  ck_assert (g_error_matches (error, UNET_ERROR, UNET_ERROR_CONTRACT));
  g_clear_error (&error);
  unet_model_unref (model);

  picky = open_segmentation ("picky", NULL);
  ck_assert_ptr_null (unet_segmentation_dup_session (picky));
  for (guint i = 0; i < 2; i++) {
    ck_assert_ptr_null (unet_segmentation_run_data (picky, data, sizeof data,
        GST_VIDEO_FORMAT_RGB, 64, 64, 64 * 3, &error));
    ck_assert (g_error_matches (error, UNET_ERROR, UNET_ERROR_SHAPE));
    g_clear_error (&error);
  }
}
END_TEST

/* A segmentation keeps the cancellable of its options, which ends the
 * compilation of later sessions. */
START_TEST (test_cancel)
{
  static const guint8 data[64 * 64 * 3];
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetModel *model = load ("red");
  g_autoptr (UnetSegmentation) self = NULL;
  g_autoptr (GError) error = NULL;

  options.cancellable = g_cancellable_new ();
  self = unet_segmentation_new (model, NULL, &options, &error);
  ck_assert_ptr_nonnull (self);
  g_cancellable_cancel (options.cancellable);
  g_object_unref (options.cancellable);
  unet_model_unref (model);
  ck_assert_ptr_null (unet_segmentation_run_data (
      self, data, sizeof data, GST_VIDEO_FORMAT_RGB, 64, 64, 64 * 3, &error));
  ck_assert (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}
END_TEST

/* ---- sessions ------------------------------------------------------------ */

/* More sizes than sessions are kept for, in a changing order. */
START_TEST (test_sizes)
{
  g_autoptr (UnetSegmentation) self = open_segmentation ("red-dynamic", NULL);

  for (guint i = 0; i < 40; i++) {
    const guint width = 32 * (1 + i * 7 % 6), height = 32 * (1 + i * 5 % 3);
    g_autoptr (GstBuffer) buffer = NULL;
    g_autoptr (UnetSegmentation) fresh = NULL;
    g_autoptr (UnetSegMask) mask = NULL, wanted = NULL;
    GstVideoInfo info;

    gst_video_info_set_format (&info, GST_VIDEO_FORMAT_RGB, width, height);
    buffer = make_picture (&info, i);
    mask = run_buffer (self, &info, buffer);
    fresh = open_segmentation ("red-dynamic", NULL);
    wanted = run_buffer (fresh, &info, buffer);
    assert_equal (mask, wanted);
  }
}
END_TEST

/* Returns the session for pictures that are @columns times as wide as high. */
static UnetSession *
open_wide (UnetSegmentation *self, guint columns)
{
  static const guint8 data[32 * 32 * 6 * 3];
  g_autoptr (UnetSegMask)
      mask = unet_segmentation_run_data (self, data, 32 * 32 * 3 * columns,
          GST_VIDEO_FORMAT_RGB, 32 * columns, 32, 32 * 3 * columns, NULL);

  ck_assert_ptr_nonnull (mask);
  return unet_segmentation_dup_session (self);
}

/* The sessions of the last four sizes are kept; the one that was not used for
 * longest goes first. */
START_TEST (test_kept_sessions)
{
  g_autoptr (UnetSegmentation) self = open_segmentation ("red-dynamic", NULL);
  UnetSession *sessions[6] = { NULL };
  static const guint again[] = { 1, 4, 3, 1 };

  for (guint i = 1; i <= 4; i++)
    sessions[i] = open_wide (self, i);
  for (guint i = 0; i < G_N_ELEMENTS (again); i++) {
    g_autoptr (UnetSession) found = open_wide (self, again[i]);

    ck_assert_ptr_eq (found, sessions[again[i]]);
  }
  sessions[5] = open_wide (self, 5); /* in the place of that for 2 */
  for (guint i = 1; i <= 5; i++) {
    g_autoptr (UnetSession) found = NULL;

    if (i == 2)
      continue;
    found = open_wide (self, i);
    ck_assert_ptr_eq (found, sessions[i]);
  }
  sessions[0] = open_wide (self, 2);
  ck_assert_ptr_ne (sessions[0], sessions[2]);
  for (guint i = 0; i < G_N_ELEMENTS (sessions); i++)
    unet_session_unref (sessions[i]);
}
END_TEST

static guint
count_foreground (UnetSegMask *mask)
{
  gsize size, n = 0;
  const guint8 *classes =
      g_bytes_get_data (unet_seg_mask_get_class_map (mask), &size);

  for (gsize i = 0; i < size; i++)
    n += classes[i] > 0;
  return n;
}

static guint
run_grey (UnetSegmentation *self, guint8 level)
{
  g_autofree guint8 *data = g_malloc (32 * 32 * 3);
  g_autoptr (UnetSegMask) mask = NULL;

  memset (data, level, 32 * 32 * 3);
  mask = unet_segmentation_run_data (
      self, data, 32 * 32 * 3, GST_VIDEO_FORMAT_RGB, 32, 32, 32 * 3, NULL);
  ck_assert_ptr_nonnull (mask);
  return count_foreground (mask);
}

/* The network remembers where red was over half, until it is reset. */
START_TEST (test_recurrent)
{
  g_autoptr (GHashTable) set = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (UnetSegmentation) self = NULL;

  g_hash_table_insert (set, (gchar *) "activation", (gchar *) "none");
  self = open_segmentation ("memory", set);
  ck_assert_uint_eq (run_grey (self, 0), 0);
  ck_assert_uint_gt (run_grey (self, 255), 0);
  ck_assert_uint_gt (run_grey (self, 0), 0);
  unet_segmentation_reset (self);
  ck_assert_uint_eq (run_grey (self, 0), 0);
}
END_TEST

/* Class maps depend on the threshold, and probabilities do not. */
START_TEST (test_threshold)
{
  g_autoptr (UnetSegmentation) self = open_segmentation ("unet-same", NULL);
  g_autoptr (GstBuffer) buffer = NULL;
  g_autoptr (UnetSegMask) low = NULL, high = NULL;
  const guint8 *p, *classes;
  GstVideoInfo info;
  gsize n;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_GRAY8, 64, 64);
  buffer = make_picture (&info, 3);
  unet_segmentation_set_threshold (self, 0);
  low = run_buffer (self, &info, buffer);
  unet_segmentation_set_threshold (self, 1);
  high = run_buffer (self, &info, buffer);
  ck_assert (g_bytes_equal (unet_seg_mask_get_probability (low),
      unet_seg_mask_get_probability (high)));
  p = g_bytes_get_data (unet_seg_mask_get_probability (high), &n);
  classes = g_bytes_get_data (unet_seg_mask_get_class_map (high), NULL);
  ck_assert_uint_eq (count_foreground (low), n);
  for (gsize i = 0; i < n; i++)
    ck_assert (classes[i] == 0 || p[i] == 255);
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_like_element, test_overrides,
    test_layouts, test_bad_pictures, test_bad_samples, test_bad_models,
    test_cancel, test_sizes, test_kept_sessions, test_recurrent,
    test_threshold };

  return check_run_tests (
      "segmentation", 300, tests, sizeof tests / sizeof *tests);
}
