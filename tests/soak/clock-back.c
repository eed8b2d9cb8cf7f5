/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into a program, it sets the clock of the day back by an hour after
 * each second, as a user or a time server may. The monotonic clock goes on. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

#define EXPORT __attribute__ ((visibility ("default")))
#define HOUR   3600

static int (*real_clock) (clockid_t, struct timespec *);

static time_t
back (void)
{
  static time_t first;
  struct timespec now;

  real_clock (CLOCK_MONOTONIC, &now);
  if (first == 0)
    first = now.tv_sec;
  return (now.tv_sec - first) * HOUR;
}

EXPORT int
clock_gettime (clockid_t id, struct timespec *time)
{
  int status;

  if (real_clock == NULL)
    real_clock = (__typeof__ (real_clock)) dlsym (RTLD_NEXT, "clock_gettime");
  status = real_clock (id, time);
  if (status == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
    time->tv_sec -= back ();
  return status;
}

EXPORT int
gettimeofday (struct timeval *restrict time, void *restrict zone)
{
  struct timespec now;

  (void) zone;
  clock_gettime (CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

EXPORT time_t
time (time_t *at)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  if (at)
    *at = now.tv_sec;
  return now.tv_sec;
}
