/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A model at one size of its input: shapes that the file leaves open are known
 * there. Any thread. */

#include "graph/analysis/geometry.h"
#include "model/output-shape.h"
#include <unetseg/unet-model.h>

G_BEGIN_DECLS

typedef struct {
  UnetGraph *graph;
  UnetGeometry *geometry; /* of every value */
  guint width, height;    /* of the picture input */
  gint64 batch;           /* pictures that the network takes at once */
  UnetLayout layout;
} UnetTrial;

/* Infers the shapes of a copy of the model's graph for a plausible size of the
 * contract's picture input. Input, layout and colours of the contract are
 * resolved. Returns %NULL where that size does not suit the network. */
UnetTrial *unet_trial_new (
    const UnetModel *model, const UnetContract *contract);
/* @self may be %NULL. */
void unet_trial_free (UnetTrial *self);
/* Describes output @index of one picture; the name is the graph's. */
UnetTensorInfo unet_trial_get_output (const UnetTrial *self, guint index);
/* Finds where output @index has rows, columns and channels, as
 * unet_output_shape_find() does. */
gboolean unet_trial_find_shape (const UnetTrial *self, guint index,
    UnetOutputShape *shape, const gchar **why);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetTrial, unet_trial_free)

G_END_DECLS
