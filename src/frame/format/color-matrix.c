/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/color-matrix.h"

static void
get_luma_weights (const GstVideoInfo *info, gdouble *kr, gdouble *kb)
{
  if (GST_VIDEO_INFO_IS_YUV (info)
      && gst_video_color_matrix_get_Kr_Kb (info->colorimetry.matrix, kr, kb))
    return;
  gst_video_color_matrix_get_Kr_Kb (
      GST_VIDEO_INFO_IS_YUV (info) && info->height > 576
          ? GST_VIDEO_COLOR_MATRIX_BT709
          : GST_VIDEO_COLOR_MATRIX_BT601,
      kr, kb);
}

static void
get_range (const GstVideoInfo *info, gdouble offset[3], gdouble scale[3])
{
  GstVideoColorRange range = info->colorimetry.range;
  gint offsets[GST_VIDEO_MAX_COMPONENTS], scales[GST_VIDEO_MAX_COMPONENTS];

  if (range == GST_VIDEO_COLOR_RANGE_UNKNOWN)
    range = GST_VIDEO_INFO_IS_YUV (info) ? GST_VIDEO_COLOR_RANGE_16_235
                                         : GST_VIDEO_COLOR_RANGE_0_255;
  gst_video_color_range_offsets (range, info->finfo, offsets, scales);
  for (guint i = 0; i < 3; i++) {
    /* Formats of one component only have the first. */
    const guint j = i < info->finfo->n_components ? i : 0;

    offset[i] = offsets[j];
    scale[i] = scales[j];
  }
}

static void
set_yuv (gdouble m[3][3], gdouble kr, gdouble kb)
{
  const gdouble kg = 1 - kr - kb;
  const gdouble rows[3][3] = { { 1, 0, 2 * (1 - kr) },
    { 1, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg },
    { 1, 2 * (1 - kb), 0 } };

  memcpy (m, rows, sizeof rows);
}

static void
set_luma (UnetColorMatrix *matrix, const GstVideoInfo *info,
    const gdouble offset[3], const gdouble scale[3])
{
  const gboolean rgb = matrix->n_components == 3
      && GST_VIDEO_INFO_IS_RGB (info);
  const gdouble weights[3] = { rgb ? 0.299 : 1, rgb ? 0.587 : 0,
    rgb ? 0.114 : 0 };

  for (guint j = 0; j < matrix->n_components; j++) {
    matrix->luma[j] = weights[j] * 255 / scale[j];
    matrix->luma_offset -= matrix->luma[j] * offset[j];
  }
}

void
unet_color_matrix_init (UnetColorMatrix *matrix, const GstVideoInfo *info)
{
  gdouble offset[3], scale[3], kr, kb;

  memset (matrix, 0, sizeof *matrix);
  matrix->n_components = info->finfo->n_components >= 3 ? 3 : 1;
  get_range (info, offset, scale);
  get_luma_weights (info, &kr, &kb);
  if (matrix->n_components == 1) {
    for (guint i = 0; i < 3; i++)
      matrix->m[i][0] = 1;
  } else if (GST_VIDEO_INFO_IS_YUV (info)) {
    set_yuv (matrix->m, kr, kb);
  } else {
    for (guint i = 0; i < 3; i++)
      matrix->m[i][i] = 1;
  }
  set_luma (matrix, info, offset, scale);
  for (guint i = 0; i < 3; i++) {
    for (guint j = 0; j < matrix->n_components; j++) {
      matrix->m[i][j] *= 255 / scale[j];
      matrix->offset[i] -= matrix->m[i][j] * offset[j];
    }
  }
}

void
unet_color_from_rgb (
    const GstVideoInfo *info, const gdouble rgb[3], gdouble component[3])
{
  gdouble offset[3], scale[3], kr, kb, luma;

  get_range (info, offset, scale);
  get_luma_weights (info, &kr, &kb);
  luma = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
  if (GST_VIDEO_INFO_IS_RGB (info)) {
    for (guint i = 0; i < 3; i++)
      component[i] = offset[i] + scale[i] * rgb[i];
    return;
  }
  component[0] = offset[0] + scale[0] * luma;
  component[1] = offset[1] + scale[1] * (rgb[2] - luma) / (2 * (1 - kb));
  component[2] = offset[2] + scale[2] * (rgb[0] - luma) / (2 * (1 - kr));
}
