/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unetseg/unet-session.h>

G_DEFINE_BOXED_TYPE (UnetSessionOptions, unet_session_options,
    unet_session_options_copy, unet_session_options_free)

UnetSessionOptions *
unet_session_options_new (void)
{
  static const UnetSessionOptions defaults = UNET_SESSION_OPTIONS_INIT;

  return unet_session_options_copy (&defaults);
}

UnetSessionOptions *
unet_session_options_copy (const UnetSessionOptions *options)
{
  return g_memdup2 (options, sizeof *options);
}

void
unet_session_options_free (UnetSessionOptions *options)
{
  g_free (options);
}

void
unet_session_options_set_calibration (
    UnetSessionOptions *options, UnetCalibration *calibration)
{
  options->calibration = calibration;
}
