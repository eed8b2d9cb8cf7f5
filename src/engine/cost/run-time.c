/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/run-time.h"
#include "base/clock.h"
#include "engine/cost/timing-cache.h"
#include "engine/cost/timing.h"

/* Nanoseconds that runs take at most, and how many there are: two at least,
 * the first of which warms up. */
#define RUNS_NS G_GUINT64_CONSTANT (150000000)
#define RUNS    8

/* Beside busy threads one thread's processor time says more than the time of a
 * team, as it does of implementations. */
static guint64
measure (UnetPlan *plan)
{
  const gboolean alone = plan->times_alone;
  const clockid_t clock = alone ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  guint64 best = UNET_TIME_NEVER, total = 0;

  unet_run_mode_fix (&plan->mode, alone ? UNET_RUN_ALONE : UNET_RUN_TEAM);
  for (guint i = 0; i < RUNS && (i < 2 || total < RUNS_NS)
       && !g_cancellable_is_cancelled (plan->options.cancellable);
       i++) {
    guint64 ns = unet_clock_ns (clock);

    if (!unet_plan_run (plan, NULL))
      break;
    ns = unet_clock_ns (clock) - ns;
    best = MIN (best, ns);
    total += ns;
  }
  unet_run_mode_init (&plan->mode);
  if (best == UNET_TIME_NEVER || !alone)
    return best;
  return best / plan->options.threads;
}

guint64
unet_timing_measure_run (UnetPlan *plan)
{
  gchar *network = unet_timing_cache_describe (plan->graph);
  gchar *key = g_strdup_printf ("run %s t%u %s",
      !plan->low_precision            ? "f32"
          : plan->low_precision->bf16 ? "bf16"
                                      : "int8",
      plan->options.threads, network);
  guint64 ns;

  if (!unet_timing_is_known (plan, key, &ns)) {
    ns = measure (plan);
    unet_timing_remember (plan, key, ns);
  }
  g_free (key);
  g_free (network);
  return ns;
}
