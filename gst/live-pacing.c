/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live-pacing.h"

/* Nanoseconds. A camera that does not tell its rate mostly has 30 frames a
 * second; a longer latency than the longest is no longer live. */
#define USUAL_DURATION  (GST_SECOND / 30)
#define LONGEST_LATENCY (100 * GST_MSECOND)
/* Nanoseconds of the latency that are left for waking up and passing on. */
#define MARGIN (2 * GST_MSECOND)

/* A mask that comes too late counts MISS, one in time takes 1 off, and at
 * MANY_MISSES frames stop waiting: after three in a row, or when more than one
 * in five is late for some time. A single busy moment changes nothing. */
#define MISS        4
#define MANY_MISSES 12
/* Frames wait again after so many runs in a row that took less than
 * SURE_SHARE of the budget, about half a second of a fast network. */
#define SURE_RUNS  15
#define SURE_SHARE 0.6

void
gst_unet_live_pacing_init (GstUnetLivePacing *self)
{
  *self = (GstUnetLivePacing){ .waits = TRUE };
}

void
gst_unet_live_pacing_set_info (
    GstUnetLivePacing *self, const GstVideoInfo *info, GstClockTime drawing)
{
  GstClockTime duration = USUAL_DURATION;

  if (info->fps_n > 0)
    duration = gst_util_uint64_scale (GST_SECOND, info->fps_d, info->fps_n);
  self->latency = MIN (duration, LONGEST_LATENCY);
  /* At least half, however slow drawing looked when it was measured. */
  self->budget = self->latency - MIN (drawing + MARGIN, self->latency / 2);
  self->misses = self->in_time = 0;
}

/* A quarter of the latency downstream is left for what is done there. More than
 * a frame's duration is never used: an encoder that holds many frames still
 * needs each of them in time. */
static GstClockTime
forgive (const GstUnetLivePacing *self, GstClockTime lateness,
    GstClockTime downstream)
{
  GstClockTime held = MIN (downstream, self->latency) * 3 / 4;

  return lateness > held ? lateness - held : 0;
}

gint64
gst_unet_live_pacing_get_wait (const GstUnetLivePacing *self,
    GstClockTime lateness, GstClockTime downstream)
{
  lateness = forgive (self, lateness, downstream);
  if (!self->waits || lateness >= self->budget)
    return 0;
  return g_get_monotonic_time ()
      + (gint64) ((self->budget - lateness) / GST_USECOND);
}

static gboolean
stop_waiting (GstUnetLivePacing *self, gboolean own)
{
  if (!own)
    self->misses += MISS;
  else if (self->misses > 0)
    self->misses--;
  if (self->misses < MANY_MISSES)
    return FALSE;
  self->waits = FALSE;
  self->misses = self->in_time = 0;
  return TRUE;
}

static gboolean
start_waiting (GstUnetLivePacing *self, guint64 run_time)
{
  if (run_time == 0)
    return FALSE;
  if (run_time < SURE_SHARE * self->budget)
    self->in_time++;
  else
    self->in_time = 0;
  self->waits = self->in_time >= SURE_RUNS;
  return self->waits;
}

gboolean
gst_unet_live_pacing_add (
    GstUnetLivePacing *self, gboolean own, guint64 run_time)
{
  return self->waits ? stop_waiting (self, own)
                     : start_waiting (self, run_time);
}
