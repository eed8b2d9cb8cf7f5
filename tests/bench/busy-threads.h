/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Threads that take all the processor time that they get. */
typedef struct _BusyThreads BusyThreads;

BusyThreads *busy_threads_start (guint n);
/* Ends them and frees @self. */
void busy_threads_stop (BusyThreads *self);

G_END_DECLS
