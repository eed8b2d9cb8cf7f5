/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/element-error.h"

#include <string.h>

gchar *
batch_element_error_describe (const GError *error, const gchar *debug)
{
  const gchar *colon;

  if (!g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED)
      || debug == NULL)
    return g_strdup (error->message);
  /* The last line of the debug text is the cause. A decoder that has no message
   * of its own leaves this one to the source. */
  colon = strrchr (debug, '\n');
  return g_strdup_printf ("%s%s (%s)",
      strstr (debug, "reason error") != NULL ? "it cannot be decoded: " : "",
      error->message, colon != NULL && colon[1] != '\0' ? colon + 1 : debug);
}

static gboolean
is_output (GstObject *source)
{
  return source != NULL && GST_IS_ELEMENT (source)
      && GST_OBJECT_FLAG_IS_SET (source, GST_ELEMENT_FLAG_SINK);
}

gboolean
batch_element_error_is_full (GstObject *source, const GError *error)
{
  return is_output (source) && error->domain == GST_RESOURCE_ERROR
      && (error->code == GST_RESOURCE_ERROR_NO_SPACE_LEFT
          || error->code == GST_RESOURCE_ERROR_WRITE
          || error->code == GST_RESOURCE_ERROR_OPEN_WRITE
          || error->code == GST_RESOURCE_ERROR_CLOSE);
}
