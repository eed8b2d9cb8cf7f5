/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/mask-files.h"

#include "lib/picture.h"

#include <errno.h>
#include <gst/video/video.h>
#include <string.h>

struct _BatchMaskFiles {
  const BatchSetup *setup;
  GstElement *segmenter;
  guint n_written;      /* by the thread of the branch */
  gint n_classes;       /* atomic: 0 before the first mask */
  guint32 palette[256]; /* 0xRRGGBB, written before n_classes */
  gint error;           /* atomic: errno of a file */
};

BatchMaskFiles *
batch_mask_files_new (const BatchSetup *setup, GstElement *segmenter)
{
  BatchMaskFiles *self = g_new0 (BatchMaskFiles, 1);

  self->setup = setup;
  self->segmenter = gst_object_ref (segmenter);
  return self;
}

void
batch_mask_files_free (BatchMaskFiles *self)
{
  if (self == NULL)
    return;
  gst_object_unref (self->segmenter);
  g_free (self);
}

void
batch_mask_files_reset (BatchMaskFiles *self)
{
  self->n_written = 0;
  g_atomic_int_set (&self->error, 0);
}

const gchar *
batch_mask_files_describe (void)
{
  return " tee. ! queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! "
         "unetsegdraw output=mask name=masks-draw ! "
         "fakesink name=masks async=false sync=false signal-handoffs=true";
}

void
batch_mask_files_set_classes (
    BatchMaskFiles *self, const UnetSegClasses *classes)
{
  const guint n = unet_seg_classes_get_n_classes (classes);

  if (g_atomic_int_get (&self->n_classes) == (gint) n)
    return;
  for (guint i = 1; i < G_N_ELEMENTS (self->palette); i++)
    self->palette[i] = unet_seg_classes_get_color (classes, i) & 0xffffff;
  g_atomic_int_set (&self->n_classes, (gint) n);
}

gint
batch_mask_files_get_error (BatchMaskFiles *self)
{
  return g_atomic_int_get (&self->error);
}

/* With one class, unetsegdraw writes probabilities: pixels of at least @least
 * are of the class. @least 0: pixels are classes already. */
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

static guint8
least_probability (BatchMaskFiles *self)
{
  gdouble threshold = .5;

  if (g_atomic_int_get (&self->n_classes) > 2)
    return 0;
  g_object_get (self->segmenter, "threshold", &threshold, NULL);
  return CLAMP (threshold * 255 + .5, 1, 255);
}

static void
write_mask (BatchMaskFiles *self, const GstVideoFrame *frame)
{
  guint width = GST_VIDEO_FRAME_WIDTH (frame);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame);
  g_autofree guint8 *classes = g_malloc ((gsize) width * height);
  g_autofree gchar *name = g_strdup_printf ("%06u.png", self->n_written++);
  g_autofree gchar *path =
      g_build_filename (self->setup->folder, "masks", name, NULL);

  to_classes (classes, frame, least_probability (self));
  errno = 0;
  if (!tool_picture_save_indexed (
          path, classes, width, height, self->palette, 256, NULL))
    g_atomic_int_set (&self->error, errno != 0 ? errno : EIO);
}

static void
on_mask (GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchMaskFiles *self)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstVideoFrame frame;
  GstVideoInfo info;

  if (self->setup->rehearse || caps == NULL
      || !gst_video_info_from_caps (&info, caps)
      || !gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ))
    return;
  write_mask (self, &frame);
  gst_video_frame_unmap (&frame);
}

void
batch_mask_files_connect (BatchMaskFiles *self, GstBin *pipeline)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (pipeline, "masks");

  if (sink != NULL)
    g_signal_connect (sink, "handoff", G_CALLBACK (on_mask), self);
}
