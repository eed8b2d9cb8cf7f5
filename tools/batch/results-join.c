/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/results-join.h"

#include "batch/error.h"

#include <string.h>

#define BEGIN "{\"frame\":"

/* Returns what follows the number of the frame, or %NULL. */
static const gchar *
skip_number (const gchar *line, const gchar *end)
{
  const gchar *at = line + strlen (BEGIN);

  if (end - line < (gssize) strlen (BEGIN) + 3 || end[-1] != '}'
      || strncmp (line, BEGIN, strlen (BEGIN)) != 0 || !g_ascii_isdigit (*at))
    return NULL;
  while (at < end && g_ascii_isdigit (*at))
    at++;
  return at < end && *at == ',' ? at : NULL;
}

gboolean
batch_results_renumber (const gchar *data, gsize size, const gchar *name,
    guint64 *frame, GString *out, GError **error)
{
  const gchar *line = data, *stop = data + size;

  for (guint n = 1; line < stop; n++) {
    const gchar *end = memchr (line, '\n', stop - line);
    const gchar *rest = end != NULL ? skip_number (line, end) : NULL;

    if (rest == NULL) {
      g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
          "%s: line %u is not a frame", name, n);
      return FALSE;
    }
    g_string_append_printf (out, BEGIN "%" G_GUINT64_FORMAT, (*frame)++);
    g_string_append_len (out, rest, end + 1 - rest);
    line = end + 1;
  }
  return TRUE;
}
