/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flicker.h"
#include "reader.h"

#include <math.h>
#include <stdio.h>

static gdouble
difference (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += fabs (a[i] - b[i]);
  return sum / n;
}

/* Shows one frame of the recording repeatedly, with new noise each time. */
void
measure_flicker (Chain *chain, const gchar *path, gdouble sigma, guint frames)
{
  Reader reader;
  gdouble sums[3] = { 0 };
  gfloat *q[3], *last[3];
  gsize n;

  reader_init (&reader, path, "video/x-raw,format=I420");
  for (guint i = 0; i < 10 && reader_next (&reader); i++)
    continue;
  chain_set_info (chain, &reader.info);
  n = (gsize) reader.info.width * reader.info.height;
  for (guint i = 0; i < 3; i++) {
    q[i] = g_new (gfloat, n);
    last[i] = g_new (gfloat, n);
  }
  for (guint f = 0; f < frames; f++) {
    const gdouble elapsed = 1000 / 30.0;
    const UnetMask *refined;
    GstVideoFrame frame;
    GstBuffer *buffer = copy_frame (&reader.info, &reader.frame, &frame);

    add_noise (&frame, sigma);
    chain_run (chain, &frame, elapsed);
    refined = chain_refine (chain, &frame, elapsed);
    enlarge (&chain->raw, reader.info.width, reader.info.height, q[0]);
    enlarge (&chain->smoothed, reader.info.width, reader.info.height, q[1]);
    for (gsize i = 0; i < n; i++)
      q[2][i] = refined->probability[i] / 255.0f;
    for (guint i = 0; i < 3; i++) {
      gfloat *swap = last[i];

      if (f > 15)
        sums[i] += difference (q[i], last[i], n) / (frames - 16);
      last[i] = q[i];
      q[i] = swap;
    }
    gst_video_frame_unmap (&frame);
    gst_buffer_unref (buffer);
  }
  printf ("sigma %g: raw %.6f  smoothed %.6f (%.3f)  drawn %.6f (%.3f)\n",
      sigma, sums[0], sums[1], sums[1] / sums[0], sums[2], sums[2] / sums[0]);
  for (guint i = 0; i < 3; i++) {
    g_free (q[i]);
    g_free (last[i]);
  }
  reader_clear (&reader);
}
