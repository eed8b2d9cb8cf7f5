/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Masks as PNG files. */

#include "frame/format/mask.h"

G_BEGIN_DECLS

/* Writes a mask at its own size: the probability in grey or, with more than
 * one class besides the background, the class map with a palette. */
gboolean tool_mask_save (
    const UnetMask *mask, const gchar *path, GError **error);

/* Writes the same at the size of the picture that the mask belongs to. The
 * probability is interpolated between mask pixels; classes are those with at
 * least @threshold. Pixels that the mask does not cover are background. */
gboolean tool_mask_save_at_size (const UnetMask *mask, const gchar *path,
    guint width, guint height, gdouble threshold, GError **error);

G_END_DECLS
