/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The layout of a plan's memory. */

#include <glib.h>

G_BEGIN_DECLS

/* Gives every UnetStorage in @storages its offset; two that are alive at the
 * same step do not overlap. Returns the arena's size in bytes. @live: (out):
 * the most bytes that are alive at one step. */
gsize unet_arena_layout (GPtrArray *storages, guint n_steps, gsize *live);

G_END_DECLS
