/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Wrong parts of a mask: its islands and its holes. */

#include <glib.h>

G_BEGIN_DECLS

/* Counts connected parts of the pixels of @found that are @value and of which
 * none is @value in @truth. With 1 they are islands of false foreground, with 0
 * holes in true foreground. Foreground is connected by edges and corners, and
 * background by edges alone. @found, @truth: width * height bytes, 0 or 1. */
guint tool_count_wrong_parts (const guint8 *found, const guint8 *truth,
    guint width, guint height, guint8 value);

G_END_DECLS
