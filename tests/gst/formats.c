/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests every format in several sizes and with every layout of a frame in its
 * buffer. */

#include "common.h"

static const struct {
  guint width, height;
} sizes[] = { { 64, 48 }, { 97, 51 }, { 230, 33 } };

/* Returns how many pixels on each side of the middle may have either class,
 * since the input has 32 columns. */
static guint
frame_margin (guint width)
{
  return 3 * ((width + 31) / 32) + 4;
}

static void
set_info (GstHarness *h, const GstVideoInfo *info)
{
  gst_harness_set_src_caps (h, gst_video_info_to_caps (info));
}

/* Asserts that the buffer still has the same memories with the same bytes. */
static void
assert_untouched (
    GstBuffer *buffer, GstMemory **memories, guint n, GstBuffer *copy)
{
  gsize size = gst_buffer_get_size (copy);
  g_autofree guint8 *bytes = g_malloc (size);

  assert_equals_int (gst_buffer_n_memory (buffer), n);
  for (guint i = 0; i < n; i++)
    fail_unless (gst_buffer_peek_memory (buffer, i) == memories[i]);
  assert_equals_uint64 (gst_buffer_get_size (buffer), size);
  gst_buffer_extract (buffer, 0, bytes, size);
  assert_equals_int (gst_buffer_memcmp (copy, 0, bytes, size), 0);
}

/* The failures of all formats, which the test reports together. */
static GString *complaints;

static void
complain (const GstVideoInfo *info, TestLayout layout, const gchar *what,
    guint x, guint y)
{
  g_string_append_printf (complaints, "%s %ux%u layout %d: pixel %u,%u %s\n",
      GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), layout, x, y, what);
}

static void
check_mask (const GstVideoInfo *info, TestLayout layout, GstBuffer *buffer)
{
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (buffer);

  fail_unless (meta != NULL);
  if (test_count_wrong (meta, 1, 0, 2) > 0)
    complain (info, layout, "wrong in the mask", 0, 0);
}

static void
check_none (GstHarness *h, const GstVideoInfo *info, TestLayout layout)
{
  GstBuffer *in = test_frame_new (info, TEST_HALF, layout), *out;
  GstBuffer *copy = gst_buffer_copy_deep (in);
  guint n = gst_buffer_n_memory (in);
  GstMemory *memories[8];

  for (guint i = 0; i < n; i++)
    memories[i] = gst_buffer_peek_memory (in, i);
  out = gst_harness_push_and_pull (h, in);
  fail_unless (out == in);
  assert_untouched (out, memories, n, copy);
  check_mask (info, layout, out);
  gst_buffer_unref (out);
  gst_buffer_unref (copy);
}

/* The colour must lie over the white left half, and the right half must not
 * change. */
static void
check_pixels (const GstVideoInfo *info, TestLayout layout, GstBuffer *before,
    GstBuffer *after)
{
  guint width = GST_VIDEO_INFO_WIDTH (info), size, same;
  guint margin = frame_margin (width);
  g_autofree guint8 *a = test_unpack (info, before, &same);
  g_autofree guint8 *b = test_unpack (info, after, &size);

  for (guint y = 0; y < GST_VIDEO_INFO_HEIGHT (info); y++) {
    for (guint x = 0; x < width; x++) {
      gsize at = ((gsize) y * width + x) * size;
      gboolean equal = memcmp (a + at, b + at, size) == 0;

      if (x >= width / 2 + margin && !equal) {
        complain (info, layout, "changed", x, y);
        return;
      }
      if (x + margin < width / 2 && equal) {
        complain (info, layout, "not drawn over", x, y);
        return;
      }
    }
  }
}

/* Checks the bytes between rows and planes. */
static void
check_guards (const GstVideoInfo *info, GstBuffer *before, GstBuffer *after)
{
  gsize size = gst_buffer_get_size (before);
  g_autofree guint8 *a = g_malloc (size), *b = g_malloc (size);
  g_autofree guint8 *inside = g_malloc0 (size);
  GstVideoMeta *meta = gst_buffer_get_video_meta (before);

  gst_buffer_extract (before, 0, a, size);
  gst_buffer_extract (after, 0, b, size);
  for (guint i = 0; i < meta->n_planes; i++) {
    gint comp[GST_VIDEO_MAX_COMPONENTS];
    guint rows;

    gst_video_format_info_component (info->finfo, i, comp);
    rows = GST_VIDEO_INFO_COMP_HEIGHT (info, comp[0]);
    for (guint y = 0; y < rows; y++)
      memset (inside + meta->offset[i] + (gsize) y * meta->stride[i], 1,
          GST_VIDEO_INFO_PLANE_STRIDE (info, i));
  }
  for (gsize i = 0; i < size; i++) {
    if (!inside[i] && a[i] != b[i]) {
      complain (info, TEST_PADDED, "written beyond a row", i % meta->stride[0],
          i / meta->stride[0]);
      return;
    }
  }
}

static void
check_overlay (GstHarness *h, const GstVideoInfo *info, TestLayout layout)
{
  GstBuffer *in = test_frame_new (info, TEST_HALF, layout), *out;
  GstBuffer *copy = gst_buffer_copy_deep (in);

  out = gst_harness_push_and_pull (h, in);
  fail_unless (out == in);
  check_pixels (info, layout, copy, out);
  if (layout == TEST_PADDED && !GST_VIDEO_FORMAT_INFO_IS_TILED (info->finfo))
    check_guards (info, copy, out);
  check_mask (info, layout, out);
  gst_buffer_unref (out);
  gst_buffer_unref (copy);
}

/* ---- outputs in other formats ------------------------------------------ */

static void
get_out_info (GstHarness *h, GstVideoInfo *info)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (h->sinkpad);

  fail_unless (gst_video_info_from_caps (info, caps));
}

/* Pushes a buffer that others hold as well, so that a write to it is found. */
static GstBuffer *
push_shared (GstHarness *h, const GstVideoInfo *info, TestLayout layout)
{
  GstBuffer *in = test_frame_new (info, TEST_HALF, layout), *out;
  GstBuffer *copy = gst_buffer_copy_deep (in);
  gsize size = gst_buffer_get_size (in);
  g_autofree guint8 *bytes = g_malloc (size);

  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out != in);
  gst_buffer_extract (in, 0, bytes, size);
  if (gst_buffer_memcmp (copy, 0, bytes, size) != 0)
    complain (info, layout, "changed in the input", 0, 0);
  gst_buffer_unref (copy);
  gst_buffer_unref (in);
  return out;
}

static void
check_grey (GstHarness *h, const GstVideoInfo *info, TestLayout layout)
{
  GstBuffer *out = push_shared (h, info, layout);
  guint width = GST_VIDEO_INFO_WIDTH (info), margin = frame_margin (width);
  GstVideoInfo out_info;
  GstVideoFrame frame;

  get_out_info (h, &out_info);
  assert_equals_int (GST_VIDEO_INFO_FORMAT (&out_info), GST_VIDEO_FORMAT_GRAY8);
  assert_equals_int (GST_VIDEO_INFO_WIDTH (&out_info), width);
  fail_unless (gst_video_frame_map (&frame, &out_info, out, GST_MAP_READ));
  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (&frame); y++) {
    const guint8 *row = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
        + y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);

    for (guint x = 0; x < width; x++)
      if ((x + margin < width / 2 && row[x] != 255)
          || (x >= width / 2 + margin && row[x] != 0)) {
        complain (info, layout, "wrong in the grey mask", x, y);
        y = G_MAXINT - 1;
        break;
      }
  }
  gst_video_frame_unmap (&frame);
  check_mask (info, layout, out);
  gst_buffer_unref (out);
}

/* The left half must be opaque and unchanged, and the right half
 * transparent. */
static void
check_alpha (GstHarness *h, const GstVideoInfo *info, TestLayout layout)
{
  GstBuffer *out = push_shared (h, info, layout);
  guint width = GST_VIDEO_INFO_WIDTH (info), margin = frame_margin (width);
  g_autofree guint8 *pixels = NULL;
  GstVideoInfo out_info;
  guint size;

  get_out_info (h, &out_info);
  assert_equals_int (out_info.finfo->n_components, 4);
  pixels = test_unpack (&out_info, out, &size);
  for (guint y = 0; y < GST_VIDEO_INFO_HEIGHT (info); y++) {
    for (guint x = 0; x < width; x++) {
      /* Alpha comes first. Two bits of alpha unpack to a little less than
       * one. */
      const guint8 *p = pixels + ((gsize) y * width + x) * size;
      guint alpha = size == 8 ? ((const guint16 *) p)[0] >> 8 : p[0];
      guint first = size == 8 ? ((const guint16 *) p)[1] >> 8 : p[1];

      if ((x + margin < width / 2 && (alpha < 192 || first < 224))
          || (x >= width / 2 + margin && alpha != 0)) {
        complain (info, layout, "wrong in alpha", x, y);
        gst_buffer_unref (out);
        return;
      }
    }
  }
  check_mask (info, layout, out);
  gst_buffer_unref (out);
}

/* Returns the formats of the pad template. */
static GArray *
all_formats (void)
{
  GstElementFactory *factory = gst_element_factory_find ("unetseg");
  const GstStaticPadTemplate *templ;
  GArray *formats = g_array_new (FALSE, FALSE, sizeof (GstVideoFormat));
  g_autoptr (GstCaps) caps = NULL;
  const GValue *list;

  fail_unless (factory != NULL);
  templ = gst_element_factory_get_static_pad_templates (factory)->data;
  caps = gst_static_caps_get ((GstStaticCaps *) &templ->static_caps);
  list = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
  for (guint i = 0; i < gst_value_list_get_size (list); i++) {
    GstVideoFormat format = gst_video_format_from_string (
        g_value_get_string (gst_value_list_get_value (list, i)));

    g_array_append_val (formats, format);
  }
  gst_object_unref (factory);
  return formats;
}

/* GStreamer's default stride of UYVP has no room for the last pixel's
 * chroma. */
static gboolean
has_short_rows (const GstVideoInfo *info)
{
  return GST_VIDEO_INFO_FORMAT (info) == GST_VIDEO_FORMAT_UYVP
      && GST_VIDEO_INFO_WIDTH (info) % 2 == 1;
}

/* GStreamer 1.26 packs these formats wrongly where the last tile of a row is
 * not full. It does not unpack the pixels that it packed there. */
static gboolean
loses_last_tile (const GstVideoInfo *info)
{
  return g_str_has_prefix (GST_VIDEO_INFO_NAME (info), "MT2110")
      && GST_VIDEO_INFO_WIDTH (info) % 16 != 0;
}

static void
check_format (GstHarness *h, GstVideoFormat format,
    void (*check) (GstHarness *, const GstVideoInfo *, TestLayout))
{
  /* valgrind tests only the odd size, because it has the most borders. */
  gboolean quick = g_getenv ("UNETSEG_TEST_QUICK") != NULL;

  for (guint s = quick; s < (quick ? 2 : G_N_ELEMENTS (sizes)); s++) {
    GstVideoInfo info;

    gst_video_info_set_format (&info, format, sizes[s].width, sizes[s].height);
    if (has_short_rows (&info) || loses_last_tile (&info))
      continue;
    info.fps_n = 30;
    set_info (h, &info);
    for (guint layout = 0; layout < TEST_N_LAYOUTS; layout++)
      check (h, &info, layout);
  }
}

GST_START_TEST (test_formats)
{
  g_autoptr (GArray) formats = all_formats ();
  GstHarness *none = test_harness_new ("red", "output=none threads=1");
  GstHarness *overlay = test_harness_new ("red", "output=overlay threads=1");
  GstHarness *grey = test_harness_new ("red", "output=mask threads=1");
  GstHarness *alpha = test_harness_new ("red", "output=alpha threads=1");

  complaints = g_string_new (NULL);
  /* The template has every format except RGB8P. */
  fail_unless (formats->len > 100);
  for (guint i = 0; i < formats->len; i++) {
    GstVideoFormat format = g_array_index (formats, GstVideoFormat, i);

    GST_INFO ("%s", gst_video_format_to_string (format));
    check_format (none, format, check_none);
    check_format (overlay, format, check_overlay);
    check_format (grey, format, check_grey);
    check_format (alpha, format, check_alpha);
  }
  fail_unless (complaints->len == 0, "\n%s", complaints->str);
  g_string_free (complaints, TRUE);
  assert_equals_int (test_count_messages (none, GST_MESSAGE_WARNING), 0);
  assert_equals_int (test_count_messages (overlay, GST_MESSAGE_WARNING), 0);
  assert_equals_int (test_count_messages (grey, GST_MESSAGE_WARNING), 0);
  assert_equals_int (test_count_messages (alpha, GST_MESSAGE_WARNING), 0);
  test_harness_free (none);
  test_harness_free (overlay);
  test_harness_free (grey);
  test_harness_free (alpha);
}

GST_END_TEST;

/* Frames may be smaller than the network's input, down to one pixel. */
GST_START_TEST (test_tiny)
{
  static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_I420,
    GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_RGBA,
    GST_VIDEO_FORMAT_RGB, GST_VIDEO_FORMAT_v210, GST_VIDEO_FORMAT_GRAY8 };
  GstHarness *h = test_harness_new ("red", NULL);

  for (guint i = 0; i < 4 * G_N_ELEMENTS (formats); i++) {
    g_object_set (h->element, "output", i / G_N_ELEMENTS (formats), NULL);
    for (guint size = 1; size < 9; size++) {
      GstBuffer *out;
      UnetSegMeta *meta;

      test_harness_set_format (
          h, formats[i % G_N_ELEMENTS (formats)], size, 9 - size);
      out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_BLACK, 0));
      meta = gst_buffer_get_unet_seg_meta (out);
      fail_unless (meta != NULL);
      assert_equals_int (test_class_at (meta, 0, 0), 0);
      gst_buffer_unref (out);
    }
  }
  test_harness_free (h);
}

GST_END_TEST;

/* Where GstVideoMeta has a picture larger than the caps, its top left part is
 * used. */
GST_START_TEST (test_larger_meta)
{
  GstHarness *h = test_harness_new ("red", "output=none");
  GstVideoInfo large;
  GstBuffer *in, *out;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_video_info_set_format (&large, GST_VIDEO_FORMAT_I420, 128, 64);
  in = test_frame_new (&large, TEST_HALF, TEST_PLANES);
  out = gst_harness_push_and_pull (h, in);
  /* The part lies in the white half of the larger picture. */
  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 1, 1, 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

static void
push_misfit (GstHarness *h, GstBuffer *buffer)
{
  GstBuffer *out = gst_harness_push_and_pull (h, buffer);

  fail_unless (out == buffer);
  fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
  gst_buffer_unref (out);
}

/* Buffers that contradict their caps pass unchanged, with one warning. */
GST_START_TEST (test_misfits)
{
  static const gchar *const outputs[] = { "output=none", "output=overlay" };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    GstHarness *h = test_harness_new ("red", outputs[i]);
    GstVideoInfo info;
    GstBuffer *buffer;

    test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
    gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 64, 48);

    push_misfit (h, gst_buffer_new_allocate (NULL, 64 * 48, NULL));
    push_misfit (h, gst_buffer_new ());

    /* The meta has another format, another size, planes beyond the end and a
     * stride too short. */
    buffer = test_frame_new (&info, TEST_HALF, TEST_PLANES);
    gst_buffer_get_video_meta (buffer)->format = GST_VIDEO_FORMAT_NV12;
    push_misfit (h, buffer);
    buffer = test_frame_new (&info, TEST_HALF, TEST_PLANES);
    gst_buffer_get_video_meta (buffer)->width = 62;
    push_misfit (h, buffer);
    buffer = test_frame_new (&info, TEST_HALF, TEST_PLANES);
    gst_buffer_get_video_meta (buffer)->offset[2] += 16;
    push_misfit (h, buffer);
    buffer = test_frame_new (&info, TEST_HALF, TEST_PLANES);
    gst_buffer_get_video_meta (buffer)->stride[0] = 63;
    push_misfit (h, buffer);
    buffer = test_frame_new (&info, TEST_HALF, TEST_PLANES);
    gst_buffer_get_video_meta (buffer)->offset[1] = G_MAXSIZE - 4;
    push_misfit (h, buffer);

    assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
    /* A correct frame then gets a mask again. */
    buffer = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
    test_assert_halves (gst_buffer_get_unet_seg_meta (buffer), 1, 0, 1);
    gst_buffer_unref (buffer);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* The element must not read beyond the last row for the chroma. */
GST_START_TEST (test_short_rows)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstVideoInfo info;
  GstBuffer *out;

  test_harness_set_format (h, GST_VIDEO_FORMAT_UYVP, 97, 8);
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_UYVP, 97, 8);
  push_misfit (
      h, gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL));
  test_harness_set_format (h, GST_VIDEO_FORMAT_UYVP, 96, 8);
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 1, 0, 1);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* The template refuses these caps, or set_caps where the template cannot
 * express it. */
GST_START_TEST (test_refused)
{
  static const gchar *const refused[] = {
    "video/x-raw,format=RGB8P",
    "video/x-raw(format:Interlaced),format=I420,interlace-mode=alternate",
    "video/x-raw(memory:DMABuf),format=I420",
    "video/x-bayer,format=bggr",
  };
  GstElementFactory *factory = gst_element_factory_find ("unetseg");

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (refused[i]);

    fail_if (gst_element_factory_can_sink_any_caps (factory, caps), "%s",
        refused[i]);
    fail_if (
        gst_element_factory_can_src_any_caps (factory, caps), "%s", refused[i]);
  }
  gst_object_unref (factory);
}

GST_END_TEST;

GST_START_TEST (test_several_frames_in_one)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstVideoInfo info;

  gst_video_info_set_interlaced_format (
      &info, GST_VIDEO_FORMAT_I420, GST_VIDEO_INTERLACE_MODE_FIELDS, 64, 48);
  set_info (h, &info);
  assert_equals_int (
      gst_harness_push (
          h, gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL)),
      GST_FLOW_NOT_NEGOTIATED);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_interleaved)
{
  static const GstVideoInterlaceMode modes[] = {
    GST_VIDEO_INTERLACE_MODE_INTERLEAVED, GST_VIDEO_INTERLACE_MODE_MIXED
  };
  GstHarness *h = test_harness_new ("red", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    GstVideoInfo info;

    gst_video_info_set_interlaced_format (
        &info, GST_VIDEO_FORMAT_I420, modes[i], 64, 48);
    set_info (h, &info);
    for (guint layout = 0; layout < TEST_N_LAYOUTS; layout++) {
      GstBuffer *buffer = test_frame_new (&info, TEST_HALF, layout);

      GST_BUFFER_FLAG_SET (buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED);
      buffer = gst_harness_push_and_pull (h, buffer);
      test_assert_halves (gst_buffer_get_unet_seg_meta (buffer), 1, 0, 1);
      gst_buffer_unref (buffer);
    }
  }
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
formats_suite (void)
{
  Suite *suite = suite_create ("formats");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_formats);
  tcase_add_test (tcase, test_tiny);
  tcase_add_test (tcase, test_larger_meta);
  tcase_add_test (tcase, test_misfits);
  tcase_add_test (tcase, test_short_rows);
  tcase_add_test (tcase, test_refused);
  tcase_add_test (tcase, test_several_frames_in_one);
  tcase_add_test (tcase, test_interleaved);
  return suite;
}

GST_CHECK_MAIN (formats);
