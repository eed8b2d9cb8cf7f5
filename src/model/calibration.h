/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A calibration: ranges of values and how well masks agree. Its frames, which
 * it needs until it is finished, belong to session/calibration-frames.c. */

#include <unetseg/unet-calibration.h>
#include "base/range.h"

G_BEGIN_DECLS

struct _UnetCalibration {
  gatomicrefcount ref_count;
  gchar *model; /* its hash */
  gchar *data;
  guint n_frames;
  gboolean finished;
  gint cancelled;                  /* atomic */
  gdouble difference, iou;         /* found */
  gdouble max_difference, min_iou; /* limits */
  GHashTable *ranges;              /* name of a value -> UnetRange */
  GHashTable *keep_f32;            /* set of names of nodes */
  gpointer frames; /* (nullable): freed by @free_frames with the calibration */
  GDestroyNotify free_frames;
};

/* Returns a calibration without ranges. @hash: of the model; @data: (nullable):
 * name of the frames. */
UnetCalibration *unet_calibration_alloc (const gchar *hash, const gchar *data);

G_END_DECLS
