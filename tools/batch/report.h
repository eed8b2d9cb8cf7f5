/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* FOLDER/report.html: what was found, when, and how fast, on one page that
 * needs nothing else. */

#include "batch/manifest.h"

G_BEGIN_DECLS

/* Of @items, as far as they are done: those of every shard. */
gboolean batch_report_write (
    const BatchManifest *manifest, GPtrArray *items, GError **error);

G_END_DECLS
