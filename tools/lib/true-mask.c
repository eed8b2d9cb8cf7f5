/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/true-mask.h"

#include "lib/class-score.h"
#include "lib/mask-file.h"
#include "lib/picture-input.h"
#include "lib/picture.h"
#include "lib/status.h"

#include <string.h>

gchar *
tool_true_mask_path (const gchar *masks, const gchar *name)
{
  const gchar *dot = strrchr (name, '.');
  g_autofree gchar *stem = g_strndup (name, dot - name);
  g_autofree gchar *file = g_strconcat (stem, ".png", NULL);

  return g_build_filename (masks, file, NULL);
}

guint8 *
tool_mask_read_bright (const GstVideoFrame *frame)
{
  guint width = GST_VIDEO_FRAME_WIDTH (frame);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame);
  guint8 *bright = g_malloc ((gsize) width * height), *at = bright;

  for (guint y = 0; y < height; y++) {
    const guint8 *row = (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, 0)
        + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);

    for (guint x = 0; x < width; x++)
      *at++ = row[4 * x] > 127;
  }
  return bright;
}

guint8 *
tool_true_mask_load_numbers (const gchar *masks, const gchar *name,
    const GstVideoInfo *video, GError **error)
{
  guint width = GST_VIDEO_INFO_WIDTH (video);
  guint height = GST_VIDEO_INFO_HEIGHT (video);
  g_autofree gchar *path = tool_true_mask_path (masks, name);
  g_autoptr (GstSample) sample = NULL;
  GstVideoFrame frame;
  GstVideoInfo info;
  guint8 *numbers;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return memset (g_malloc ((gsize) width * height), TOOL_CLASS_UNKNOWN,
        (gsize) width * height);
  sample = tool_picture_load (path, error);
  if (sample == NULL)
    return NULL;
  gst_video_info_from_caps (&info, gst_sample_get_caps (sample));
  if (GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_GRAY8
      || GST_VIDEO_INFO_WIDTH (&info) != (gint) width
      || GST_VIDEO_INFO_HEIGHT (&info) != (gint) height) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_PICTURE,
        "%s: %dx%d in %s; --classes needs %ux%u in 8 bits of grey", path,
        GST_VIDEO_INFO_WIDTH (&info), GST_VIDEO_INFO_HEIGHT (&info),
        GST_VIDEO_INFO_NAME (&info), width, height);
    return NULL;
  }
  if (!tool_picture_map (
          &frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ, error))
    return NULL;
  numbers = tool_mask_copy_rows (&frame);
  gst_video_frame_unmap (&frame);
  return numbers;
}

guint8 *
tool_true_mask_load (const gchar *masks, const gchar *name,
    const GstVideoInfo *video, GError **error)
{
  guint width = GST_VIDEO_INFO_WIDTH (video);
  guint height = GST_VIDEO_INFO_HEIGHT (video);
  g_autofree gchar *path = masks ? tool_true_mask_path (masks, name) : NULL;
  g_autoptr (GstSample) sample = NULL;
  GstVideoFrame frame;
  GstVideoInfo info;
  guint8 *truth;

  if (path == NULL || !g_file_test (path, G_FILE_TEST_EXISTS))
    return g_malloc0 ((gsize) width * height);
  sample = tool_picture_load_rgb (path, error);
  if (sample == NULL)
    return NULL;
  gst_video_info_from_caps (&info, gst_sample_get_caps (sample));
  if (GST_VIDEO_INFO_WIDTH (&info) != (gint) width
      || GST_VIDEO_INFO_HEIGHT (&info) != (gint) height) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_PICTURE,
        "%s: %dx%d, its picture is %ux%u", path, GST_VIDEO_INFO_WIDTH (&info),
        GST_VIDEO_INFO_HEIGHT (&info), width, height);
    return NULL;
  }
  if (!tool_picture_map (
          &frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ, error))
    return NULL;
  truth = tool_mask_read_bright (&frame);
  gst_video_frame_unmap (&frame);
  return truth;
}
