/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Holds threads that use all the processor time they get. */
typedef struct _BusyThreads BusyThreads;

BusyThreads *busy_threads_start (guint n);
/* Ends the threads and frees @self. */
void busy_threads_stop (BusyThreads *self);

G_END_DECLS
