/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/notes.h"

static void
note_free (gpointer data)
{
  UnetNote *note = data;

  g_free (note->text);
  g_free (note);
}

GPtrArray *
unet_notes_new (void)
{
  return g_ptr_array_new_with_free_func (note_free);
}

void
unet_notes_add (GPtrArray *notes, gboolean is_warning, const gchar *format, ...)
{
  UnetNote *note;
  va_list args;

  if (!notes)
    return;
  note = g_new (UnetNote, 1);
  note->is_warning = is_warning;
  va_start (args, format);
  note->text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (notes, note);
}

void
unet_notes_add_all (GPtrArray *notes, const GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++) {
    const UnetNote *note = g_ptr_array_index (from, i);

    unet_notes_add (notes, note->is_warning, "%s", note->text);
  }
}
