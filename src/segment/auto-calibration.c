/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/auto-calibration.h"

/* Frames of a stream that int8 is calibrated with. A third of them are held
 * back to compare masks. More take longer to collect and to run in f32. */
#define CALIBRATION_FRAMES 12

static void
begin (UnetAutoCalibration *self)
{
  g_clear_pointer (&self->collecting, unet_calibration_unref);
  self->collecting =
      unet_calibration_new (self->model, "the first frames of a stream");
}

gboolean
unet_auto_calibration_init (UnetAutoCalibration *self, UnetModel *model,
    const UnetRunOptions *options, GError **error)
{
  const gchar *path = options->calibration;

  *self = (UnetAutoCalibration){ .model = unet_model_ref (model) };
  if (options->precision == UNET_PRECISION_F32
      || options->precision == UNET_PRECISION_BF16
      || unet_model_is_quantized (model))
    return TRUE;
  if (path && g_file_test (path, G_FILE_TEST_EXISTS)) {
    self->calibration = unet_calibration_load (path, error);
    return self->calibration != NULL;
  }
  self->path = g_strdup (path);
  if (options->precision == UNET_PRECISION_INT8)
    begin (self);
  return TRUE;
}

void
unet_auto_calibration_clear (UnetAutoCalibration *self)
{
  g_clear_pointer (&self->collecting, unet_calibration_unref);
  g_clear_pointer (&self->calibration, unet_calibration_unref);
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->model, unet_model_unref);
}

static gboolean
is_full (const UnetAutoCalibration *self)
{
  guint n = 0;

  unet_calibration_get_data (self->collecting, &n);
  return n >= CALIBRATION_FRAMES;
}

UnetCalibration *
unet_auto_calibration_ref_collecting (UnetAutoCalibration *self)
{
  if (self->collecting == NULL || is_full (self))
    return NULL;
  return unet_calibration_ref (self->collecting);
}

gboolean
unet_auto_calibration_end_collecting (UnetAutoCalibration *self)
{
  if (self->collecting == NULL || !is_full (self))
    return FALSE;
  g_clear_pointer (&self->calibration, unet_calibration_unref);
  self->calibration = g_steal_pointer (&self->collecting);
  return TRUE;
}

void
unet_auto_calibration_restart (UnetAutoCalibration *self)
{
  if (self->calibration && !unet_calibration_is_finished (self->calibration)) {
    g_clear_pointer (&self->calibration, unet_calibration_unref);
    begin (self);
  } else if (self->collecting) {
    begin (self);
  }
}

UnetCalibration *
unet_auto_calibration_get_finished (const UnetAutoCalibration *self)
{
  return self->calibration && unet_calibration_is_finished (self->calibration)
      ? self->calibration
      : NULL;
}
