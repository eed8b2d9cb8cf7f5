/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lag.h"
#include "overlap.h"
#include "reader.h"

#include <stdio.h>
#include <string.h>

/* Draws the cut-out and its truth @offset pixels to the right. */
static void
paste (GstVideoFrame *frame, const GstVideoFrame *cutout, const guint8 *mask,
    guint mask_width, gint offset, guint8 *truth)
{
  const gint w = frame->info.width, h = frame->info.height;

  memset (truth, 0, (gsize) w * h);
  for (gint y = 0; y < h; y++) {
    for (gint x = 0; x < w; x++) {
      const gint from = x - offset;

      if (from < 0 || from >= (gint) mask_width || y >= cutout->info.height
          || !mask[y * (gint) mask_width + from])
        continue;
      truth[y * w + x] = 1;
      for (guint p = 0; p < 3; p++) {
        guint8 *dst = GST_VIDEO_FRAME_PLANE_DATA (frame, p);
        const guint8 *src = GST_VIDEO_FRAME_PLANE_DATA (cutout, p);

        dst[y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, p) + x] =
            src[y * GST_VIDEO_FRAME_PLANE_STRIDE (cutout, p) + from];
      }
    }
  }
}

static void
measure_speed (Chain *chain, Reader *background, const Reader *cutout,
    const guint8 *mask, guint mask_width, gint speed)
{
  const gint w = background->info.width, h = background->info.height;
  const gsize n = (gsize) w * h;
  const gdouble elapsed = 1000 / 30.0;
  guint8 *truth = g_malloc (n), *found = g_malloc (n);
  gfloat *q = g_new (gfloat, n);
  gdouble sums[3] = { 0 };
  const gint travel = MAX (w - (gint) mask_width, 0) + (gint) mask_width / 2;
  const gint frames = 24;

  chain_set_info (chain, &background->info);
  for (gint f = 0; f < frames; f++) {
    const gint way = speed * f % (2 * travel);
    const gint offset =
        (way < travel ? way : 2 * travel - way) - (gint) mask_width / 4;
    const UnetMask *refined;
    GstVideoFrame frame;
    GstBuffer *buffer =
        copy_frame (&background->info, &background->frame, &frame);

    paste (&frame, &cutout->frame, mask, mask_width, offset, truth);
    add_noise (&frame, 2);
    chain_run (chain, &frame, elapsed);
    refined = chain_refine (chain, &frame, elapsed);
    for (guint i = 0; i < 3; i++) {
      if (i < 2)
        enlarge (i ? &chain->smoothed : &chain->raw, w, h, q);
      for (gsize k = 0; k < n; k++)
        found[k] = i < 2 ? q[k] > 0.5f : refined->probability[k] > 127;
      if (f >= 8)
        sums[i] += iou (found, truth, n) / (frames - 8);
    }
    gst_video_frame_unmap (&frame);
    gst_buffer_unref (buffer);
  }
  printf ("%2d pixels a frame: raw %.4f  smoothed %.4f (%+.4f)  drawn %.4f "
          "(%+.4f)\n",
      speed, sums[0], sums[1], sums[1] - sums[0], sums[2], sums[2] - sums[0]);
  g_free (truth);
  g_free (found);
  g_free (q);
}

void
measure_lag (Chain *chain, const gchar *image, const gchar *mask_path,
    const gchar *video)
{
  static const gint speeds[] = { 0, 2, 5, 10, 20 };
  guint w, h;
  guint8 *mask = load_mask (mask_path, &w, &h);
  Reader background, cutout;

  reader_init (&background, video,
      "videoscale ! video/x-raw,format=Y444,width=640,height=480");
  reader_init (&cutout, image, "video/x-raw,format=Y444");
  if (!mask || !reader_next (&background) || !reader_next (&cutout))
    g_error ("no pictures");
  for (guint i = 0; i < G_N_ELEMENTS (speeds); i++)
    measure_speed (chain, &background, &cutout, mask, w, speeds[i]);
  reader_clear (&background);
  reader_clear (&cutout);
  g_free (mask);
}
