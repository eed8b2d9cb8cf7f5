/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Colour decontamination: at soft edges a pixel mixes the colours of foreground
 * and background. Its colour is replaced by that of the foreground alone, so
 * that no trace of the old background stays on a new one.
 *
 * Both colours are estimated from coarse to fine (Germer, Uelwer, Conrad,
 * Harmeling, "Fast multi-level foreground estimation", ICPR 2020) at a reduced
 * resolution, in a band along the edges; each pixel of the frame then moves
 * them so that they explain its own colour. */

#include "frame/format/mask.h"

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetDecontaminate UnetDecontaminate;

/* @info is of a format that unet_pixel_layout_init () knows. Returns NULL
 * without memory. */
UnetDecontaminate *unet_decontaminate_new (const GstVideoInfo *info);
/* @self may be NULL. */
void unet_decontaminate_free (UnetDecontaminate *self);
/* Replaces the colours of pixels of @frame, mapped read-write, whose coverage
 * is neither 0 nor 255. @coverage is as large as the frame. Allocates
 * nothing. */
void unet_decontaminate_run (
    UnetDecontaminate *self, GstVideoFrame *frame, const UnetMask *coverage);

G_END_DECLS
