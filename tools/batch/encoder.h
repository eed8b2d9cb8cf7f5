/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Encoders and containers of the video outputs. */

#include "batch/setup.h"

G_BEGIN_DECLS

gboolean batch_have_element (const gchar *name);

/* The codec that --to names for @kind, or one that is installed. */
const gchar *batch_encoder_choose (const BatchSetup *setup, BatchKind kind);
/* Fails with %BATCH_ERROR_MODEL when the element for @codec is missing. */
gboolean batch_encoder_require (const gchar *codec, GError **error);
/* The piece of a pipeline that encodes with @codec. Returns (transfer full). */
gchar *batch_encoder_describe (const BatchSetup *setup, const gchar *codec);

/* The same for colours and for alpha as two streams. Key frames are placed by
 * the element before it alone. Returns (transfer full). */
gchar *batch_encoder_describe_split (
    const BatchSetup *setup, const gchar *codec);
/* The container of a cut-out with @codec. */
const gchar *batch_encoder_get_alpha_container (const gchar *codec);

/* The container of the overlay: --container, the input's, or mkv; one that
 * takes @codec. */
const gchar *batch_encoder_choose_container (
    const BatchSetup *setup, const gchar *codec);
/* The element that writes a container, with its properties. */
const gchar *batch_encoder_get_muxer (const gchar *container);

G_END_DECLS
