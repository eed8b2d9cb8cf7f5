/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/run-options.h"

void
unet_run_options_copy (UnetRunOptions *to, const UnetRunOptions *from)
{
  *to = *from;
  to->calibration = g_strdup (from->calibration);
}

void
unet_run_options_clear (UnetRunOptions *self)
{
  g_clear_pointer (&self->calibration, g_free);
}
