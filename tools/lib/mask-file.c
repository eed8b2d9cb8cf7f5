/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/mask-file.h"

#include "frame/draw/mask-picture.h"
#include "frame/draw/palette.h"
#include "lib/picture-input.h"
#include "lib/picture.h"

#include <string.h>

static gboolean
save (const guint8 *pixels, guint n_classes, const gchar *path, guint width,
    guint height, GError **error)
{
  guint32 colors[256];

  if (n_classes <= 2)
    return tool_picture_save_gray (path, pixels, width, height, error);
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    colors[i] = i > 0 ? unet_palette_default (i) & 0xffffff : 0;
  return tool_picture_save_indexed (
      path, pixels, width, height, colors, n_classes, error);
}

gboolean
tool_mask_save (const UnetMask *mask, const gchar *path, GError **error)
{
  return save (mask->n_classes <= 2 ? mask->probability : mask->class_map,
      mask->n_classes, path, mask->width, mask->height, error);
}

guint8 *
tool_mask_copy_rows (const GstVideoFrame *frame)
{
  guint width = GST_VIDEO_FRAME_WIDTH (frame);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame);
  guint8 *pixels = g_malloc ((gsize) width * height);

  for (guint y = 0; y < height; y++)
    memcpy (pixels + (gsize) y * width,
        (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, 0)
            + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0),
        width);
  return pixels;
}

guint8 *
tool_mask_draw_at_size (const UnetMask *mask, guint width, guint height,
    gdouble threshold, GError **error)
{
  g_autoptr (GstBuffer) buffer = NULL;
  guint8 *pixels;
  UnetMaskPicture *picture;
  GstVideoFrame frame;
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_GRAY8, width, height);
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  if (!tool_picture_map (&frame, &info, buffer, GST_MAP_READWRITE, error))
    return NULL;
  picture = unet_mask_picture_new (width, height);
  unet_mask_picture_draw (picture, &frame, mask, threshold);
  unet_mask_picture_free (picture);
  pixels = tool_mask_copy_rows (&frame);
  gst_video_frame_unmap (&frame);
  return pixels;
}

gboolean
tool_mask_save_at_size (const UnetMask *mask, const gchar *path, guint width,
    guint height, gdouble threshold, GError **error)
{
  g_autofree guint8 *pixels =
      tool_mask_draw_at_size (mask, width, height, threshold, error);

  return pixels != NULL
      && save (pixels, mask->n_classes, path, width, height, error);
}
