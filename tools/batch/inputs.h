/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From the words of the command line to a list of inputs. */

#include "batch/item.h"
#include "batch/options.h"

G_BEGIN_DECLS

/* Finds every input that the words name: files, folders with the folders in
 * them, patterns and URIs. Hidden files and the folder of the outputs are left
 * out. A link inside of a folder is followed to a place inside of the inputs;
 * others only with --follow-links. @n_outside: number of links that were not
 * followed. Returns (transfer full): items sorted by name, with unique names,
 * or %NULL with @error set when there is none. */
GPtrArray *batch_inputs_find (
    const BatchOptions *options, guint *n_outside, GError **error);

G_END_DECLS
