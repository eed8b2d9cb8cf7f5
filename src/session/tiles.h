/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A picture of any size through a session of one: the overlap-tile strategy of
 * Ronneberger, Fischer and Brox, "U-Net" (2015), section 2 and figure 2. Each
 * tile's input reaches beyond what is kept of its output, over the neighbours
 * or, at the picture's border, into a reflection of the picture. Tiles lie on
 * the grid of the network's strides, so that all of them together give what
 * one pass over the whole picture would.
 *
 * Belongs to one thread at a time; a run allocates nothing. */

#include <unetseg/unet-session.h>
#include "base/export.h"

G_BEGIN_DECLS

typedef struct _UnetTiles UnetTiles;

/* For a picture of @width by @height input pixels. @contract names input and
 * output and has the overlap. */
UNET_INTERNAL_API UnetTiles *unet_tiles_new (UnetSession *session,
    const UnetContract *contract, guint width, guint height, GError **error);
UNET_INTERNAL_API void unet_tiles_free (UnetTiles *self);

UNET_INTERNAL_API guint unet_tiles_get_n_tiles (const UnetTiles *self);
/* Returns how often a run runs the network. */
guint unet_tiles_get_n_runs (const UnetTiles *self);
/* Pixels that the inputs of neighbouring tiles share at least. */
UNET_INTERNAL_API void unet_tiles_get_overlap (
    const UnetTiles *self, guint *x, guint *y);
/* Returns the memory for the whole picture, in the input's layout and type. */
UNET_INTERNAL_API gpointer unet_tiles_get_picture (UnetTiles *self);
/* The output over the whole picture. It covers @width by @height input pixels
 * from the picture's corner on: the picture, and what a coarser output's last
 * pixels have beyond it. */
UNET_INTERNAL_API const UnetTensorInfo *unet_tiles_get_output_info (
    const UnetTiles *self);
UNET_INTERNAL_API gconstpointer unet_tiles_get_output (const UnetTiles *self);
UNET_INTERNAL_API void unet_tiles_get_window (
    const UnetTiles *self, gdouble *width, gdouble *height);

/* @session: the one given to unet_tiles_new(), or another of the same model
 * and shapes. */
UNET_INTERNAL_API gboolean unet_tiles_run (
    UnetTiles *self, UnetSession *session, GError **error);

G_END_DECLS
