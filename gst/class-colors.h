/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* Colours of classes as a user writes them: `CLASS=COLOUR,…`. CLASS is a
 * label or a number; without it colours go to the classes 1, 2, … in order.
 * COLOUR is #RRGGBB, #AARRGGBB or one of a few names. Immutable and
 * reference-counted. */
typedef struct _GstUnetColors GstUnetColors;

/* @text: (nullable): every class has the colour that it comes with. */
GstUnetColors *gst_unet_colors_new (const gchar *text, GError **error);
GstUnetColors *gst_unet_colors_ref (GstUnetColors *self);
void gst_unet_colors_unref (GstUnetColors *self);
const gchar *gst_unet_colors_get_text (const GstUnetColors *self);

/* Fills @argb with a colour for each of @classes: that of @self, else the one
 * that the class comes with. Returns a class that is
 * named here and not among @classes, or %NULL. */
const gchar *gst_unet_colors_get_palette (
    const GstUnetColors *self, const UnetSegClasses *classes, guint32 *argb);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstUnetColors, gst_unet_colors_unref)

G_END_DECLS
