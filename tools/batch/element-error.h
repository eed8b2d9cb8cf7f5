/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the error of an element means for a batch. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Returns (transfer full): GStreamer's message or, of a general one, the cause
 * as well. @debug: (nullable). */
gchar *batch_element_error_describe (const GError *error, const gchar *debug);
/* Whether an output cannot be written. @source: (nullable): of the message. */
gboolean batch_element_error_is_full (GstObject *source, const GError *error);

G_END_DECLS
