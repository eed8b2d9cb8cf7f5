/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Returns the elements that show or send frames, as text; owned by the caller.
 * @where: (nullable): screen; "screen", /dev/videoN, "pipewire" or
 * rtp://HOST:PORT. %NULL with @error set for anything else. */
gchar *live_output_describe (const gchar *where, GError **error);

G_END_DECLS
