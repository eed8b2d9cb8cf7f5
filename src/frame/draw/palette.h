/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Returns the default colour of class @index as 0xAARRGGBB: transparent for 0,
 * distinct hues for the others. */
UNET_API guint32 unet_palette_default (guint index);

G_END_DECLS
