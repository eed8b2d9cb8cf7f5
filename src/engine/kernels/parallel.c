/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/parallel.h"

/* Chunks that a thread's part is divided into. With more, taking them costs
 * time; with fewer, all threads wait longer for the last one. */
#define CHUNKS 8
/* With more threads, some share a part. */
#define MAX_PARTS 64

#ifdef __clang__
/* Debian's oneDNN runs on libgomp. Clang would link LLVM's runtime, which then
 * takes over oneDNN's calls as well and fails where several threads of the
 * program start teams ("r_in_parallel >= 0"). So regions call libgomp's stable
 * interface, as gcc's do. */
extern void GOMP_parallel (void (*region) (gpointer), gpointer data,
    unsigned n_threads, unsigned flags);
extern int omp_get_thread_num (void);
extern int omp_get_max_threads (void);
extern void omp_set_num_threads (int n);
#else
#include <omp.h>
#endif

typedef struct {
  _Alignas(64) gint64 next; /* atomic */
  gint64 end, chunk;
} Part;

typedef struct {
  UnetJob job;
  gconstpointer params;
  gpointer const *ptr;
  Part parts[MAX_PARTS];
  guint n_parts;
} Loop;

static void
enter (void (*region) (gpointer), gpointer data, guint threads)
{
#ifdef __clang__
  GOMP_parallel (region, data, threads, 0);
#else
#pragma omp parallel num_threads(threads)
  region (data);
#endif
}

static void
work (const Loop *loop, Part *part, guint thread)
{
  gint64 i, end;

  for (;;) {
    i = __atomic_fetch_add (&part->next, part->chunk, __ATOMIC_RELAXED);
    if (i >= part->end)
      return;
    end = MIN (i + part->chunk, part->end);
    for (; i < end; i++)
      loop->job (loop->params, loop->ptr, i, thread);
  }
}

static void
run_loop (gpointer data, guint thread)
{
  Loop *loop = data;

  for (guint k = 0; k < loop->n_parts; k++)
    work (loop, loop->parts + (thread + k) % loop->n_parts, thread);
}

static void
run_in_team (gpointer data)
{
  run_loop (data, omp_get_thread_num ());
}

static _Thread_local UnetWorkerPool *current_pool;

void
unet_parallel_set_pool (UnetWorkerPool *pool)
{
  current_pool = pool;
}

void
unet_parallel (UnetJob job, gconstpointer params, gpointer const *ptr,
    gint64 n_jobs, guint threads)
{
  Loop loop;

  threads = CLAMP (n_jobs, 1, (gint64) threads);
  if (threads == 1) {
    for (gint64 i = 0; i < n_jobs; i++)
      job (params, ptr, i, 0);
    return;
  }
  loop.job = job;
  loop.params = params;
  loop.ptr = ptr;
  loop.n_parts = MIN (threads, MAX_PARTS);
  for (guint k = 0; k < loop.n_parts; k++) {
    Part *part = loop.parts + k;

    part->next = n_jobs * k / loop.n_parts;
    part->end = n_jobs * (k + 1) / loop.n_parts;
    part->chunk = MAX ((part->end - part->next) / CHUNKS, 1);
  }
  if (current_pool)
    unet_worker_pool_run (current_pool, run_loop, &loop);
  else
    enter (run_in_team, &loop, threads);
}

static void
nothing (G_GNUC_UNUSED gpointer data)
{
  __asm__ volatile("" ::: "memory"); /* keeps the region from being removed */
}

void
unet_parallel_make_team (guint threads)
{
  enter (nothing, NULL, threads);
}

guint
unet_parallel_get_threads (void)
{
  return omp_get_max_threads ();
}

void
unet_parallel_set_threads (guint threads)
{
  omp_set_num_threads (threads);
}
