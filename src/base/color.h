/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-types.h>

G_BEGIN_DECLS

/* Reads a colour as 0xAARRGGBB: #RRGGBB, #AARRGGBB or one of a few names.
 * Returns FALSE and leaves @argb where @text is none. */
UNET_API gboolean unet_color_parse (const gchar *text, guint32 *argb);

/* The same with UNET_ERROR_CONTRACT, which names the value and says what is
 * allowed. @text: (nullable) */
UNET_API gboolean unet_color_read (
    const gchar *text, guint32 *argb, GError **error);

G_END_DECLS
