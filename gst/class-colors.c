/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "class-colors.h"

#include "meta/color-entry.h"

struct _GstUnetColors {
  gchar *text;
  GArray *colors; /* of UnetColorEntry */
};

static void
clear_entry (gpointer data)
{
  unet_color_entry_clear (data);
}

static void
gst_unet_colors_clear (gpointer data)
{
  GstUnetColors *self = data;

  g_free (self->text);
  g_array_unref (self->colors);
}

GstUnetColors *
gst_unet_colors_new (const gchar *text, GError **error)
{
  g_autoptr (GstUnetColors) self = g_atomic_rc_box_new0 (GstUnetColors);
  g_auto (GStrv) entries = NULL;

  self->text = g_strdup (text);
  self->colors = g_array_new (FALSE, FALSE, sizeof (UnetColorEntry));
  g_array_set_clear_func (self->colors, clear_entry);
  if (text == NULL || *text == '\0')
    return g_steal_pointer (&self);

  entries = g_strsplit (text, ",", -1);
  for (guint i = 0; entries[i]; i++) {
    UnetColorEntry color;

    if (!unet_color_entry_init (&color, entries[i], error))
      return NULL;
    g_array_append_val (self->colors, color);
  }
  return g_steal_pointer (&self);
}

GstUnetColors *
gst_unet_colors_ref (GstUnetColors *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
gst_unet_colors_unref (GstUnetColors *self)
{
  g_atomic_rc_box_release_full (self, gst_unet_colors_clear);
}

const gchar *
gst_unet_colors_get_text (const GstUnetColors *self)
{
  return self->text;
}

const gchar *
gst_unet_colors_get_palette (
    const GstUnetColors *self, const UnetSegClasses *classes, guint32 *argb)
{
  guint n = unet_seg_classes_get_n_classes (classes), next = 1;
  const gchar *unknown = NULL;

  for (guint i = 0; i < n; i++)
    argb[i] = unet_seg_classes_get_color (classes, i);
  for (guint i = 0; i < self->colors->len; i++) {
    const UnetColorEntry *color =
        &g_array_index (self->colors, UnetColorEntry, i);

    if (!unet_color_entry_apply (color, classes, &next, argb))
      unknown = color->class_name;
  }
  return unknown;
}
