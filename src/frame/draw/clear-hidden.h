/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Removes the colours that alpha hides, so that the background cannot be got
 * back from a cut-out.
 *
 * A sample whose pixels all have an alpha of 0 becomes black. Next to pixels
 * that are seen it becomes their mean instead: scaling, and chroma that is
 * interpolated, mix it into them, which would make a dark line. */

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetClearHidden UnetClearHidden;

/* @info is of a format with alpha that unet_pixel_layout_init () knows. Returns
 * NULL for any other. */
UnetClearHidden *unet_clear_hidden_new (const GstVideoInfo *info);
/* @self may be NULL. */
void unet_clear_hidden_free (UnetClearHidden *self);
/* Changes the colours of @frame, mapped read-write. With premultiplied alpha
 * all that is hidden becomes black. Allocates nothing. */
void unet_clear_hidden_run (UnetClearHidden *self, GstVideoFrame *frame);

G_END_DECLS
