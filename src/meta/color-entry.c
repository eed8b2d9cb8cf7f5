/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "meta/color-entry.h"

#include "base/color.h"

#include <string.h>

gboolean
unet_color_entry_init (UnetColorEntry *entry, const gchar *text, GError **error)
{
  const gchar *equals = strrchr (text, '=');
  g_autofree gchar *value = g_strstrip (g_strdup (equals ? equals + 1 : text));

  if (!unet_color_read (value, &entry->argb, error))
    return FALSE;
  entry->class_name = equals ? g_strstrip (g_strndup (text, equals - text))
                             : NULL;
  return TRUE;
}

void
unet_color_entry_clear (UnetColorEntry *entry)
{
  g_clear_pointer (&entry->class_name, g_free);
}

/* Colours every class of that name: instances of one kind share it. Returns
 * whether there is any. */
static gboolean
color_named (
    const UnetColorEntry *color, const UnetSegClasses *classes, guint32 *argb)
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

gboolean
unet_color_entry_apply (const UnetColorEntry *entry,
    const UnetSegClasses *classes, guint *next, guint32 *argb)
{
  if (entry->class_name)
    return color_named (entry, classes, argb);
  if (*next < unet_seg_classes_get_n_classes (classes))
    argb[(*next)++] = entry->argb;
  return TRUE;
}
