/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The oneDNN engine of the process, and what the processor can do. */

#include "engine/onednn/compat.h"

G_BEGIN_DECLS

/* Returns the engine that all plans of the process share. Returns %NULL with
 * UNET_ERROR_ENGINE where oneDNN has none for this processor. Any thread may
 * call it. */
dnnl_engine_t unet_engine_get (GError **error);

/* Returns the number of processors that this process may run on, at least 1. */
guint unet_engine_count_processors (void);

/* Returns whether oneDNN uses all instructions of @isa. The limit of
 * ONEDNN_MAX_CPU_ISA counts. */
gboolean unet_engine_has_isa (dnnl_cpu_isa_t isa);

/* Returns whether the processor multiplies int8 without saturation. */
gboolean unet_engine_has_fast_int8 (void);

/* Returns whether the processor multiplies bfloat16. */
gboolean unet_engine_has_bf16 (void);

/* Returns library and version, such as `oneDNN 2.6.3`. */
const gchar *unet_engine_name (void);

G_END_DECLS
