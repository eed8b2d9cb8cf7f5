/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Errors of a batch. The code decides how far the error reaches. */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  BATCH_ERROR_INPUT,    /* this input cannot be processed */
  BATCH_ERROR_NO_MEDIA, /* and it is not a recording */
  BATCH_ERROR_OUTPUT,   /* nothing more can be written: the batch stops */
  BATCH_ERROR_STOPPED,  /* the user asked to stop */
  BATCH_ERROR_MODEL,    /* no input can be processed: the batch stops */
} BatchError;
#define BATCH_ERROR (batch_error_quark ())
GQuark batch_error_quark (void);

/* Sets `PATH: reason of errno` as an error of %BATCH_ERROR_OUTPUT and returns
 * %FALSE. */
gboolean batch_fail_errno (GError **error, const gchar *path);

G_END_DECLS
