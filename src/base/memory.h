/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Large blocks of memory. */

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns @size bytes of zeros, at the start of a page, or of a huge page
 * where there are enough bytes for one. Returns %NULL without memory, or where
 * @cancellable (nullable) is cancelled meanwhile. Free the result with
 * unet_memory_release(). */
gpointer unet_memory_new (gsize size, GCancellable *cancellable);

/* Frees @size bytes that malloc() or one of its kin returned, and gives the
 * pages of a large block back to the system. @data: (nullable). */
void unet_memory_release (gpointer data, gsize size);

G_END_DECLS
