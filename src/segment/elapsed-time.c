/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/elapsed-time.h"

/* Nanoseconds. Above, a camera's scene has changed too much to average masks;
 * below, a stream with one frame a second loses its smoothing. */
#define LONGEST_GAP GST_SECOND

gdouble
unet_elapsed_time (GstClockTime last, GstClockTime pts)
{
  if (!GST_CLOCK_TIME_IS_VALID (last) || !GST_CLOCK_TIME_IS_VALID (pts)
      || pts <= last || pts - last > LONGEST_GAP)
    return 0;
  return (gdouble) (pts - last) / GST_MSECOND;
}
