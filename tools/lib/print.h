/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers and names as the commands print them. */

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* `1x3x256x256`; an open dimension is `?`. Returns: (transfer full) */
gchar *tool_shape (const UnetTensorInfo *info);

/* The nick of an enumeration's value, or `?` for a value that it lacks. */
const gchar *tool_enum_nick (GType type, gint value);

/* Sorts @values and returns the median. @n is at least 1. */
gdouble tool_median (gdouble *values, guint n);

/* `s` for every number but one: `%u input%s`. */
const gchar *tool_plural (guint64 n);

G_END_DECLS
