/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines of text as coverage, where the plugin is built with pangocairo. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint width, height; /* pixels; no width: nothing could be drawn */
  guint8 *coverage;    /* 0..255 of each pixel, rows without gaps */
} GstUnetText;

/* Returns whether the plugin is built with that library. */
gboolean gst_unet_text_is_available (void);

/* Draws @lines in Debian's default sans serif, one below the other, each
 * @line_height pixels high and at most @max_width wide; longer ones end in an
 * ellipsis. @stretch: width of a glyph for its height, 1 where pixels are
 * square. @text is as wide as its longest line. */
void gst_unet_text_init (GstUnetText *text, const gchar *const *lines,
    guint line_height, guint max_width, gdouble stretch);
void gst_unet_text_clear (GstUnetText *text);

G_END_DECLS
