/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/frame-map.h"

/* Where a frame's planes lie in a buffer. */
typedef struct {
  gsize offset[GST_VIDEO_MAX_PLANES];
  gsize size[GST_VIDEO_MAX_PLANES];
} UnetPlanes;

static gboolean
tiled_plane_size (
    const GstVideoInfo *info, guint plane, gint stride, gsize *size)
{
  gint def = GST_VIDEO_INFO_PLANE_STRIDE (info, plane);

  if (GST_VIDEO_TILE_X_TILES (stride) < GST_VIDEO_TILE_X_TILES (def)
      || GST_VIDEO_TILE_Y_TILES (stride) < GST_VIDEO_TILE_Y_TILES (def))
    return FALSE;
  *size = (gsize) GST_VIDEO_TILE_X_TILES (stride)
      * GST_VIDEO_TILE_Y_TILES (stride)
      * GST_VIDEO_FORMAT_INFO_TILE_SIZE (info->finfo, plane);
  return TRUE;
}

/* Bytes that reading or writing a row touches: whole groups of pixels where
 * some share their chroma, for which GStreamer's own stride of UYVP leaves no
 * room where the width is odd. */
static gint
row_size (const GstVideoInfo *info, guint plane)
{
  gint size = 0;

  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (info); c++) {
    if (GST_VIDEO_INFO_COMP_PLANE (info, c) == plane)
      size = MAX (size,
          GST_VIDEO_INFO_COMP_WIDTH (info, c)
              * GST_VIDEO_INFO_COMP_PSTRIDE (info, c));
  }
  if (GST_VIDEO_INFO_FORMAT (info) == GST_VIDEO_FORMAT_UYVP)
    return (GST_VIDEO_INFO_WIDTH (info) + 1) / 2 * 5;
  /* Other pixels that are no whole bytes, such as v210's, have no stride. */
  return size > 0 ? size : GST_VIDEO_INFO_PLANE_STRIDE (info, plane);
}

static gboolean
plane_size (const GstVideoInfo *info, guint plane, gint stride, gsize *size)
{
  gint comp[GST_VIDEO_MAX_COMPONENTS], row;

  if (GST_VIDEO_FORMAT_INFO_IS_TILED (info->finfo))
    return tiled_plane_size (info, plane, stride, size);

  gst_video_format_info_component (info->finfo, plane, comp);
  row = row_size (info, plane);
  if (stride < row)
    return FALSE;
  *size =
      (gsize) (GST_VIDEO_INFO_COMP_HEIGHT (info, comp[0]) - 1) * stride + row;
  return TRUE;
}

static gboolean
find_planes (const GstVideoInfo *info, const GstVideoMeta *meta,
    gsize buffer_size, UnetPlanes *planes)
{
  if (meta
      && (meta->format != GST_VIDEO_INFO_FORMAT (info)
          || meta->width < GST_VIDEO_INFO_WIDTH (info)
          || meta->height < GST_VIDEO_INFO_HEIGHT (info)
          || meta->n_planes != GST_VIDEO_INFO_N_PLANES (info)))
    return FALSE;
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++) {
    gint stride = meta ? meta->stride[i]
                       : GST_VIDEO_INFO_PLANE_STRIDE (info, i);

    planes->offset[i] = meta ? meta->offset[i]
                             : GST_VIDEO_INFO_PLANE_OFFSET (info, i);
    if (!plane_size (info, i, stride, &planes->size[i])
        || planes->offset[i] > buffer_size
        || planes->size[i] > buffer_size - planes->offset[i])
      return FALSE;
  }
  return meta != NULL || buffer_size >= GST_VIDEO_INFO_SIZE (info);
}

/* gst_video_meta_map() maps the memory in which a plane begins. */
static gboolean
planes_are_whole (GstBuffer *buffer, guint n_planes, const UnetPlanes *planes)
{
  for (guint i = 0; i < n_planes; i++) {
    guint idx, length;
    gsize skip;

    if (!gst_buffer_find_memory (
            buffer, planes->offset[i], planes->size[i], &idx, &length, &skip)
        || length != 1)
      return FALSE;
  }
  return TRUE;
}

static void
add_video_meta (
    GstBuffer *buffer, const GstVideoInfo *info, const GstVideoMeta *meta)
{
  gsize offset[GST_VIDEO_MAX_PLANES];
  gint stride[GST_VIDEO_MAX_PLANES];

  memcpy (offset, meta ? meta->offset : info->offset, sizeof (offset));
  memcpy (stride, meta ? meta->stride : info->stride, sizeof (stride));
  gst_buffer_add_video_meta_full (buffer,
      meta ? meta->flags : GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), GST_VIDEO_INFO_N_PLANES (info), offset,
      stride);
}

/* A buffer over the same memories with every plane in one of them; only a
 * plane that is scattered over several costs a copy, and that of the view. */
static GstBuffer *
make_view (GstBuffer *buffer, const GstVideoInfo *info,
    const GstVideoMeta *meta, const UnetPlanes *planes)
{
  GstBuffer *view = gst_buffer_new ();

  gst_buffer_copy_into (
      view, buffer, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_MEMORY, 0, -1);
  add_video_meta (view, info, meta);
  if (!planes_are_whole (view, GST_VIDEO_INFO_N_PLANES (info), planes))
    gst_buffer_replace_all_memory (view, gst_buffer_get_all_memory (view));
  return view;
}

gboolean
unet_map_frame (UnetMap *self, const GstVideoInfo *info, GstBuffer *buffer,
    GstMapFlags flags)
{
  GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);
  UnetPlanes planes;
  gboolean write = (flags & GST_MAP_WRITE) != 0;

  self->view = NULL;
  if (!find_planes (info, meta, gst_buffer_get_size (buffer), &planes))
    return FALSE;

  if (gst_buffer_n_memory (buffer) > 1) {
    gboolean whole =
        planes_are_whole (buffer, GST_VIDEO_INFO_N_PLANES (info), &planes);

    if (write && meta && !whole)
      gst_buffer_replace_all_memory (
          buffer, gst_buffer_get_all_memory (buffer));
    else if (!write && !(meta && whole))
      buffer = self->view = make_view (buffer, info, meta, &planes);
  }
  if (!gst_video_frame_map (&self->frame, info, buffer,
          flags | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
    gst_clear_buffer (&self->view);
    return FALSE;
  }
  /* A GstVideoMeta may be of a larger picture than the caps. */
  self->frame.info.width = GST_VIDEO_INFO_WIDTH (info);
  self->frame.info.height = GST_VIDEO_INFO_HEIGHT (info);
  return TRUE;
}

void
unet_unmap_frame (UnetMap *self)
{
  gst_video_frame_unmap (&self->frame);
  gst_clear_buffer (&self->view);
}
