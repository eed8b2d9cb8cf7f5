/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* GstDiscoverer, ended early when it does not read any more. */

#include <gst/pbutils/pbutils.h>

G_BEGIN_DECLS

/* Finds the streams of @uri. Takes up to a minute, and ten seconds for a file
 * in which nothing is found. Returns (transfer full) (nullable): what is known,
 * with the reason in @error if that is not everything. */
GstDiscovererInfo *batch_discover (const gchar *uri, GError **error);

G_END_DECLS
