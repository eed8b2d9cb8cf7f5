/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/picture-input.h"

#include "lib/status.h"

gboolean
tool_picture_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, GstMapFlags flags, GError **error)
{
  if (gst_video_frame_map (frame, info, buffer, flags))
    return TRUE;
  g_set_error_literal (
      error, TOOL_ERROR, TOOL_ERROR_PICTURE, "the picture cannot be mapped");
  return FALSE;
}

gboolean
tool_picture_read (GstSample *sample, UnetFramePath *path, UnetSession *session,
    GError **error)
{
  GstVideoFrame frame;

  if (!tool_picture_map (&frame, &path->info, gst_sample_get_buffer (sample),
          GST_MAP_READ, error))
    return FALSE;
  unet_frame_path_read (path, session, &frame, 0, 0);
  gst_video_frame_unmap (&frame);
  return TRUE;
}

gboolean
tool_picture_to_session (GstSample *sample, const UnetContract *contract,
    UnetSession *session, guint input, GError **error)
{
  g_autoptr (UnetContract) whole = unet_contract_copy (contract);
  GstVideoInfo info;
  const UnetFrameKind kind = { &info, GST_VIDEO_ORIENTATION_IDENTITY, whole,
    input, 0 };
  UnetFramePath *path;
  gboolean ok;

  if (!gst_video_info_from_caps (&info, gst_sample_get_caps (sample))) {
    g_set_error_literal (
        error, TOOL_ERROR, TOOL_ERROR_PICTURE, "the picture has no format");
    return FALSE;
  }
  if (whole->fit == UNET_FIT_TILE)
    whole->fit = UNET_FIT_STRETCH;
  whole->tta = FALSE;
  path = unet_frame_path_new_reader (&kind, session, error);
  if (path == NULL)
    return FALSE;
  ok = tool_picture_read (sample, path, session, error);
  unet_frame_path_unref (path);
  return ok;
}

gboolean
tool_mask_map (const UnetFramePath *path, const UnetMaskBuffers *buffers,
    UnetMaskMap *map, GError **error)
{
  if (unet_mask_buffers_map (buffers, &path->shape, GST_MAP_READ, map))
    return TRUE;
  g_set_error_literal (
      error, TOOL_ERROR, TOOL_ERROR_PICTURE, "the mask cannot be mapped");
  return FALSE;
}
