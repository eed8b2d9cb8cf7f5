/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/export.h"

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* How a network is computed, as a user sets it. */
typedef struct {
  guint threads; /* of a run; 0: the segmenter chooses */
  UnetPrecision precision;
  gchar *calibration; /* (nullable): path of a file to read or to write */
} UnetRunOptions;

/* @to: uninitialised or cleared. */
UNET_INTERNAL_API void unet_run_options_copy (
    UnetRunOptions *to, const UnetRunOptions *from);
UNET_INTERNAL_API void unet_run_options_clear (UnetRunOptions *self);

G_END_DECLS
