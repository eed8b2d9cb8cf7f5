/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that preloads this library can make THREADS threads; every later
 * one fails, as on a system without more threads. Limits of the system do not
 * apply to root. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

__attribute__ ((visibility ("default"))) int
pthread_create (pthread_t *thread, const pthread_attr_t *attributes,
    void *(*start) (void *), void *data)
{
  static __typeof__ (pthread_create) *next;
  static int made;
  const char *limit = getenv ("THREADS");

  if (__atomic_fetch_add (&made, 1, __ATOMIC_SEQ_CST)
      >= (limit ? atoi (limit) : 0))
    return EAGAIN;
  if (next == NULL)
    next = (__typeof__ (next)) dlsym (RTLD_NEXT, "pthread_create");
  return next (thread, attributes, start, data);
}
