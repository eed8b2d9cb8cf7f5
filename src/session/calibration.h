/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-calibration.h>
#include "engine/run/precision.h"

G_BEGIN_DECLS

struct _UnetCalibration {
  gatomicrefcount ref_count;
  gchar *model; /* its hash */
  gchar *data;
  guint n_frames;
  gboolean finished;
  gint cancelled;                  /* atomic */
  gdouble difference, iou;         /* found */
  gdouble max_difference, min_iou; /* asked for */
  GHashTable *ranges;              /* name of a value -> UnetRange */
  GHashTable *wide;                /* set of names of nodes */

  /* until finished */
  UnetModel *source;
  UnetTensorInfo *shapes; /* names are the model's */
  guint n_shapes;
  GPtrArray *frames; /* of GPtrArray of GBytes, by input */
};

/* How two results compare, summed over frames. */
typedef struct {
  gdouble difference;
  guint64 n, both, either;
} UnetAgreement;
void unet_agreement_add (UnetAgreement *self, const UnetTensorInfo *info,
    const UnetContract *contract, gconstpointer a, gconstpointer b);
gdouble unet_agreement_difference (const UnetAgreement *self);
gdouble unet_agreement_iou (const UnetAgreement *self);

G_END_DECLS
