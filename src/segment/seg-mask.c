/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/seg-mask.h"

#include "frame/draw/mask-picture.h"
#include "frame/format/placement.h"

struct _UnetSegMask {
  gatomicrefcount ref_count;
  UnetMask shape; /* without data */
  UnetSegClasses *classes;
  GBytes *class_map;
  GBytes *probability;
  guint age_frames;
  GstClockTime age;
  gboolean carried;
};

G_DEFINE_BOXED_TYPE (
    UnetSegMask, unet_seg_mask, unet_seg_mask_ref, unet_seg_mask_unref)

/* ---- memory -------------------------------------------------------------- */

/* A buffer that stays mapped as long as its bytes are in use. */
typedef struct {
  GstBuffer *buffer;
  GstMapInfo map;
} MappedBuffer;

static void
mapped_buffer_free (gpointer data)
{
  MappedBuffer *self = data;

  gst_buffer_unmap (self->buffer, &self->map);
  gst_buffer_unref (self->buffer);
  g_free (self);
}

/* Returns (transfer full) (nullable): the first @size bytes of @buffer, without
 * a copy. */
static GBytes *
map_bytes (GstBuffer *buffer, gsize size)
{
  MappedBuffer *self = g_new0 (MappedBuffer, 1);

  if (!gst_buffer_map (buffer, &self->map, GST_MAP_READ)) {
    g_free (self);
    return NULL;
  }
  self->buffer = gst_buffer_ref (buffer);
  if (self->map.size >= size)
    return g_bytes_new_with_free_func (
        self->map.data, size, mapped_buffer_free, self);
  mapped_buffer_free (self);
  return NULL;
}

/* ---- life ---------------------------------------------------------------- */

UnetSegMask *
unet_seg_mask_new (const UnetMask *shape, UnetSegClasses *classes,
    const UnetMaskBuffers *buffers)
{
  const gsize size = (gsize) shape->width * shape->height;
  UnetSegMask *self = g_new0 (UnetSegMask, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->shape = *shape;
  self->classes = unet_seg_classes_ref (classes);
  self->class_map = map_bytes (buffers->class_map, size);
  self->probability = map_bytes (buffers->probability, size);
  if (self->class_map == NULL || self->probability == NULL)
    g_clear_pointer (&self, unet_seg_mask_unref);
  return self;
}

static const UnetSegMeta *
find_meta (GstBuffer *buffer, guint index)
{
  gpointer state = NULL;
  GstMeta *meta;

  do {
    meta = gst_buffer_iterate_meta_filtered (
        buffer, &state, UNET_SEG_META_API_TYPE);
  } while (meta != NULL && index-- > 0);
  return (const UnetSegMeta *) meta;
}

UnetSegMask *
unet_seg_mask_read (GstBuffer *buffer, guint index)
{
  const UnetSegMeta *meta;
  UnetSegMask *self;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);
  meta = find_meta (buffer, index);
  if (meta == NULL)
    return NULL;
  self = unet_seg_mask_new (&(UnetMask){ .width = meta->width,
                                .height = meta->height,
                                .n_classes = meta->n_classes,
                                .x = meta->x,
                                .y = meta->y,
                                .w = meta->w,
                                .h = meta->h },
      meta->classes, &(UnetMaskBuffers){ meta->class_map, meta->probability });
  if (self == NULL)
    return NULL;
  self->age_frames = meta->age_frames;
  self->age = meta->age;
  self->carried = meta->carried;
  return self;
}

UnetSegMask *
unet_seg_mask_ref (UnetSegMask *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
unet_seg_mask_unref (UnetSegMask *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->class_map, g_bytes_unref);
  g_clear_pointer (&self->probability, g_bytes_unref);
  unet_seg_classes_unref (self->classes);
  g_free (self);
}

/* ---- reading ------------------------------------------------------------- */

guint
unet_seg_mask_get_width (const UnetSegMask *self)
{
  return self->shape.width;
}

guint
unet_seg_mask_get_height (const UnetSegMask *self)
{
  return self->shape.height;
}

UnetSegClasses *
unet_seg_mask_get_classes (const UnetSegMask *self)
{
  return self->classes;
}

void
unet_seg_mask_get_rectangle (const UnetSegMask *self, gdouble *x, gdouble *y,
    gdouble *width, gdouble *height)
{
  *x = self->shape.x;
  *y = self->shape.y;
  *width = self->shape.w;
  *height = self->shape.h;
}

GstClockTime
unet_seg_mask_get_age (
    const UnetSegMask *self, guint *frames, gboolean *carried)
{
  if (frames != NULL)
    *frames = self->age_frames;
  if (carried != NULL)
    *carried = self->carried;
  return self->age;
}

GBytes *
unet_seg_mask_get_class_map (const UnetSegMask *self)
{
  return self->class_map;
}

GBytes *
unet_seg_mask_get_probability (const UnetSegMask *self)
{
  return self->probability;
}

/* ---- drawing ------------------------------------------------------------- */

GBytes *
unet_seg_mask_draw (
    const UnetSegMask *self, guint width, guint height, gdouble threshold)
{
  const gsize size = (gsize) width * height;
  UnetMask mask = self->shape;
  UnetMaskPicture *picture;
  GstVideoFrame frame = { 0 };

  g_return_val_if_fail (width > 0 && width <= UNET_MAX_PICTURE_SIZE, NULL);
  g_return_val_if_fail (height > 0 && height <= UNET_MAX_PICTURE_SIZE, NULL);
  g_return_val_if_fail (threshold >= 0 && threshold <= 1, NULL);
  /* The planes are only read. */
  mask.class_map = (guint8 *) g_bytes_get_data (self->class_map, NULL);
  mask.probability = (guint8 *) g_bytes_get_data (self->probability, NULL);
  /* GStreamer's own layout pads rows to four bytes. */
  gst_video_info_set_format (
      &frame.info, GST_VIDEO_FORMAT_GRAY8, width, height);
  frame.info.stride[0] = width;
  frame.data[0] = g_try_malloc (size);
  if (frame.data[0] == NULL)
    return NULL;
  picture = unet_mask_picture_new (width, height);
  unet_mask_picture_draw (picture, &frame, &mask, threshold);
  unet_mask_picture_free (picture);
  return g_bytes_new_take (frame.data[0], size);
}
