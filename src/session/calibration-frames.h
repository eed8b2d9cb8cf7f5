/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The frames of a calibration that is not finished. */

#include "model/calibration.h"

G_BEGIN_DECLS

typedef struct {
  UnetModel *source;
  UnetTensorInfo *shapes; /* of all inputs; names are the model's */
  guint n_shapes;
  GPtrArray *frames; /* of GPtrArray of GBytes, by input */
} UnetCalibrationFrames;

/* Returns the frames of a calibration that unet_calibration_new() made. */
UnetCalibrationFrames *unet_calibration_get_frames (UnetCalibration *self);

G_END_DECLS
