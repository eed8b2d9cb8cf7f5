/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Returns the intersection over union of two planes of @n flags; 1 if both are
 * empty. */
gdouble iou (const guint8 *a, const guint8 *b, gsize n);
