/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as a calibration file. A calibration that is read is written
 * and read again. */

#include <unetseg/unetseg.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  UnetCalibration *calibration =
      unet_calibration_new_from_data ((const gchar *) data, size, "fuzz", NULL);
  gdouble difference, iou;

  if (calibration == NULL)
    return 0;
  unet_calibration_get_agreement (calibration, &difference, &iou);
  if (!(difference >= 0 && difference <= 1 && iou >= 0 && iou <= 1))
    g_error ("numbers out of range");
  unet_calibration_agrees (calibration);
  unet_calibration_unref (calibration);
  return 0;
}
