/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inputs beside the picture: those that take the last run's outputs, and those
 * that hold one number for good. */

#include "graph/graph.h"
#include "model/model.h"

G_BEGIN_DECLS

/* An output that becomes an input of the next run; indices. */
typedef struct {
  guint input, output;
} UnetStatePair;

/* The contract's `state` as indices; names may hold colons. */
UnetStatePair *unet_state_find (const UnetModel *model,
    const UnetContract *contract, guint *n, GError **error);
/* Finds pairs by name and shape where nobody said any, checks those that were
 * said, and checks `constants`. Input and output are resolved. */
gboolean unet_state_resolve (
    const UnetModel *model, UnetContract *contract, GError **error);

/* Makes `constants` constants of @graph, so that they fold. */
void unet_constants_bind (UnetGraph *graph, const UnetContract *contract);
/* What nobody asks for anything has one element where its size is open. */
void unet_spare_inputs_bind (UnetGraph *graph, const UnetContract *contract);
/* Finds the shapes of open states: those with which a run gives what it takes.
 * The picture's shape is known. */
gboolean unet_state_bind (
    UnetGraph *graph, const UnetStatePair *pairs, guint n, GError **error);

G_END_DECLS
