/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

static gboolean complaint_expected;
static guint n_complaints;

static void
take_complaint (const gchar *domain, GLogLevelFlags level, const gchar *message,
    gpointer data)
{
  n_complaints++;
  fail_unless (complaint_expected, "%s: %s", domain, message);
}

void
test_watch_log (void)
{
  g_log_set_handler ("unetseg", G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING,
      take_complaint, NULL);
}

void
test_expect_complaint (gboolean expect)
{
  fail_unless (expect || n_complaints == 1, "%u complaints", n_complaints);
  complaint_expected = expect;
  n_complaints = 0;
}

gchar *
test_model (const gchar *name)
{
  g_autofree gchar *file = g_strconcat (name, ".onnx", NULL);
  const gchar *folder = g_getenv ("UNETSEG_TEST_MODELS");

  g_assert_nonnull (folder);
  return g_build_filename (folder, file, NULL);
}

GstHarness *
test_harness_new (const gchar *model, const gchar *properties)
{
  g_autofree gchar *path = test_model (model);
  g_autofree gchar *launch =
      g_strdup_printf ("unetseg async=false model=\"%s\" %s", path,
          properties ? properties : "");
  GstElement *element = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_bus_new ();
  GstHarness *h;

  fail_unless (element != NULL, "no element for '%s'", launch);
  gst_element_set_bus (element, bus);
  gst_object_unref (bus);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  return h;
}

void
test_harness_free (GstHarness *h)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (h->element);

  /* The messages on the bus hold the element, which holds the bus. Flushing
   * ends that cycle. */
  gst_bus_set_flushing (bus, TRUE);
  gst_harness_teardown (h);
}

guint
test_count_messages (GstHarness *h, GstMessageType types)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (h->element);
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, types))) {
    gst_message_unref (message);
    n++;
  }
  return n;
}

GstCaps *
test_caps (GstVideoFormat format, guint width, guint height)
{
  return gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
      gst_video_format_to_string (format), "width", G_TYPE_INT, width, "height",
      G_TYPE_INT, height, "framerate", GST_TYPE_FRACTION, 30, 1, NULL);
}

void
test_harness_set_format (
    GstHarness *h, GstVideoFormat format, guint width, guint height)
{
  gst_harness_set_src_caps (h, test_caps (format, width, height));
}

guint64
test_stat (GstElement *element, const gchar *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);
  return value;
}

/* ---- frames ----------------------------------------------------------- */

static void
paint_rgba (guint8 *pixels, guint width, guint height, TestPicture picture)
{
  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++) {
      guint8 *p = pixels + 4 * (y * width + x);
      guint stripe = 4 * x / width;
      guint8 white = picture == TEST_HALF && x < width / 2 ? 255 : 0;

      memset (p, white, 3);
      if (picture == TEST_STRIPES && stripe > 0)
        p[stripe - 1] = 255;
      p[3] = 255;
    }
  }
}

static GstBuffer *
plain_frame (const GstVideoInfo *info, TestPicture picture)
{
  guint width = GST_VIDEO_INFO_WIDTH (info);
  guint height = GST_VIDEO_INFO_HEIGHT (info);
  GstBuffer *master, *buffer;
  GstVideoFrame from, to;
  GstVideoConverter *converter;
  GstVideoInfo rgba;
  GstMapInfo map;

  gst_video_info_set_interlaced_format (&rgba, GST_VIDEO_FORMAT_RGBA,
      GST_VIDEO_INFO_INTERLACE_MODE (info), width, height);
  rgba.fps_n = info->fps_n;
  rgba.fps_d = info->fps_d;
  rgba.par_n = info->par_n;
  rgba.par_d = info->par_d;
  master = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&rgba), NULL);
  gst_buffer_map (master, &map, GST_MAP_WRITE);
  paint_rgba (map.data, width, height, picture);
  gst_buffer_unmap (master, &map);

  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  gst_buffer_memset (buffer, 0, 0, -1);
  converter = gst_video_converter_new (&rgba, info, NULL);
  fail_unless (gst_video_frame_map (&from, &rgba, master, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&to, info, buffer, GST_MAP_WRITE));
  gst_video_converter_frame (converter, &from, &to);
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  gst_video_converter_free (converter);
  gst_buffer_unref (master);
  return buffer;
}

static void
add_meta (GstBuffer *buffer, const GstVideoInfo *info)
{
  GstVideoInfo copy = *info;

  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), GST_VIDEO_INFO_N_PLANES (info), copy.offset,
      copy.stride);
}

/* Copies whole rows, because gst_video_frame_copy() leaves out chroma of odd
 * widths. */
static void
copy_rows (GstVideoFrame *to, const GstVideoFrame *from)
{
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (to); i++) {
    gint comp[GST_VIDEO_MAX_COMPONENTS], rows;
    const guint8 *s = GST_VIDEO_FRAME_PLANE_DATA (from, i);
    guint8 *d = GST_VIDEO_FRAME_PLANE_DATA (to, i);

    gst_video_format_info_component (to->info.finfo, i, comp);
    rows = GST_VIDEO_FRAME_COMP_HEIGHT (to, comp[0]);
    for (gint y = 0; y < rows; y++)
      memcpy (d + y * GST_VIDEO_FRAME_PLANE_STRIDE (to, i),
          s + y * GST_VIDEO_FRAME_PLANE_STRIDE (from, i),
          GST_VIDEO_FRAME_PLANE_STRIDE (from, i));
  }
}

static GstBuffer *
padded_frame (const GstVideoInfo *info, GstBuffer *plain)
{
  GstVideoInfo padded = *info;
  GstVideoFrame from, to;
  GstBuffer *buffer;
  gsize size = 24;

  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++) {
    gsize end = i + 1 < GST_VIDEO_INFO_N_PLANES (info)
        ? GST_VIDEO_INFO_PLANE_OFFSET (info, i + 1)
        : GST_VIDEO_INFO_SIZE (info);
    gsize bytes = end - GST_VIDEO_INFO_PLANE_OFFSET (info, i);

    padded.offset[i] = size;
    /* The stride of a tiled format is a number of tiles. */
    if (!GST_VIDEO_FORMAT_INFO_IS_TILED (info->finfo)) {
      padded.stride[i] += 20 + 4 * i;
      bytes = bytes / info->stride[i] * padded.stride[i];
    }
    size += bytes + 40;
  }
  buffer = gst_buffer_new_allocate (NULL, size, NULL);
  gst_buffer_memset (buffer, 0, TEST_GUARD, -1);
  add_meta (buffer, &padded);
  fail_unless (gst_video_frame_map (&from, info, plain, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&to, info, buffer, GST_MAP_READWRITE));
  if (GST_VIDEO_FORMAT_INFO_IS_TILED (info->finfo))
    gst_video_frame_copy (&to, &from);
  else
    copy_rows (&to, &from);
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  return buffer;
}

static void
append_part (GstBuffer *buffer, GstBuffer *plain, gsize from, gsize to)
{
  GstMemory *memory = gst_allocator_alloc (NULL, to - from, NULL);
  GstMapInfo map;

  gst_memory_map (memory, &map, GST_MAP_WRITE);
  gst_buffer_extract (plain, from, map.data, to - from);
  gst_memory_unmap (memory, &map);
  gst_buffer_append_memory (buffer, memory);
}

static GstBuffer *
split_frame (const GstVideoInfo *info, GstBuffer *plain, TestLayout layout)
{
  GstBuffer *buffer = gst_buffer_new ();
  gsize size = GST_VIDEO_INFO_SIZE (info);

  if (layout == TEST_PLANES || layout == TEST_PLANES_BARE) {
    for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++)
      append_part (buffer, plain, GST_VIDEO_INFO_PLANE_OFFSET (info, i),
          i + 1 < GST_VIDEO_INFO_N_PLANES (info)
              ? GST_VIDEO_INFO_PLANE_OFFSET (info, i + 1)
              : size);
  } else {
    append_part (buffer, plain, 0, size / 3 + 1);
    append_part (buffer, plain, size / 3 + 1, size / 2 + 5);
    append_part (buffer, plain, size / 2 + 5, size);
  }
  if (layout == TEST_PLANES || layout == TEST_SCATTERED_META)
    add_meta (buffer, info);
  return buffer;
}

GstBuffer *
test_frame_new (
    const GstVideoInfo *info, TestPicture picture, TestLayout layout)
{
  GstBuffer *plain = plain_frame (info, picture), *buffer;

  if (layout == TEST_PLAIN)
    return plain;
  buffer = layout == TEST_PADDED ? padded_frame (info, plain)
                                 : split_frame (info, plain, layout);
  gst_buffer_unref (plain);
  return buffer;
}

GstBuffer *
test_frame_at (GstHarness *h, TestPicture picture, guint index)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (h->srcpad);
  GstVideoInfo info;
  GstBuffer *buffer;

  fail_unless (gst_video_info_from_caps (&info, caps));
  buffer = test_frame_new (&info, picture, TEST_PLAIN);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (index, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

/* ---- looking at frames and masks -------------------------------------- */

guint8 *
test_unpack (const GstVideoInfo *info, GstBuffer *buffer, guint *pixel_size)
{
  const GstVideoFormatInfo *unpacked =
      gst_video_format_get_info (info->finfo->unpack_format);
  guint width = GST_VIDEO_INFO_WIDTH (info);
  guint height = GST_VIDEO_INFO_HEIGHT (info);
  gsize row = (gsize) width * GST_VIDEO_FORMAT_INFO_PSTRIDE (unpacked, 0);
  guint8 *pixels = g_malloc0 (row * height);
  /* A plane may lie in several memories, so they are merged first. */
  GstBuffer *whole = gst_buffer_copy_deep (buffer);
  GstVideoFrame frame;

  if (gst_buffer_n_memory (whole) > 1)
    gst_buffer_replace_all_memory (whole, gst_buffer_get_all_memory (whole));
  fail_unless (gst_video_frame_map (&frame, info, whole, GST_MAP_READ));
  for (guint y = 0; y < height; y++)
    info->finfo->unpack_func (info->finfo, GST_VIDEO_PACK_FLAG_NONE,
        pixels + y * row, frame.data, frame.info.stride, 0, y, width);
  gst_video_frame_unmap (&frame);
  gst_buffer_unref (whole);
  *pixel_size = GST_VIDEO_FORMAT_INFO_PSTRIDE (unpacked, 0);
  return pixels;
}

static guint8
plane_at (GstBuffer *buffer, guint width, guint x, guint y)
{
  guint8 value = 0;

  fail_unless_equals_int (
      gst_buffer_extract (buffer, y * width + x, &value, 1), 1);
  return value;
}

guint8
test_class_at (const UnetSegMeta *meta, guint x, guint y)
{
  return plane_at (meta->class_map, meta->width, x, y);
}

guint8
test_probability_at (const UnetSegMeta *meta, guint x, guint y)
{
  return plane_at (meta->probability, meta->width, x, y);
}

/* Counts without assertions, because Check sends a message through a pipe for
 * each one. */
guint
test_count_wrong (
    const UnetSegMeta *meta, guint8 left, guint8 right, guint margin)
{
  guint half = meta->width / 2, wrong = 0;
  GstMapInfo map;

  fail_unless (gst_buffer_map (meta->class_map, &map, GST_MAP_READ));
  fail_unless_equals_uint64 (map.size, meta->width * meta->height);
  for (guint y = 0; y < meta->height; y++) {
    for (guint x = 0; x < meta->width; x++) {
      if (x + margin >= half && x < half + margin)
        continue;
      wrong += map.data[y * meta->width + x] != (x < half ? left : right);
    }
  }
  gst_buffer_unmap (meta->class_map, &map);
  return wrong;
}

void
test_assert_halves (
    const UnetSegMeta *meta, guint8 left, guint8 right, guint margin)
{
  guint wrong = test_count_wrong (meta, left, right, margin);

  fail_unless (wrong == 0, "%u pixels of %ux%u are of the wrong class", wrong,
      meta->width, meta->height);
}

GstBuffer *
test_flat_frame (GstHarness *h, guint8 value)
{
  GstBuffer *buffer = test_frame_at (h, TEST_BLACK, 0);

  gst_buffer_memset (buffer, 0, value, -1);
  return buffer;
}

GstHarness *
test_rgb_harness (const gchar *model, const gchar *properties)
{
  GstHarness *h = test_harness_new (model, properties);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  return h;
}

GstBuffer *
test_push (GstHarness *h, GstBuffer *buffer)
{
  GstBuffer *out = gst_harness_push_and_pull (h, buffer);

  fail_unless (gst_buffer_get_unet_seg_meta (out) != NULL);
  return out;
}

guint8
test_class_of_flat (const gchar *model, const gchar *properties, guint8 value)
{
  GstHarness *h = test_rgb_harness (model, properties);
  GstBuffer *out = test_push (h, test_flat_frame (h, value));
  guint8 class_id = test_class_at (gst_buffer_get_unet_seg_meta (out), 0, 0);

  gst_buffer_unref (out);
  test_harness_free (h);
  return class_id;
}

UnetSegMeta *
test_meta_of (GstBuffer *buffer)
{
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (buffer);

  fail_unless (meta != NULL, "no mask");
  return meta;
}

gboolean
test_write_picture (
    const gchar *path, const gchar *pattern, guint width, guint height)
{
  g_autofree gchar *text =
      g_strdup_printf ("videotestsrc num-buffers=1 pattern=%s ! "
                       "video/x-raw,format=RGB,width=%u,height=%u ! pngenc ! "
                       "filesink location=%s",
          pattern, width, height, path);
  GstElement *pipeline =
      gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, NULL);
  GstMessage *message;
  GstBus *bus;

  if (pipeline == NULL)
    return FALSE;
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  return TRUE;
}
