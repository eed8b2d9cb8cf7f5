/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Items shared out between machines. */

#include <glib.h>

G_BEGIN_DECLS

/* Returns (transfer full): copies of the items of shard @k of @n, from 1, the
 * largest first. The same call on another machine gives the same items. */
GPtrArray *batch_shard_take (GPtrArray *items, guint k, guint n);

G_END_DECLS
