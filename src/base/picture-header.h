/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds the kind of a picture file from its bytes, its orientation in EXIF, and
 * whether the file is complete. Reads JPEG, PNG, WebP, GIF and,
 * without looking whether they are complete, TIFF, BMP, AVIF and HEIF. Nothing
 * in a file is trusted.
 */

#include "base/export.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  UNET_PICTURE_COMPLETE, /* also: not known */
  UNET_PICTURE_CUT,      /* the file ends before the picture does */
  UNET_PICTURE_BROKEN,   /* likewise, inside of a GIF's block */
  UNET_PICTURE_EMPTY,    /* its data cannot hold a tenth of the pixels */
} UnetPictureState;

typedef enum {
  UNET_PICTURE_JPEG,
  UNET_PICTURE_PNG,
  UNET_PICTURE_WEBP,
  UNET_PICTURE_GIF,
  UNET_PICTURE_TIFF,
  UNET_PICTURE_BMP,
  UNET_PICTURE_AVIF,
  UNET_PICTURE_HEIF,
} UnetPictureKind;

typedef struct {
  UnetPictureKind kind;
  UnetPictureState state;
  guint width, height; /* as stored; 0: not known */
  guint orientation;   /* of EXIF, 1 (upright) to 8 */
  guint n_images;      /* of a GIF; 0: not known */
  guint n_components;  /* of a JPEG: 4 for CMYK and YCCK; 0: not known */
  gboolean animated;   /* PNG, WebP, AVIF and HEIF */
  gsize size;          /* bytes of the first picture: JPEGs of phones have a
                        * second one behind it */
} UnetPictureHeader;

/* Returns FALSE for another format. */
UNET_INTERNAL_API gboolean unet_picture_header_parse (
    const guint8 *data, gsize size, UnetPictureHeader *header);
/* The same for a file; FALSE also for a file that cannot be read. */
UNET_INTERNAL_API gboolean unet_picture_header_read (
    const gchar *path, UnetPictureHeader *header);

/* The value of GStreamer's tag image-orientation, and of videoflip's property
 * video-direction that makes the picture upright. */
UNET_INTERNAL_API const gchar *unet_picture_header_get_tag (
    const UnetPictureHeader *header);
UNET_INTERNAL_API const gchar *unet_picture_header_get_direction (
    const UnetPictureHeader *header);

G_END_DECLS
