/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How far a user or an error has asked a batch to stop. The value only grows.
 * It is read and written as an atomic gint. */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  BATCH_STOP_NONE,
  BATCH_STOP_FINISH, /* end the files at work so that they play */
  BATCH_STOP_NOW,    /* drop them */
} BatchStop;

G_END_DECLS
