/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Windows of poolings, and the choice of what runs one. */

#include "engine/emit/locations.h"
#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Translates the window of the pooling @node for oneDNN. Returns %FALSE where
 * oneDNN cannot do it, with @error set only if the window is invalid. */
gboolean unet_pool_window (const UnetPlan *plan, const UnetNode *node,
    UnetDnnlWindow *window, dnnl_alg_kind_t *alg, GError **error);

/* Returns whether the window is 2x2 with stride 2 and without padding; an odd
 * row or column at the end is left out. */
gboolean unet_pool_window_is_2x2 (const UnetDnnlWindow *window);

/* Returns whether it is the maximum of such a window over f32. */
gboolean unet_pool_is_max2 (
    const UnetNode *node, const UnetDnnlWindow *window, dnnl_alg_kind_t alg);

typedef enum {
  UNET_POOL_BY_2X2,    /* kernels/f32-pool.c */
  UNET_POOL_BY_WINDOW, /* kernels/f32-pool-window.c */
  UNET_POOL_BY_ONEDNN,
} UnetPoolImplementation;

typedef struct {
  UnetPoolImplementation implementation;
  dnnl_primitive_desc_t pd; /* (nullable): of oneDNN, which the step takes */
} UnetPoolChoice;

/* Chooses by rule what pools f32 from @src to @dst. No kernel has to be
 * measured: oneDNN's optimised ones are as fast as memory. Its reference
 * implementation takes dozens of times as long as this library's kernel. Sets
 * no @pd for UNET_POOL_BY_ONEDNN where oneDNN has no such pooling. */
void unet_pool_choose (UnetPlan *plan, const UnetNode *node, const UnetLoc *src,
    const UnetLoc *dst, const UnetDnnlWindow *window, dnnl_alg_kind_t alg,
    UnetPoolChoice *choice);

/* Returns (transfer full) (nullable): oneDNN's pooling from @src to @dst. */
dnnl_primitive_desc_t unet_pool_make_pd (UnetPlan *plan, const UnetLoc *src,
    const UnetLoc *dst, const UnetDnnlWindow *window, dnnl_alg_kind_t alg);

G_END_DECLS
