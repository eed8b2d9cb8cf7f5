/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/fail.h"

gboolean
unet_graph_fail (const UnetGraph *graph, GError **error, UnetError code,
    const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, UNET_ERROR, (gint) code, "%s: %s", graph->name, message);
  return FALSE;
}
