/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How near two results of one network are. */

#include <unetseg/unet-contract.h>

G_BEGIN_DECLS

/* Sums over frames; begin with zeros. */
typedef struct {
  gdouble difference; /* of probabilities, absolute */
  guint64 n;          /* probabilities */
  guint64 pixels;
  guint64 both, either; /* of the pixels: in both masks, in one at least */
} UnetAgreement;

/* Adds a frame: two outputs of the shape @info. @contract: (nullable): names
 * layout, activation and foreground class; without it they are guessed. */
void unet_agreement_add (UnetAgreement *self, const UnetTensorInfo *info,
    const UnetContract *contract, gconstpointer a, gconstpointer b);
/* Returns the mean absolute difference of probabilities. */
gdouble unet_agreement_difference (const UnetAgreement *self);
/* Returns the intersection over union of the masks; 1 for two empty ones. */
gdouble unet_agreement_iou (const UnetAgreement *self);

G_END_DECLS
