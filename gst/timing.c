/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timing.h"

#include <string.h>

void
gst_unet_timing_reset (GstUnetTiming *self)
{
  self->n = self->next = 0;
}

/* Index of the first entry that is not below @time. */
static guint
gst_unet_timing_find (const GstUnetTiming *self, guint64 time)
{
  guint low = 0, high = self->n;

  while (low < high) {
    guint mid = (low + high) / 2;

    if (self->sorted[mid] < time)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

/* Sorted by insertion, so that nothing has to be sorted to read it. */
void
gst_unet_timing_add (GstUnetTiming *self, guint64 time)
{
  guint64 *sorted = self->sorted;
  guint i;

  if (self->n == GST_UNET_TIMING_WINDOW) {
    i = gst_unet_timing_find (self, self->ring[self->next]);
    self->n--;
    memmove (&sorted[i], &sorted[i + 1], (self->n - i) * sizeof (*sorted));
  }
  self->ring[self->next] = time;
  self->next = (self->next + 1) % GST_UNET_TIMING_WINDOW;

  i = gst_unet_timing_find (self, time);
  memmove (&sorted[i + 1], &sorted[i], (self->n - i) * sizeof (*sorted));
  sorted[i] = time;
  self->n++;
}

guint64
gst_unet_timing_percentile (const GstUnetTiming *self, guint percent)
{
  if (self->n == 0)
    return 0;
  return self->sorted[(self->n * percent + 99) / 100 - 1];
}

GstClockTime
gst_unet_running_time (const GstSegment *segment, GstClockTime pts)
{
  GstClockTime time = pts;

  if (segment->format == GST_FORMAT_TIME)
    time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts);
  return GST_CLOCK_TIME_IS_VALID (time) ? time : 0;
}
