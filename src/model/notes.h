/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sentences for the user about what was chosen for a model, or what is odd in
 * it. A list belongs to one thread at a time. */

#include "base/export.h"
#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gboolean is_warning; /* else it is information */
  gchar *text;         /* a full sentence that begins with the model's name */
} UnetNote;

/* Returns an empty list of UnetNote. Free with g_ptr_array_unref(). */
UNET_INTERNAL_API GPtrArray *unet_notes_new (void);
/* Appends a note. @notes: (nullable): then it is dropped. */
void unet_notes_add (GPtrArray *notes, gboolean is_warning, const gchar *format,
    ...) G_GNUC_PRINTF (3, 4);

/* Appends copies of the notes of @from. @notes: (nullable) */
void unet_notes_add_all (GPtrArray *notes, const GPtrArray *from);

G_END_DECLS
