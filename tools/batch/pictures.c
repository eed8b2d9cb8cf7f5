/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames that become a file each. */

#include "batch/task.h"
#include "lib/picture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

static void
note_error (BatchTask *task, gint error)
{
  g_mutex_lock (&task->mutex);
  if (task->png_error == 0)
    task->png_error = error != 0 ? error : EIO;
  g_mutex_unlock (&task->mutex);
}

/* unetsegdraw gives probabilities where there is one class. */
static void
to_classes (guint8 *dst, const GstVideoFrame *frame, guint8 least)
{
  guint width = GST_VIDEO_FRAME_WIDTH (frame);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame);

  for (guint y = 0; y < height; y++) {
    const guint8 *src = (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, 0)
        + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);

    if (least == 0)
      memcpy (dst + (gsize) y * width, src, width);
    for (guint x = 0; least > 0 && x < width; x++)
      dst[(gsize) y * width + x] = src[x] >= least;
  }
}

/* 0: pixels are classes already. */
static guint8
least_probability (BatchTask *task)
{
  gdouble threshold = .5;

  if (g_atomic_int_get (&task->n_classes) > 2)
    return 0;
  g_object_get (task->segmenter, "threshold", &threshold, NULL);
  return CLAMP (threshold * 255 + .5, 1, 255);
}

static void
write_mask (BatchTask *task, const GstVideoFrame *frame)
{
  guint width = GST_VIDEO_FRAME_WIDTH (frame);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame);
  guint8 *classes = g_malloc ((gsize) width * height);
  g_autofree gchar *name = NULL, *path = NULL;
  g_autoptr (GError) error = NULL;

  name = g_strdup_printf ("%06u.png", task->n_masks++);
  path = g_build_filename (task->folder, "masks", name, NULL);
  to_classes (classes, frame, least_probability (task));
  errno = 0;
  if (!tool_picture_save_indexed (
          path, classes, width, height, task->palette, 256, &error))
    note_error (task, errno);
  g_free (classes);
}

void
batch_pictures_mask (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchTask *task)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstVideoFrame frame;
  GstVideoInfo info;

  if (task->rehearse || caps == NULL || !gst_video_info_from_caps (&info, caps)
      || !gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ))
    return;
  write_mask (task, &frame);
  gst_video_frame_unmap (&frame);
}

void
batch_pictures_thumbnail (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchTask *task)
{
  g_autofree gchar *name = g_strdup_printf ("%u.jpg", task->n_thumbnails++);
  g_autofree gchar *path =
      g_build_filename (task->folder, ".report", name, NULL);
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  if (!g_file_set_contents_full (path, (const gchar *) map.data, map.size,
          G_FILE_SET_CONTENTS_NONE, 0666, NULL))
    note_error (task, errno);
  gst_buffer_unmap (buffer, &map);
}
