/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The memory of a plan. */

#include <gio/gio.h>

G_BEGIN_DECLS

/* Gives every UnetStorage in @storages its offset; two that are alive at the
 * same step do not overlap. Returns the arena's size in bytes. @live: (out):
 * the most bytes that are alive at one step. */
gsize unet_arena_layout (GPtrArray *storages, guint n_steps, gsize *live);

/* Returns @size bytes of zeros, at the start of a page, or of a huge page
 * where there are enough bytes for one. Returns %NULL without memory, or where
 * @cancellable (nullable) is cancelled meanwhile. free() the result. */
gpointer unet_memory_new (gsize size, GCancellable *cancellable);

G_END_DECLS
