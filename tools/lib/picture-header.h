/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the bytes of a picture file say about it: its orientation in EXIF, and
 * whether the file is complete. Reads JPEG, PNG, WebP, GIF and, for the
 * orientation only, TIFF. Nothing in a file is trusted. */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  TOOL_PICTURE_COMPLETE, /* also: not known */
  TOOL_PICTURE_CUT,      /* the file ends before the picture does */
  TOOL_PICTURE_EMPTY,    /* its data cannot hold a tenth of the pixels */
} ToolPictureState;

typedef struct {
  ToolPictureState state;
  guint width, height; /* as stored; 0: not known */
  guint orientation;   /* of EXIF, 1 (upright) to 8 */
} ToolPictureHeader;

/* Returns FALSE for another format. */
gboolean tool_picture_header_parse (
    const guint8 *data, gsize size, ToolPictureHeader *header);
/* The same for a file; FALSE also for a file that cannot be read. */
gboolean tool_picture_header_read (
    const gchar *path, ToolPictureHeader *header);

/* The value of GStreamer's tag image-orientation, and of videoflip's property
 * video-direction that makes the picture upright. */
const gchar *tool_picture_header_get_tag (const ToolPictureHeader *header);
const gchar *tool_picture_header_get_direction (
    const ToolPictureHeader *header);

G_END_DECLS
