/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segment/run-options.h"

G_BEGIN_DECLS

/* The calibration of an int8 session: read from a file, or made from the first
 * frames of a stream. */
typedef struct {
  UnetModel *model;
  gchar *path;                  /* (nullable): where a new one is saved */
  UnetCalibration *collecting;  /* (nullable): takes frames */
  UnetCalibration *calibration; /* (nullable): finished, or has all frames */
} UnetAutoCalibration;

/* Reads the file of @options where there is one; otherwise frames are collected
 * if int8 is asked for. Returns FALSE with %UNET_ERROR set for a bad file. */
gboolean unet_auto_calibration_init (UnetAutoCalibration *self,
    UnetModel *model, const UnetRunOptions *options, GError **error);
void unet_auto_calibration_clear (UnetAutoCalibration *self);

/* Returns: (nullable) (transfer full): what takes the inputs of the next run,
 * with unet_calibration_add(). */
UnetCalibration *unet_auto_calibration_ref_collecting (
    UnetAutoCalibration *self);
/* Ends collecting once there are enough frames. Returns TRUE when it ends: the
 * next session is to be compiled with the calibration. */
gboolean unet_auto_calibration_end_collecting (UnetAutoCalibration *self);
/* Forgets frames of another size, and a calibration that was not finished. */
void unet_auto_calibration_restart (UnetAutoCalibration *self);
/* Returns: (nullable) (transfer none): a calibration that is finished. */
UnetCalibration *unet_auto_calibration_get_finished (
    const UnetAutoCalibration *self);

G_END_DECLS
