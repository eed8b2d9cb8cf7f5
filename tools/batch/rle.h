/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Run-length masks in the form that COCO's tools read. */

#include <glib.h>

G_BEGIN_DECLS

/* Run lengths of the pixels of @class_id, column by column, beginning with
 * pixels of other classes. Returns (transfer full): an array of guint32. */
GArray *batch_rle_count (
    const guint8 *map, guint width, guint height, guint8 class_id);
/* COCO's compressed form. Returns (transfer full). */
gchar *batch_rle_to_string (const GArray *counts);

G_END_DECLS
