/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Audio tracks on their way from a decoder to the overlay's muxer. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* The caps of audio at which a decoder stops: raw, and what @container takes
 * without decoding. @container %NULL: nothing needs decoding. Returns (transfer
 * full). */
GstCaps *batch_audio_get_caps (const gchar *container);

/* Links a decoder's pad to the element `overlay-mux` of @pipeline, with an
 * encoder when the container needs one; without such an element, to a fakesink.
 * Returns (transfer full): the pad that was linked. */
GstPad *batch_audio_add (GstBin *pipeline, GstPad *pad, const gchar *container);

G_END_DECLS
