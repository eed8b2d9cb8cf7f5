/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/**
 * UnetSegMask:
 *
 * The mask of a picture, at the model's resolution: the class and the
 * probability of each pixel. unet_segmentation_run() computes one, and
 * unet_seg_mask_read() reads the one that an element attached to a buffer.
 *
 * The mask has a pixel grid of its own, laid over a rectangle of the picture:
 * see unet_seg_mask_get_rectangle(). It is immutable and reference-counted, and
 * every function may be called from any thread.
 *
 * Since: 1.0
 */
typedef struct _UnetSegMask UnetSegMask;

#define UNET_TYPE_SEG_MASK (unet_seg_mask_get_type ())
UNET_API GType unet_seg_mask_get_type (void);

/**
 * unet_seg_mask_read:
 * @buffer: a buffer of video
 * @index: 0 for the first mask of the buffer; several models may have attached
 *   one each
 *
 * Reads a #UnetSegMeta. The mask shares its memory and stays valid when the
 * buffer is freed or changed.
 *
 * Returns: (transfer full) (nullable): the mask, or %NULL where the buffer has
 *   no more masks or their memory cannot be mapped
 *
 * Since: 1.0
 */
UNET_API UnetSegMask *unet_seg_mask_read (GstBuffer *buffer, guint index);

/**
 * unet_seg_mask_ref: (skip)
 * @mask: a mask
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @mask
 *
 * Since: 1.0
 */
UNET_API UnetSegMask *unet_seg_mask_ref (UnetSegMask *mask);

/**
 * unet_seg_mask_unref: (skip)
 * @mask: (transfer full): a mask
 *
 * Drops a reference; the last one frees the mask.
 *
 * Since: 1.0
 */
UNET_API void unet_seg_mask_unref (UnetSegMask *mask);

/**
 * unet_seg_mask_get_width:
 * @mask: a mask
 *
 * Returns the width.
 *
 * Returns: width of class map and probability in pixels
 *
 * Since: 1.0
 */
UNET_API guint unet_seg_mask_get_width (const UnetSegMask *mask);

/**
 * unet_seg_mask_get_height:
 * @mask: a mask
 *
 * Returns the height.
 *
 * Returns: height of class map and probability in pixels
 *
 * Since: 1.0
 */
UNET_API guint unet_seg_mask_get_height (const UnetSegMask *mask);

/**
 * unet_seg_mask_get_classes:
 * @mask: a mask
 *
 * Returns the name of the model, the number of classes and their names.
 *
 * Returns: (transfer none): the classes; valid as long as the mask
 *
 * Since: 1.0
 */
UNET_API UnetSegClasses *unet_seg_mask_get_classes (const UnetSegMask *mask);

/**
 * unet_seg_mask_get_rectangle:
 * @mask: a mask
 * @x: (out): left edge in pixels of the picture
 * @y: (out): top edge in pixels of the picture
 * @width: (out): width in pixels of the picture
 * @height: (out): height in pixels of the picture
 *
 * Returns the part of the picture that the mask covers. It is the whole
 * picture, or its middle with %UNET_FIT_CROP and with networks of valid
 * convolutions.
 *
 * Since: 1.0
 */
UNET_API void unet_seg_mask_get_rectangle (const UnetSegMask *mask, gdouble *x,
    gdouble *y, gdouble *width, gdouble *height);

/**
 * unet_seg_mask_get_age:
 * @mask: a mask
 * @frames: (out) (optional): frames since the one that the mask was computed
 *   on; 0: this one
 * @carried: (out) (optional): whether the mask has been motion-compensated
 *   since that frame
 *
 * Returns how old the mask of a buffer is. A mask of unet_segmentation_run()
 * has the age 0.
 *
 * Returns: nanoseconds of stream time since the frame that the mask was
 *   computed on; %GST_CLOCK_TIME_NONE where frames carry no timestamps
 *
 * Since: 1.0
 */
UNET_API GstClockTime unet_seg_mask_get_age (
    const UnetSegMask *mask, guint *frames, gboolean *carried);

/**
 * unet_seg_mask_get_class_map:
 * @mask: a mask
 *
 * Returns the class of each pixel, row by row without gaps.
 *
 * Returns: (transfer none): width × height bytes, 0 for the background; valid
 *   as long as the mask
 *
 * Since: 1.0
 */
UNET_API GBytes *unet_seg_mask_get_class_map (const UnetSegMask *mask);

/**
 * unet_seg_mask_get_probability:
 * @mask: a mask
 *
 * Returns the probability of each pixel, row by row without gaps. It is that of
 * the pixel's class where that is not the background, else that of the best
 * other class.
 *
 * Returns: (transfer none): width × height bytes, 255 = 1; valid as long as the
 *   mask
 *
 * Since: 1.0
 */
UNET_API GBytes *unet_seg_mask_get_probability (const UnetSegMask *mask);

/**
 * unet_seg_mask_draw:
 * @mask: a mask
 * @width: width of the picture that the mask belongs to in pixels, 1 to 32767
 * @height: height of that picture in pixels, 1 to 32767
 * @threshold: least probability of a class, 0 to 1; only for several classes
 *
 * Draws the mask at the size of its picture, as `unetseg run` saves it. With
 * one class beside the background a byte is the probability of that class,
 * interpolated between the pixels of the mask, 255 = 1. With several it is the
 * number of the class. What the mask does not cover is background, 0.
 *
 * Returns: (transfer full) (nullable): @width × @height bytes, row by row
 *   without gaps, or %NULL for lack of memory
 *
 * Since: 1.0
 */
UNET_API GBytes *unet_seg_mask_draw (
    const UnetSegMask *mask, guint width, guint height, gdouble threshold);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetSegMask, unet_seg_mask_unref)

G_END_DECLS
