/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* FOLDER/report.html: one page about all inputs that needs no other file. */

#include "batch/manifest.h"

G_BEGIN_DECLS

/* Writes the page about @items, those of every shard, as far as they are done.
 * Fails with %BATCH_ERROR_OUTPUT. */
gboolean batch_report_write (
    const BatchManifest *manifest, GPtrArray *items, GError **error);

G_END_DECLS
