/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* An entry of a list of colours: `CLASS=COLOUR`, where CLASS is a label or a
 * number, or `COLOUR`, for the classes 1, 2, … in order. */
typedef struct {
  gchar *class_name; /* (nullable): the next class */
  guint32 argb;
} UnetColorEntry;

UNET_API gboolean unet_color_entry_init (
    UnetColorEntry *entry, const gchar *text, GError **error);
UNET_API void unet_color_entry_clear (UnetColorEntry *entry);

/* Writes the colour into @argb, which has one for each of @classes. @next is
 * the class of an entry without a name; it starts at 1. Returns FALSE where
 * @entry names a class that is not among @classes. */
UNET_API gboolean unet_color_entry_apply (const UnetColorEntry *entry,
    const UnetSegClasses *classes, guint *next, guint32 *argb);

G_END_DECLS
