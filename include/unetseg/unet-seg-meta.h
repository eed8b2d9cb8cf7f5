/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <unetseg/unet-types.h>

G_BEGIN_DECLS

/**
 * UnetSegClasses:
 *
 * The model that made a mask and the names of its classes: immutable and
 * reference-counted, one object for all masks of a stream. Every function may
 * be called from any thread.
 *
 * Since: 1.0
 */
typedef struct _UnetSegClasses UnetSegClasses;

#define UNET_TYPE_SEG_CLASSES (unet_seg_classes_get_type ())
UNET_API GType unet_seg_classes_get_type (void);

/**
 * unet_seg_classes_new:
 * @model: name of the model, such as its path
 * @n_classes: number of classes with the background, 2 or more
 * @labels: (nullable) (array zero-terminated=1): class names, the background
 *   first; may be shorter than @n_classes
 *
 * Returns: (transfer full): the classes
 *
 * Since: 1.0
 */
UNET_API UnetSegClasses *unet_seg_classes_new (
    const gchar *model, guint n_classes, const gchar *const *labels);

/**
 * unet_seg_classes_new_colored:
 * @model: name of the model, such as its path
 * @n_classes: number of classes with the background, 2 or more
 * @labels: (nullable) (array zero-terminated=1): class names, the background
 *   first; may be shorter than @n_classes
 * @colors: (nullable) (array length=n_classes): the colour of each class as
 *   0xAARRGGBB; %NULL: the background is transparent, and the others have
 *   distinct hues
 *
 * Returns: (transfer full): the classes
 *
 * Since: 1.0
 */
UNET_API UnetSegClasses *unet_seg_classes_new_colored (const gchar *model,
    guint n_classes, const gchar *const *labels, const guint32 *colors);

/**
 * unet_seg_classes_ref:
 * @classes: classes
 *
 * Returns: (transfer full): @classes
 *
 * Since: 1.0
 */
UNET_API UnetSegClasses *unet_seg_classes_ref (UnetSegClasses *classes);

/**
 * unet_seg_classes_unref:
 * @classes: (transfer full): classes
 *
 * Since: 1.0
 */
UNET_API void unet_seg_classes_unref (UnetSegClasses *classes);

/**
 * unet_seg_classes_get_model:
 * @classes: classes
 *
 * Returns: (transfer none): the model's name
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_seg_classes_get_model (
    const UnetSegClasses *classes);

/**
 * unet_seg_classes_get_n_classes:
 * @classes: classes
 *
 * Returns: number of classes with the background
 *
 * Since: 1.0
 */
UNET_API guint unet_seg_classes_get_n_classes (const UnetSegClasses *classes);

/**
 * unet_seg_classes_get_label:
 * @classes: classes
 * @class_id: a pixel's value in the class map
 *
 * Returns: (transfer none) (nullable): the class's name, %NULL where the model
 *   gives none
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_seg_classes_get_label (
    const UnetSegClasses *classes, guint class_id);

/**
 * unet_seg_classes_get_color:
 * @classes: classes
 * @class_id: a pixel's value in the class map
 *
 * Returns: the colour that the class is drawn in where the user asks for no
 *   other, as 0xAARRGGBB: the model's, else a default one; 0, which is
 *   transparent, for a number that is no class
 *
 * Since: 1.0
 */
UNET_API guint32 unet_seg_classes_get_color (
    const UnetSegClasses *classes, guint class_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetSegClasses, unet_seg_classes_unref)

/**
 * UnetSegMeta:
 * @meta: parent
 * @class_map: one byte per pixel, the class's id, 0 for the background; GRAY8
 *   with #GstVideoMeta, stride equal to @width; shared: read only
 * @probability: as @class_map: the probability of the pixel's class where it
 *   is not the background, else of the best other class; 255 = 1
 * @width: width of both in pixels
 * @height: height of both in pixels
 * @n_classes: number of classes with the background
 * @classes: model and names
 * @x: left edge of the rectangle of the frame that the mask covers, pixels
 * @y: its top edge
 * @w: its width
 * @h: its height
 * @age_frames: frames since the one that the mask was computed on; 0: this one
 * @age: the same in nanoseconds of stream time, %GST_CLOCK_TIME_NONE where
 *   frames carry no timestamps
 * @carried: whether the mask has been motion-compensated since that frame
 *
 * The mask of a video frame, at the model's resolution. It follows copies of
 * the buffer and scaling (the rectangle is scaled); elements that crop, flip
 * or otherwise move pixels drop it. The meta owns a reference to both buffers
 * and to @classes, and is as thread-safe as its buffer.
 *
 * Since: 1.0
 */
typedef struct {
  GstMeta meta;

  GstBuffer *class_map;
  GstBuffer *probability;
  guint width;
  guint height;
  guint n_classes;
  UnetSegClasses *classes;
  gdouble x, y, w, h;
  guint age_frames;
  GstClockTime age;
  gboolean carried;

  /*< private >*/
  gpointer _reserved[4];
} UnetSegMeta;

#ifndef __GI_SCANNER__ /* in Gst's name space, and types that need gst_init()  \
                        */
#define UNET_SEG_META_API_TYPE (unet_seg_meta_api_get_type ())
UNET_API GType unet_seg_meta_api_get_type (void);

#define UNET_SEG_META_INFO (unet_seg_meta_get_info ())

/**
 * unet_seg_meta_get_info: (skip)
 *
 * Returns: (transfer none): how GStreamer handles #UnetSegMeta
 *
 * Since: 1.0
 */
UNET_API const GstMetaInfo *unet_seg_meta_get_info (void);

/**
 * gst_buffer_add_unet_seg_meta: (skip)
 * @buffer: a writable buffer
 * @classes: (transfer none): model and names
 * @class_map: (transfer none): class ids, see #UnetSegMeta
 * @probability: (transfer none): probabilities, see #UnetSegMeta
 * @width: width of both, above 0
 * @height: height of both, above 0
 *
 * Attaches a mask, which takes references. The rectangle is empty and the age
 * 0: the caller sets them.
 *
 * Returns: (transfer none): the meta, owned by @buffer
 *
 * Since: 1.0
 */
UNET_API UnetSegMeta *gst_buffer_add_unet_seg_meta (GstBuffer *buffer,
    UnetSegClasses *classes, GstBuffer *class_map, GstBuffer *probability,
    guint width, guint height);

/**
 * gst_buffer_get_unet_seg_meta: (skip)
 * @buffer: a buffer
 *
 * Returns the first mask of a buffer. Several models may have attached one
 * each: gst_buffer_iterate_meta_filtered() finds all of them.
 *
 * Returns: (transfer none) (nullable): the first mask of the buffer
 *
 * Since: 1.0
 */
UNET_API UnetSegMeta *gst_buffer_get_unet_seg_meta (GstBuffer *buffer);
#endif

G_END_DECLS
