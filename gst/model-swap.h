/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unetsegmenter.h"

G_BEGIN_DECLS

/* A model that is loaded and compiled in a thread of its own, beside the one
 * in use. */
typedef struct _UnetSwap UnetSwap;

/* @path: (nullable): the built-in model. @info: the frames for which it is
 * prepared, @live: as for unet_segmenter_new(). @serial: anything. */
UnetSwap *unet_swap_new (const gchar *path, GHashTable *overrides,
    const UnetArithmetic *arithmetic, const GstVideoInfo *info,
    GstVideoOrientationMethod orientation, gboolean live, guint serial);
gboolean unet_swap_is_done (UnetSwap *self);
const gchar *unet_swap_get_path (UnetSwap *self);
guint unet_swap_get_serial (UnetSwap *self);
/* Waits for it. Returns: (transfer full): the model at work, or %NULL with
 * @error set */
UnetSegmenter *unet_swap_finish (UnetSwap *self, GError **error);
/* Waits for it, and takes it that nobody wants it. */
void unet_swap_free (UnetSwap *self);

/* Frees @segmenter in a thread: what it measures has to come to its end first,
 * which nobody is to wait for. @retiring: a list of such threads, those that
 * are done are taken off it. */
void unet_swap_retire (GSList **retiring, UnetSegmenter *segmenter);
/* Waits for all of them. */
void unet_swap_join_retired (GSList **retiring);

G_END_DECLS
