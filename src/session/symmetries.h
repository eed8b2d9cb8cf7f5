/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A network's output averaged over the picture's reflections, and over its
 * rotations by right angles where the input is square, as in Ronneberger,
 * Fischer and Brox, "U-Net" (2015), section 4. Belongs to one thread at a
 * time; a run allocates nothing. */

#include <unetseg/unet-session.h>

G_BEGIN_DECLS

typedef struct _UnetSymmetries UnetSymmetries;

/* @contract names input and output. Returns %NULL with %UNET_ERROR_CONTRACT set
 * for networks with a memory, for class numbers, and where the output does not
 * lie symmetrically on the input. */
UnetSymmetries *unet_symmetries_new (
    UnetSession *session, const UnetContract *contract, GError **error);
/* @self: (nullable) */
void unet_symmetries_free (UnetSymmetries *self);

/* Returns how often a run runs the network: 8 for square inputs, else 4. */
guint unet_symmetries_get_n (const UnetSymmetries *self);

/* Runs @session, which is the one given to unet_symmetries_new() or another of
 * the same model and shapes, on each variant of the picture in its input. The
 * last run is of the picture as it is. */
gboolean unet_symmetries_run (
    UnetSymmetries *self, UnetSession *session, GError **error);
/* The mean of the last run, in the shape of the session's output. */
gconstpointer unet_symmetries_get_output (const UnetSymmetries *self);

G_END_DECLS
