/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The placement of a frame in the network's input: which rectangle of the frame
 * goes to which rectangle of the tensor. */

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Longest side in pixels of a tensor or a mask. GStreamer has the same limit
 * for frames (gst_video_info_set_format). Rows of this length are allocated
 * without a check; whole planes are checked. */
#define UNET_MAX_PICTURE_SIZE 32767

/* Outside the rectangle @dst_* the tensor holds a border. */
typedef struct {
  gdouble src_x, src_y, src_w, src_h; /* in the frame, pixels */
  gint dst_x, dst_y, dst_w, dst_h;    /* in the network's input, pixels */
  /* TRUE: the border reflects the picture, as valid convolutions need it
   * (Ronneberger et al. 2015, section 2). FALSE: it is black before
   * normalisation. */
  gboolean mirror;
  /* The rotation that makes the buffer's picture upright. All coordinates above
   * are upright, and so is the tensor. Frames and masks lie as the buffer
   * does. */
  GstVideoOrientationMethod orientation;
  guint frame_width, frame_height; /* upright */
} UnetPlacement;

/* Places a frame by @fit. @frame_* and the pixel aspect ratio @par_* are those
 * of the upright frame. @window_* is the part of the input that the output
 * covers: the whole input for same-padded networks. Sets the orientation to
 * identity. */
UNET_API void unet_placement_init (UnetPlacement *placement, UnetFit fit,
    guint frame_width, guint frame_height, guint par_n, guint par_d,
    guint input_width, guint input_height, gdouble window_x, gdouble window_y,
    gdouble window_width, gdouble window_height);
/* Places a frame as @contract says: by its fit or, with `input-size=video`, one
 * frame pixel to an input pixel with a mirrored border. */
UNET_API void unet_placement_init_for (UnetPlacement *placement,
    const UnetContract *contract, guint frame_width, guint frame_height,
    guint par_n, guint par_d, guint input_width, guint input_height,
    gdouble window_x, gdouble window_y, gdouble window_width,
    gdouble window_height);

G_END_DECLS
