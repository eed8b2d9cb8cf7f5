/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Preset files: key files with long options as keys, in a group [batch] or
 * [unetseg]. */

#include <glib.h>

G_BEGIN_DECLS

/* Returns (transfer full): the words of a command line in which every option
 * --preset is replaced by the options of its file. They come first, so that
 * the command line overrides them. The array ends with %NULL. @entries: options
 * that take no value are known from them. Returns %NULL with @error set for a
 * file that cannot be read. */
GPtrArray *batch_preset_expand (
    gint argc, gchar **argv, const GOptionEntry *entries, GError **error);

G_END_DECLS
