/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Masks as PNG files. */

#include "frame/format/mask.h"

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Returns (transfer full): the samples of a GRAY8 frame in rows without
 * padding. */
guint8 *tool_mask_copy_rows (const GstVideoFrame *frame);

/* Writes a mask at its own size: the probability in grey or, with more than
 * one class besides the background, the class map with a palette. */
gboolean tool_mask_save (
    const UnetMask *mask, const gchar *path, GError **error);

/* Returns (transfer full): what tool_mask_save_at_size () writes, in rows
 * without padding. */
guint8 *tool_mask_draw_at_size (const UnetMask *mask, guint width, guint height,
    gdouble threshold, GError **error);

/* Writes the same at the size of the picture that the mask belongs to. The
 * probability is interpolated between mask pixels; classes are those with at
 * least @threshold. Pixels that the mask does not cover are background. */
gboolean tool_mask_save_at_size (const UnetMask *mask, const gchar *path,
    guint width, guint height, gdouble threshold, GError **error);

G_END_DECLS
