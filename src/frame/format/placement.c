/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/placement.h"

#include <math.h>

/* One axis: the frame's @frame pixels lie at @scale input pixels each, centred
 * in the window; what falls off the input is cut from the source. */
static void
place_axis (gdouble frame, gdouble scale, gdouble window, gdouble window_size,
    gint input, gdouble *src, gdouble *src_size, gint *dst, gint *dst_size)
{
  const gdouble size = frame * scale;
  const gdouble start = window + (window_size - size) / 2;
  gint from = (gint) floor (start + 0.5);
  gint to = (gint) floor (start + size + 0.5);

  if (start >= -0.5 && start + size <= input + 0.5) {
    /* The size is rounded first: it is what keeps the aspect. */
    *dst_size = CLAMP ((gint) floor (size + 0.5), 1, input);
    from = (gint) floor (window + (window_size - *dst_size) / 2 + 0.5);
    *dst = CLAMP (from, 0, input - *dst_size);
    *src = 0;
    *src_size = frame;
    return;
  }
  *dst = CLAMP (from, 0, input - 1);
  *dst_size = CLAMP (to, *dst + 1, input) - *dst;
  *src = MAX (0, (*dst - start) / scale);
  *src_size = MIN (frame - *src, *dst_size / scale);
}

/* Letterbox takes the smaller scale of the two axes and crop the larger one.
 * Valid convolutions see more of the input than the output covers: with crop,
 * picture that the window cuts off still fills that margin, and only the rest
 * is mirrored. */
void
unet_placement_init (UnetPlacement *placement, UnetFit fit, guint frame_width,
    guint frame_height, guint par_n, guint par_d, guint input_width,
    guint input_height, gdouble window_x, gdouble window_y,
    gdouble window_width, gdouble window_height)
{
  const gdouble par = par_n && par_d ? (gdouble) par_n / par_d : 1;
  gdouble scale_x = window_width / frame_width;
  gdouble scale_y = window_height / frame_height;

  placement->orientation = GST_VIDEO_ORIENTATION_IDENTITY;
  placement->frame_width = frame_width;
  placement->frame_height = frame_height;
  if (fit == UNET_FIT_LETTERBOX || fit == UNET_FIT_CROP) {
    const gdouble x = scale_x / par;
    const gdouble scale = fit == UNET_FIT_LETTERBOX ? MIN (x, scale_y)
                                                    : MAX (x, scale_y);

    scale_x = scale * par;
    scale_y = scale;
  }
  place_axis (frame_width, scale_x, window_x, window_width, input_width,
      &placement->src_x, &placement->src_w, &placement->dst_x,
      &placement->dst_w);
  place_axis (frame_height, scale_y, window_y, window_height, input_height,
      &placement->src_y, &placement->src_h, &placement->dst_y,
      &placement->dst_h);
  placement->mirror = window_x > 0 || window_y > 0 || window_width < input_width
      || window_height < input_height;
}

/* A frame that fits keeps its pixels as they are, whatever the contract's fit:
 * a network at the video's own size needs no scaling for the few pixels by
 * which that is rounded up. */
void
unet_placement_init_for (UnetPlacement *placement, const UnetContract *contract,
    guint frame_width, guint frame_height, guint par_n, guint par_d,
    guint input_width, guint input_height, gdouble window_x, gdouble window_y,
    gdouble window_width, gdouble window_height)
{
  const gdouble par = par_n && par_d ? (gdouble) par_n / par_d : 1;

  unet_placement_init (placement, contract->fit, frame_width, frame_height,
      par_n, par_d, input_width, input_height, window_x, window_y, window_width,
      window_height);
  if (!contract->input_video || frame_width * par > window_width + 0.5
      || frame_height > window_height + 0.5)
    return;
  place_axis (frame_width, par, window_x, window_width, input_width,
      &placement->src_x, &placement->src_w, &placement->dst_x,
      &placement->dst_w);
  place_axis (frame_height, 1, window_y, window_height, input_height,
      &placement->src_y, &placement->src_h, &placement->dst_y,
      &placement->dst_h);
  placement->mirror = TRUE;
}
