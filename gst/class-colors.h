/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* Colours of classes as a user writes them: `CLASS=COLOUR,…`. CLASS is a
 * label or a number; without it colours go to the classes 1, 2, … in order.
 * COLOUR is #RRGGBB, #AARRGGBB or one of a few names. Immutable and
 * reference-counted. */
typedef struct _UnetColors UnetColors;

/* One colour: #RRGGBB, #AARRGGBB or a name. */
gboolean unet_color_parse (const gchar *text, guint32 *argb);

/* @text: (nullable): every class has its default colour. */
UnetColors *unet_colors_new (const gchar *text, GError **error);
UnetColors *unet_colors_ref (UnetColors *self);
void unet_colors_unref (UnetColors *self);
const gchar *unet_colors_get_text (const UnetColors *self);

/* Fills @argb with a colour for each of @classes. Returns a class that is
 * named here and not among @classes, or %NULL. */
const gchar *unet_colors_get_palette (
    const UnetColors *self, const UnetSegClasses *classes, guint32 *argb);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetColors, unet_colors_unref)

G_END_DECLS
