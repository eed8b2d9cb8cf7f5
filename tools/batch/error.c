/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/error.h"

#include <errno.h>

G_DEFINE_QUARK (batch - error - quark, batch_error)

gboolean
batch_fail_errno (GError **error, const gchar *path)
{
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path,
      g_strerror (errno));
  return FALSE;
}
