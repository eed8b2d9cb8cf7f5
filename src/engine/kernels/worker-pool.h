/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Threads that help with loops. Other than with an OpenMP team, nobody waits
 * for a thread that gets no processor: helpers take chunks of a loop when they
 * run, the caller takes all others, and waits only for chunks already begun. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _UnetWorkerPool UnetWorkerPool;

/* Takes part in a loop until no chunk is left. @thread: below the number of
 * threads of the pool, the caller's is 0. */
typedef void (*UnetWorkerFunc) (gpointer loop, guint thread);

/* Returns a pool of at most @threads threads, the caller's included, or fewer
 * where the system starts no more. */
UnetWorkerPool *unet_worker_pool_new (guint threads);

/* Ends the threads of @pool (nullable). */
void unet_worker_pool_free (UnetWorkerPool *pool);

/* Calls @func in this thread, and in helpers that have time before it returns.
 * Returns when no thread is in @func. One thread at a time may call this. */
void unet_worker_pool_run (
    UnetWorkerPool *pool, UnetWorkerFunc func, gpointer loop);

G_END_DECLS
