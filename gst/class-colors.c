/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "class-colors.h"

#include "frame/draw/palette.h"

typedef struct {
  gchar *class_name; /* (nullable): the next class */
  guint32 argb;
} UnetColor;

struct _GstUnetColors {
  gchar *text;
  GArray *colors; /* of UnetColor */
};

static const struct {
  const gchar *name;
  guint32 argb;
} color_names[] = {
  { "transparent", 0x00000000 },
  { "black", 0xff000000 },
  { "white", 0xffffffff },
  { "gray", 0xff808080 },
  { "silver", 0xffc0c0c0 },
  { "red", 0xffff0000 },
  { "maroon", 0xff800000 },
  { "orange", 0xffffa500 },
  { "yellow", 0xffffff00 },
  { "olive", 0xff808000 },
  { "lime", 0xff00ff00 },
  { "green", 0xff008000 },
  { "aqua", 0xff00ffff },
  { "cyan", 0xff00ffff },
  { "teal", 0xff008080 },
  { "blue", 0xff0000ff },
  { "navy", 0xff000080 },
  { "fuchsia", 0xffff00ff },
  { "magenta", 0xffff00ff },
  { "purple", 0xff800080 },
};

static gboolean
parse_hex (const gchar *digits, guint32 *argb)
{
  gsize n = strlen (digits);

  if ((n != 6 && n != 8) || strspn (digits, "0123456789abcdefABCDEF") != n)
    return FALSE;
  *argb = (guint32) g_ascii_strtoull (digits, NULL, 16);
  if (n == 6)
    *argb |= 0xff000000;
  return TRUE;
}

gboolean
gst_unet_color_parse (const gchar *text, guint32 *argb)
{
  if (text[0] == '#')
    return parse_hex (text + 1, argb);
  if (g_str_has_prefix (text, "0x"))
    return parse_hex (text + 2, argb);
  for (guint i = 0; i < G_N_ELEMENTS (color_names); i++) {
    if (g_ascii_strcasecmp (text, color_names[i].name) == 0) {
      *argb = color_names[i].argb;
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
gst_unet_color_read (const gchar *text, guint32 *argb, GError **error)
{
  if (text && gst_unet_color_parse (text, argb))
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
      "'%s' is no colour: allowed is #RRGGBB, #AARRGGBB or a name such as red",
      text ? text : "");
  return FALSE;
}

/* @entry: `CLASS=COLOUR` or `COLOUR` */
static gboolean
parse_entry (const gchar *entry, UnetColor *color, GError **error)
{
  const gchar *equals = strrchr (entry, '=');
  g_autofree gchar *value = g_strstrip (g_strdup (equals ? equals + 1 : entry));

  if (!gst_unet_color_read (value, &color->argb, error))
    return FALSE;
  color->class_name = equals ? g_strstrip (g_strndup (entry, equals - entry))
                             : NULL;
  return TRUE;
}

static void
unet_color_clear (gpointer data)
{
  g_free (((UnetColor *) data)->class_name);
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
  self->colors = g_array_new (FALSE, FALSE, sizeof (UnetColor));
  g_array_set_clear_func (self->colors, unet_color_clear);
  if (text == NULL || *text == '\0')
    return g_steal_pointer (&self);

  entries = g_strsplit (text, ",", -1);
  for (guint i = 0; entries[i]; i++) {
    UnetColor color;

    if (!parse_entry (entries[i], &color, error))
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

/* Colours every class of that name: instances of one kind share it. Returns
 * whether there is any. */
static gboolean
color_named (
    const UnetSegClasses *classes, const UnetColor *color, guint32 *argb)
{
  guint n = unet_seg_classes_get_n_classes (classes);
  gboolean found = FALSE;
  guint64 number;

  for (guint i = 0; i < n; i++) {
    if (g_strcmp0 (unet_seg_classes_get_label (classes, i), color->class_name)
        == 0) {
      argb[i] = color->argb;
      found = TRUE;
    }
  }
  if (!found
      && g_ascii_string_to_unsigned (
          color->class_name, 10, 0, n - 1, &number, NULL)) {
    argb[number] = color->argb;
    found = TRUE;
  }
  return found;
}

const gchar *
gst_unet_colors_get_palette (
    const GstUnetColors *self, const UnetSegClasses *classes, guint32 *argb)
{
  guint n = unet_seg_classes_get_n_classes (classes), next = 1;
  const gchar *unknown = NULL;

  for (guint i = 0; i < n; i++)
    argb[i] = unet_palette_default (i);
  for (guint i = 0; i < self->colors->len; i++) {
    const UnetColor *color = &g_array_index (self->colors, UnetColor, i);

    if (color->class_name && !color_named (classes, color, argb))
      unknown = color->class_name;
    else if (color->class_name == NULL && next < n)
      argb[next++] = color->argb;
  }
  return unknown;
}
