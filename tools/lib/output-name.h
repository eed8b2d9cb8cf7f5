/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* File names of a network's outputs. */

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* FOLDER/NAME with @suffix: the name of output @index, in which every
 * character but letters, digits, `.`, `_` and `-` becomes `_`. A name of the
 * model cannot leave @folder, and two outputs get different names. Returns
 * (transfer full). */
gchar *tool_output_path (const UnetModel *model, guint index,
    const gchar *folder, const gchar *suffix);

G_END_DECLS
