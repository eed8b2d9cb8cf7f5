/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "picture.h"

#include <math.h>

void
test_info_init (
    GstVideoInfo *info, GstVideoFormat format, guint width, guint height)
{
  gst_video_info_init (info);
  gst_video_info_set_format (info, format, width, height);
}

guint8 *
test_random_bytes (GRand *rand, guint n)
{
  guint8 *bytes = g_malloc (n);

  for (guint i = 0; i < n; i++)
    bytes[i] = (guint8) g_rand_int (rand);
  return bytes;
}

/* ---- memory ----------------------------------------------------------- */

/* Returns how many bytes of a row belong to the picture. */
static guint
row_bytes (const GstVideoInfo *info, guint plane)
{
  /* GStreamer's own stride is the row rounded up to four bytes or more. Only
   * formats with simple rows get other strides. */
  guint bytes = 0;

  for (guint i = 0; i < info->finfo->n_components; i++) {
    const guint step = info->finfo->pixel_stride[i];

    if (info->finfo->plane[i] != plane)
      continue;
    bytes = MAX (bytes,
        GST_VIDEO_FORMAT_INFO_SCALE_WIDTH (info->finfo, i, info->width) * step);
  }
  return bytes;
}

static gboolean
has_simple_rows (const GstVideoInfo *info)
{
  return !(info->finfo->flags
      & (GST_VIDEO_FORMAT_FLAG_TILED | GST_VIDEO_FORMAT_FLAG_COMPLEX
          | GST_VIDEO_FORMAT_FLAG_PALETTE));
}

static guint
plane_rows (const GstVideoInfo *info, guint plane)
{
  guint rows = 0;

  for (guint i = 0; i < info->finfo->n_components; i++)
    if (info->finfo->plane[i] == plane)
      rows = MAX (rows,
          (guint) GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT (
              info->finfo, i, info->height));
  return rows;
}

static void
choose_strides (GstVideoInfo *info, GRand *rand)
{
  gsize offset = g_rand_int_range (rand, 0, 80);

  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    /* Odd strides occur too, so that 16-bit samples are not aligned. */
    const guint stride = row_bytes (info, p) + g_rand_int_range (rand, 0, 40);

    info->offset[p] = offset;
    info->stride[p] = stride;
    offset +=
        (gsize) stride * plane_rows (info, p) + g_rand_int_range (rand, 0, 80);
  }
  info->size = offset;
}

static void
wave (const GstVideoInfo *info, GstVideoFrame *frame, guint seed)
{
  const GstVideoFormatInfo *finfo = info->finfo;
  const GstVideoFormatInfo *unpacked =
      gst_video_format_get_info (finfo->unpack_format);
  const gboolean deep = GST_VIDEO_FORMAT_INFO_BITS (unpacked) == 16;
  const guint lines = finfo->pack_lines;
  guint16 *line = g_new0 (guint16, (gsize) info->width * 4 + 64);

  for (gint y = 0; y < info->height; y += (gint) MAX (lines, 1)) {
    for (gint x = 0; x < info->width; x++) {
      for (guint c = 0; c < 4; c++) {
        const gdouble v = 0.5
            + 0.3 * sin (0.031 * (c + 1 + seed) * x + 0.7 * c)
                * cos (0.027 * (4 - c) * y + 0.4 * c);

        if (deep)
          line[4 * x + c] = (guint16) (v * 65535);
        else
          ((guint8 *) line)[4 * x + c] = (guint8) (v * 255);
      }
    }
    finfo->pack_func (finfo, GST_VIDEO_PACK_FLAG_NONE, line, 0, frame->data,
        frame->info.stride, info->chroma_site, y, info->width);
  }
  g_free (line);
}

static void
map (TestFrame *self, const GstVideoInfo *layout)
{
  gsize offset[GST_VIDEO_MAX_PLANES];
  gint stride[GST_VIDEO_MAX_PLANES];

  memcpy (offset, layout->offset, sizeof offset);
  memcpy (stride, layout->stride, sizeof stride);
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (layout); p++)
    offset[p] += 64;
  self->buffer = gst_buffer_new_wrapped_full (
      0, self->memory, self->size, 0, self->size, NULL, NULL);
  gst_buffer_add_video_meta_full (self->buffer, 0,
      GST_VIDEO_INFO_FORMAT (layout), layout->width, layout->height,
      GST_VIDEO_INFO_N_PLANES (layout), offset, stride);
  if (!gst_video_frame_map (
          &self->frame, &self->info, self->buffer, GST_MAP_READWRITE))
    g_error ("cannot map a frame");
}

/* Sets the unused bits in the words of 10- or 12-bit samples to zero. */
static void
mask_words (TestFrame *self)
{
  const GstVideoFormatInfo *finfo = self->info.finfo;
  const guint16 mask =
      (guint16) (((1u << finfo->depth[0]) - 1) << finfo->shift[0]);

  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (&self->info); p++)
    for (guint y = 0; y < plane_rows (&self->info, p); y++) {
      guint8 *row =
          (guint8 *) self->frame.data[p] + y * self->frame.info.stride[p];

      for (guint i = 0; i + 1 < row_bytes (&self->info, p); i += 2) {
        guint16 word;

        memcpy (&word, row + i, 2);
        word &= mask;
        memcpy (row + i, &word, 2);
      }
    }
}

void
test_frame_init (TestFrame *self, const GstVideoInfo *info, GRand *rand,
    TestContent content, gboolean pad)
{
  GstVideoInfo layout = *info;

  memset (self, 0, sizeof *self);
  self->info = *info;
  if (pad && has_simple_rows (info))
    choose_strides (&layout, rand);
  /* The memory has a guard of 64 bytes before and after the frame. */
  self->size = layout.size + 128;
  self->memory = g_malloc (self->size);
  for (gsize i = 0; i < self->size; i++)
    self->memory[i] = (guint8) g_rand_int (rand);
  map (self, &layout);
  if (info->finfo->depth[0] > 8 && has_simple_rows (info))
    mask_words (self);
  if (content == TEST_SMOOTH)
    wave (info, &self->frame, g_rand_int_range (rand, 0, 4));
}

void
test_frame_copy (TestFrame *copy, const TestFrame *self)
{
  GstVideoInfo layout = self->frame.info;

  memset (copy, 0, sizeof *copy);
  copy->info = self->info;
  copy->size = self->size;
  copy->memory = g_memdup2 (self->memory, self->size);
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (&layout); p++)
    layout.offset[p] =
        (gsize) ((guint8 *) self->frame.data[p] - self->memory) - 64;
  map (copy, &layout);
}

void
test_frame_copy_picture (TestFrame *to, const TestFrame *from)
{
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (&from->info); p++)
    for (guint y = 0; y < plane_rows (&from->info, p); y++)
      memcpy ((guint8 *) to->frame.data[p] + y * to->frame.info.stride[p],
          (guint8 *) from->frame.data[p] + y * from->frame.info.stride[p],
          row_bytes (&from->info, p));
}

void
test_frame_clear (TestFrame *self)
{
  gst_video_frame_unmap (&self->frame);
  gst_buffer_unref (self->buffer);
  g_free (self->memory);
}

/* Copies the picture to a frame with padded rows. Formats that need GStreamer's
 * own strides are only moved. */
static void
copy_padded (TestFrame *frame, TestFrame *picture, GRand *rand)
{
  const GstVideoFormat format = GST_VIDEO_INFO_FORMAT (&picture->info);
  const gboolean pad = format != GST_VIDEO_FORMAT_RGB16
      && format != GST_VIDEO_FORMAT_v210;

  if (!pad) {
    *frame = *picture;
    return;
  }
  test_frame_init (frame, &picture->info, rand, TEST_NOISE, TRUE);
  test_frame_copy_picture (frame, picture);
  test_frame_clear (picture);
}

void
test_frame_init_smooth (TestFrame *frame, const GstVideoInfo *info, GRand *rand)
{
  TestFrame picture;

  test_frame_init (&picture, info, rand, TEST_SMOOTH, FALSE);
  copy_padded (frame, &picture, rand);
}

/* Mixes two colours by @alpha, where 255 is the brighter one. */
static void
paint_mixed (TestFrame *frame, const guint8 *alpha)
{
  static const gint front[3] = { 200, 190, 120 }, back[3] = { 40, 60, 90 };
  GstVideoInfo info;
  GstVideoFrame from;
  GstBuffer *buffer;
  GstVideoConverter *converter;

  gst_video_info_init (&info);
  gst_video_info_set_format (
      &info, GST_VIDEO_FORMAT_RGB, frame->info.width, frame->info.height);
  info.fps_n = frame->info.fps_n;
  info.fps_d = frame->info.fps_d;
  buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
  gst_video_frame_map (&from, &info, buffer, GST_MAP_READWRITE);
  for (gint y = 0; y < info.height; y++)
    for (gint x = 0; x < info.width; x++) {
      guint8 *pixel = (guint8 *) from.data[0] + y * from.info.stride[0] + 3 * x;

      for (guint c = 0; c < 3; c++)
        pixel[c] = (guint8) (back[c]
            + (front[c] - back[c]) * alpha[y * info.width + x] / 255);
    }
  converter = gst_video_converter_new (&info, &frame->info, NULL);
  gst_video_converter_frame (converter, &from, &frame->frame);
  gst_video_converter_free (converter);
  gst_video_frame_unmap (&from);
  gst_buffer_unref (buffer);
}

void
test_frame_init_mixed (TestFrame *frame, const GstVideoInfo *info, GRand *rand,
    const guint8 *alpha)
{
  TestFrame picture;

  test_frame_init (&picture, info, rand, TEST_NOISE, FALSE);
  paint_mixed (&picture, alpha);
  copy_padded (frame, &picture, rand);
}

void
test_frame_init_halves (
    TestFrame *frame, const GstVideoInfo *info, GRand *rand, guint column)
{
  const guint width = (guint) info->width, height = (guint) info->height;
  guint8 *alpha = g_malloc ((gsize) width * height);

  for (guint i = 0; i < width * height; i++)
    alpha[i] = i % width < column ? 255 : 0;
  test_frame_init_mixed (frame, info, rand, alpha);
  g_free (alpha);
}

/* ---- samples ---------------------------------------------------------- */

/* Reads an unpacked line, which has alpha first and stores grey as Y of AYUV.
 */
static void
read_line (TestPlane *planes, guint n, const GstVideoFormatInfo *finfo,
    const void *line, guint y)
{
  const GstVideoFormatInfo *unpacked =
      gst_video_format_get_info (finfo->unpack_format);
  const gboolean deep = GST_VIDEO_FORMAT_INFO_BITS (unpacked) == 16;

  for (guint c = 0; c < n; c++) {
    TestPlane *plane = &planes[c];
    const guint k = c == 3 ? 0 : c + 1;
    const guint depth = MIN (finfo->depth[c], deep ? 16 : 8);
    const guint row = y >> plane->h_sub;

    if (y & ((1u << plane->h_sub) - 1))
      continue;
    for (guint x = 0; x < plane->width; x++) {
      const guint at = 4 * (x << plane->w_sub) + k;
      const guint v = deep ? ((const guint16 *) line)[at] >> (16 - depth)
                           : ((const guint8 *) line)[at] >> (8 - depth);

      plane->samples[(gsize) row * plane->width + x] = v;
    }
  }
}

static guint
read_planes (TestPlane *planes, const GstVideoFrame *frame, guint limit)
{
  const GstVideoFormatInfo *finfo = frame->info.finfo;
  const guint width = frame->info.width, height = frame->info.height;
  const guint n = MIN (finfo->n_components, limit);
  guint16 *line = g_new0 (guint16, (gsize) width * 4 + 64);

  for (guint c = 0; c < n; c++) {
    planes[c].w_sub = finfo->w_sub[c];
    planes[c].h_sub = finfo->h_sub[c];
    planes[c].width = GST_VIDEO_SUB_SCALE (finfo->w_sub[c], width);
    planes[c].height = GST_VIDEO_SUB_SCALE (finfo->h_sub[c], height);
    planes[c].samples =
        g_new0 (gdouble, (gsize) planes[c].width * planes[c].height);
  }
  for (guint y = 0; y < height; y++) {
    finfo->unpack_func (finfo, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, line,
        frame->data, frame->info.stride, 0, y, width);
    read_line (planes, n, finfo, line, y);
  }
  g_free (line);
  return n;
}

guint
test_planes_read (TestPlane planes[3], const GstVideoFrame *frame)
{
  return read_planes (planes, frame, 3);
}

guint
test_planes_read_alpha (TestPlane planes[4], const GstVideoFrame *frame)
{
  return read_planes (planes, frame, 4);
}

void
test_planes_clear (TestPlane *planes, guint n)
{
  for (guint i = 0; i < n; i++)
    g_free (planes[i].samples);
}
