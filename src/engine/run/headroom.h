/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the limits of the process leave. libgomp ends the process where it gets
 * no thread, and oneDNN may where it gets no memory: so both are asked for
 * before they are. Another process can still take them in between. */

#include <glib.h>
#include <oneapi/dnnl/dnnl.h>

G_BEGIN_DECLS

/* Returns how many of @threads can run, the caller's own included, 1 at least.
 * The first call starts many and waits until they have ended. Meanwhile other
 * code gets no thread where there is a limit, so it is made before a pipeline
 * starts its threads. Later calls deduct what this process has started since.
 */
guint unet_headroom_count_threads (guint threads);

/* Returns whether there is a limit on the address space. */
gboolean unet_headroom_is_limited (void);

/* Returns %FALSE with @error set to UNET_ERROR_LIMIT where a limit of the
 * address space leaves too little to compile a network. */
gboolean unet_headroom_check_memory (GError **error);

/* As dnnl_primitive_create(), which may crash where it gets no memory: returns
 * dnnl_out_of_memory where a limit of the address space leaves little. */
dnnl_status_t unet_headroom_create_primitive (
    dnnl_primitive_t *primitive, const_dnnl_primitive_desc_t pd);

G_END_DECLS
