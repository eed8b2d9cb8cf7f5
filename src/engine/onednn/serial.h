/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Primitives again, for one thread. oneDNN divides the work when it creates a
 * primitive, so one that was made for a team always makes a team. */

#include "engine/onednn/compat.h"

G_BEGIN_DECLS

/* Returns a descriptor (transfer full) of what @pd computes, by the same
 * implementation and with the same memory layouts, for as many threads as the
 * calling thread has set. Its results have the same bytes. Returns %NULL where
 * oneDNN makes no such one. */
dnnl_primitive_desc_t unet_pd_again (
    const_dnnl_primitive_desc_t pd, dnnl_engine_t engine);

G_END_DECLS
