/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/picture-input.h"

#include "frame/input/preprocess.h"
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
tool_picture_to_tensor (GstSample *sample, const GstVideoInfo *info,
    const UnetContract *contract, const UnetPlacement *placement, guint width,
    guint height, gfloat *tensor, GError **error)
{
  UnetPreprocess *preprocess =
      unet_preprocess_new (info, contract, width, height, placement, error);
  GstVideoFrame frame;
  gboolean ok;

  if (preprocess == NULL)
    return FALSE;
  ok = tool_picture_map (
      &frame, info, gst_sample_get_buffer (sample), GST_MAP_READ, error);
  if (ok) {
    unet_preprocess_run (preprocess, &frame, tensor);
    gst_video_frame_unmap (&frame);
  }
  unet_preprocess_free (preprocess);
  return ok;
}

gboolean
tool_picture_to_session (GstSample *sample, const UnetContract *contract,
    UnetSession *session, guint input, guint width, guint height,
    GError **error)
{
  UnetPlacement placement;
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, gst_sample_get_caps (sample))) {
    g_set_error_literal (
        error, TOOL_ERROR, TOOL_ERROR_PICTURE, "the picture has no format");
    return FALSE;
  }
  unet_placement_init (&placement, contract->fit, GST_VIDEO_INFO_WIDTH (&info),
      GST_VIDEO_INFO_HEIGHT (&info), GST_VIDEO_INFO_PAR_N (&info),
      GST_VIDEO_INFO_PAR_D (&info), width, height, 0, 0, width, height);
  return tool_picture_to_tensor (sample, &info, contract, &placement, width,
      height, unet_session_get_input_data (session, input), error);
}
