/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unetseg/unet-seg-meta.h>

#include "frame/draw/palette.h"

#include <gst/video/video.h>

struct _UnetSegClasses {
  gchar *model;
  guint n_classes;
  gchar **labels;  /* n_classes entries, %NULL where there is no name */
  guint32 *colors; /* n_classes entries, 0xAARRGGBB */
};

G_DEFINE_BOXED_TYPE (UnetSegClasses, unet_seg_classes, unet_seg_classes_ref,
    unet_seg_classes_unref)

UnetSegClasses *
unet_seg_classes_new (
    const gchar *model, guint n_classes, const gchar *const *labels)
{
  return unet_seg_classes_new_colored (model, n_classes, labels, NULL);
}

UnetSegClasses *
unet_seg_classes_new_colored (const gchar *model, guint n_classes,
    const gchar *const *labels, const guint32 *colors)
{
  UnetSegClasses *self = g_atomic_rc_box_new0 (UnetSegClasses);

  self->model = g_strdup (model);
  self->n_classes = n_classes;
  self->labels = g_new0 (gchar *, n_classes);
  for (guint i = 0; labels && i < n_classes && labels[i]; i++)
    self->labels[i] = g_strdup (labels[i]);
  self->colors = g_new (guint32, n_classes);
  for (guint i = 0; i < n_classes; i++)
    self->colors[i] = colors ? colors[i] : unet_palette_default (i);
  return self;
}

UnetSegClasses *
unet_seg_classes_ref (UnetSegClasses *classes)
{
  return g_atomic_rc_box_acquire (classes);
}

static void
unet_seg_classes_clear (gpointer data)
{
  UnetSegClasses *self = data;

  for (guint i = 0; i < self->n_classes; i++)
    g_free (self->labels[i]);
  g_free (self->labels);
  g_free (self->colors);
  g_free (self->model);
}

void
unet_seg_classes_unref (UnetSegClasses *classes)
{
  g_atomic_rc_box_release_full (classes, unet_seg_classes_clear);
}

const gchar *
unet_seg_classes_get_model (const UnetSegClasses *classes)
{
  return classes->model;
}

guint
unet_seg_classes_get_n_classes (const UnetSegClasses *classes)
{
  return classes->n_classes;
}

const gchar *
unet_seg_classes_get_label (const UnetSegClasses *classes, guint class_id)
{
  return class_id < classes->n_classes ? classes->labels[class_id] : NULL;
}

guint32
unet_seg_classes_get_color (const UnetSegClasses *classes, guint class_id)
{
  return class_id < classes->n_classes ? classes->colors[class_id] : 0;
}

GType
unet_seg_meta_api_get_type (void)
{
  static GType type;

  if (g_once_init_enter (&type)) {
    /* Size and orientation tell elements that change either and do not know
     * this meta to drop it. */
    static const gchar *tags[] = { GST_META_TAG_VIDEO_STR,
      GST_META_TAG_VIDEO_SIZE_STR, GST_META_TAG_VIDEO_ORIENTATION_STR, NULL };
    GType new_type = gst_meta_api_type_register ("UnetSegMetaAPI", tags);

    g_once_init_leave (&type, new_type);
  }
  return type;
}

static gboolean
unet_seg_meta_init (GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  UnetSegMeta *self = (UnetSegMeta *) meta;

  memset ((guint8 *) self + sizeof (GstMeta), 0,
      sizeof (UnetSegMeta) - sizeof (GstMeta));
  return TRUE;
}

static void
unet_seg_meta_free (GstMeta *meta, GstBuffer *buffer)
{
  UnetSegMeta *self = (UnetSegMeta *) meta;

  gst_clear_buffer (&self->class_map);
  gst_clear_buffer (&self->probability);
  g_clear_pointer (&self->classes, unet_seg_classes_unref);
}

static UnetSegMeta *
unet_seg_meta_copy (GstBuffer *dest, const UnetSegMeta *self)
{
  UnetSegMeta *copy = gst_buffer_add_unet_seg_meta (dest, self->classes,
      self->class_map, self->probability, self->width, self->height);

  copy->x = self->x;
  copy->y = self->y;
  copy->w = self->w;
  copy->h = self->h;
  copy->age_frames = self->age_frames;
  copy->age = self->age;
  copy->carried = self->carried;
  return copy;
}

static void
unet_seg_meta_scale (UnetSegMeta *self, const GstVideoMetaTransform *scale)
{
  gdouble sx = (gdouble) GST_VIDEO_INFO_WIDTH (scale->out_info)
      / GST_VIDEO_INFO_WIDTH (scale->in_info);
  gdouble sy = (gdouble) GST_VIDEO_INFO_HEIGHT (scale->out_info)
      / GST_VIDEO_INFO_HEIGHT (scale->in_info);

  self->x *= sx;
  self->w *= sx;
  self->y *= sy;
  self->h *= sy;
}

static gboolean
unet_seg_meta_transform (GstBuffer *dest, GstMeta *meta, GstBuffer *buffer,
    GQuark type, gpointer data)
{
  UnetSegMeta *self = (UnetSegMeta *) meta;

  if (GST_META_TRANSFORM_IS_COPY (type)) {
    const GstMetaTransformCopy *copy = data;

    /* A part of the bytes is no picture that the mask could lie over. */
    if (!copy->region)
      unet_seg_meta_copy (dest, self);
    return TRUE;
  }
  if (GST_VIDEO_META_TRANSFORM_IS_SCALE (type)) {
    unet_seg_meta_scale (unet_seg_meta_copy (dest, self), data);
    return TRUE;
  }
  return FALSE;
}

const GstMetaInfo *
unet_seg_meta_get_info (void)
{
  static const GstMetaInfo *info;

  if (g_once_init_enter ((GstMetaInfo **) &info)) {
    const GstMetaInfo *new_info = gst_meta_register (UNET_SEG_META_API_TYPE,
        "UnetSegMeta", sizeof (UnetSegMeta), unet_seg_meta_init,
        unet_seg_meta_free, unet_seg_meta_transform);

    g_once_init_leave ((GstMetaInfo **) &info, (GstMetaInfo *) new_info);
  }
  return info;
}

UnetSegMeta *
gst_buffer_add_unet_seg_meta (GstBuffer *buffer, UnetSegClasses *classes,
    GstBuffer *class_map, GstBuffer *probability, guint width, guint height)
{
  UnetSegMeta *self;

  g_return_val_if_fail (gst_buffer_is_writable (buffer), NULL);
  g_return_val_if_fail (classes != NULL, NULL);
  g_return_val_if_fail (
      gst_buffer_get_size (class_map) >= width * height, NULL);
  g_return_val_if_fail (
      gst_buffer_get_size (probability) >= width * height, NULL);

  self = (UnetSegMeta *) gst_buffer_add_meta (buffer, UNET_SEG_META_INFO, NULL);
  self->classes = unet_seg_classes_ref (classes);
  self->class_map = gst_buffer_ref (class_map);
  self->probability = gst_buffer_ref (probability);
  self->width = width;
  self->height = height;
  self->n_classes = unet_seg_classes_get_n_classes (classes);
  return self;
}

UnetSegMeta *
gst_buffer_get_unet_seg_meta (GstBuffer *buffer)
{
  return (UnetSegMeta *) gst_buffer_get_meta (buffer, UNET_SEG_META_API_TYPE);
}
