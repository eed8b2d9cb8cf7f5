/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/emit/histogram.h"
#include "engine/kernels/parallel.h"
#include <math.h>
#include <string.h>

GHashTable *
unet_histograms_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

/* ---- counting ------------------------------------------------------------ */

/* The limits and counts of one thread. */
typedef struct {
  gfloat low, high;
  guint32 bins[UNET_BINS];
} Share;

typedef struct {
  gsize n, step;
  gfloat factor;
  Share *shares; /* by thread */
} Count;

#define JOB (1 << 14) /* elements */

static void
find_job (gconstpointer params, gpointer const *ptr, gint64 job, guint thread)
{
  const Count *c = params;
  Share *s = &c->shares[thread];
  const gfloat *data = ptr[0];
  gfloat low = s->low, high = s->high;

  for (gsize i = job * JOB; i < MIN (c->n, (gsize) (job + 1) * JOB); i++) {
    low = MIN (low, data[i]);
    high = MAX (high, data[i]);
  }
  s->low = low;
  s->high = high;
}

static void
count_job (gconstpointer params, gpointer const *ptr, gint64 job, guint thread)
{
  const Count *c = params;
  Share *s = &c->shares[thread];
  const gfloat *data = ptr[0];
  gsize first = (job * JOB + c->step - 1) / c->step * c->step;

  for (gsize i = first; i < MIN (c->n, (gsize) (job + 1) * JOB); i += c->step) {
    gfloat x = fabsf (data[i]) * c->factor;
    s->bins[x < UNET_BINS - 1 ? (guint) x : UNET_BINS - 1]++;
  }
}

/* Doubles the width until @most fits; each time two bins become one. */
static void
widen (UnetHistogram *self, gfloat most)
{
  if (self->width == 0)
    self->width = MAX (most, 1e-20f);
  while (self->width < most) {
    for (guint i = 0; i < UNET_BINS / 2; i++)
      self->bins[i] = self->bins[2 * i] + self->bins[2 * i + 1];
    memset (self->bins + UNET_BINS / 2, 0, sizeof self->bins / 2);
    self->width *= 2;
  }
}

/* Numbers to count of a larger tensor: more do not change the ranges. */
#define SAMPLES (1 << 20)

void
unet_histogram_add (
    UnetHistogram *self, const gfloat *data, gsize n, guint threads)
{
  Count c = { n, (n / SAMPLES) | 1, 0, g_new0 (Share, threads) };
  gpointer ptr[] = { (gpointer) data };
  gint64 jobs = (n + JOB - 1) / JOB;
  gfloat low = 0, high = 0;

  unet_parallel (find_job, &c, ptr, jobs, threads);
  for (guint i = 0; i < threads; i++) {
    low = MIN (low, c.shares[i].low);
    high = MAX (high, c.shares[i].high);
  }
  if (isfinite (low) && isfinite (high) && high > low) {
    self->negative |= low < 0;
    widen (self, MAX (high, -low));
    c.factor = UNET_BINS / self->width;
    unet_parallel (count_job, &c, ptr, jobs, threads);
    for (guint i = 0; i < threads; i++)
      for (guint k = 0; k < UNET_BINS; k++)
        self->bins[k] += c.shares[i].bins[k];
  }
  g_free (c.shares);
}

/* ---- ranges -------------------------------------------------------------- */

/* Returns the squared error, in bins, of clipping at the end of bin @last.
 * Numbers up to there have uniform rounding errors, a twelfth of the square of
 * a step on average. Larger ones are off by their distance to it. */
static gdouble
clipping_error (const UnetHistogram *h, guint last, guint levels)
{
  gdouble step = (last + 1.0) / levels, error = 0;
  guint64 inside = 0;

  for (guint i = 1; i <= last; i++)
    inside += h->bins[i];
  for (guint i = last + 1; i < UNET_BINS; i++) {
    gdouble d = i + 0.5 - (last + 1.0);
    error += d * d * h->bins[i];
  }
  return error + inside * step * step / 12;
}

UnetRange
unet_histogram_range (const UnetHistogram *self)
{
  guint levels = self->negative ? 127 : 255, best = UNET_BINS - 1;
  gdouble least = INFINITY;
  gfloat high;

  for (guint last = 63; last < UNET_BINS; last += 16) {
    gdouble error = clipping_error (self, last, levels);

    if (error <= least) {
      least = error;
      best = last;
    }
  }
  /* The bins above the largest value are empty. */
  while (best > 0 && self->bins[best] == 0)
    best--;
  high = self->width * (best + 1) / UNET_BINS;
  return (UnetRange){ self->negative ? -high : 0.0f, high };
}

/* ---- steps --------------------------------------------------------------- */

typedef struct {
  UnetHistogram *histogram;
  gsize n;
} Watch;

static void
run_watch (gconstpointer params, gpointer const *ptr, guint threads)
{
  const Watch *w = params;

  unet_histogram_add (w->histogram, ptr[0], w->n, threads);
}

/* Lanes behind the last channel are zeros, which bin 0 counts without effect.
 */
void
unet_emit_watch (UnetPlan *plan, UnetValue *value)
{
  UnetHistogram *h = g_hash_table_lookup (plan->histograms, value->name);
  const UnetLoc *loc = NULL;
  UnetStep *step;
  Watch *w;

  for (guint i = 0; i < UNET_N_MEM && !loc; i++)
    loc = plan->locs[value->id][i];
  if (!loc || !loc->md || value->n_dims != 4 || value->constant
      || !unet_value_fits (plan, value, UNET_MEM_NHWC))
    return;
  if (!h) {
    h = g_new0 (UnetHistogram, 1);
    g_hash_table_insert (plan->histograms, g_strdup (value->name), h);
  }
  w = g_new0 (Watch, 1);
  w->histogram = h;
  w->n = unet_md_size (loc->md) / sizeof (gfloat);
  step = unet_plan_add_kernel (
      plan, NULL, "Watch", "unet:watch", run_watch, w, value, loc->layout);
  unet_step_operand (step, 0, loc, FALSE);
}
