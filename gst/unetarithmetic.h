/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* How a network is to be computed. */
typedef struct {
  guint threads;
  UnetPrecision precision;
  gchar *calibration; /* (nullable): path of a file to read or to write */
} UnetArithmetic;

void unet_arithmetic_copy (UnetArithmetic *to, const UnetArithmetic *from);
void unet_arithmetic_clear (UnetArithmetic *self);

/* A session made in a thread, beside one that is at work: its implementations
 * are measured and, with a calibration, its numbers found first. */
typedef struct _UnetBeside UnetBeside;

/* @calibration: (nullable): finished, or with the frames to be finished with
 * and then saved to @path (nullable) */
UnetBeside *unet_beside_new (UnetModel *model, const UnetContract *contract,
    guint width, guint height, const UnetSessionOptions *options,
    UnetCalibration *calibration, const gchar *path);
gboolean unet_beside_is_done (UnetBeside *self);
/* Waits for it, soon over with @cancel. Returns: (transfer full) (nullable):
 * the session */
UnetSession *unet_beside_finish (UnetBeside *self, gboolean cancel);

G_END_DECLS
