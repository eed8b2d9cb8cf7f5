/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the limits of the process leave. libgomp ends the process where it gets
 * no thread, and oneDNN may where it gets no memory: so both are asked for
 * before they are. Another process can still take them in between. */

#include <glib.h>

G_BEGIN_DECLS

/* Returns how many of @threads can run, the caller's own included, 1 at least.
 * The first call starts them and waits until they have ended; a number below
 * @threads holds for the rest of the process. */
guint unet_headroom_count_threads (guint threads);

/* Returns whether there is a limit on the address space. */
gboolean unet_headroom_is_limited (void);

/* Returns %FALSE with @error set to UNET_ERROR_LIMIT where a limit of the
 * address space leaves too little to compile a network. */
gboolean unet_headroom_check_memory (GError **error);

G_END_DECLS
