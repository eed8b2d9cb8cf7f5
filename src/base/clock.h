/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Clocks of this process. */

#include <glib.h>
#include <sys/resource.h>
#include <time.h>

G_BEGIN_DECLS

/* Returns the nanoseconds that @clock shows. */
static inline guint64
unet_clock_ns (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return t.tv_sec * G_GUINT64_CONSTANT (1000000000) + t.tv_nsec;
}

/* Returns the time slices that this process lost to other ones, 0 if the
 * kernel does not count them. */
static inline glong
unet_clock_lost_slices (void)
{
  struct rusage usage;

  return getrusage (RUSAGE_SELF, &usage) == 0 ? usage.ru_nivcsw : 0;
}

G_END_DECLS
