/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inputs other than the picture: those that take the last run's outputs, and
 * those that hold one number in every run. */

#include "graph/graph.h"
#include <unetseg/unet-model.h>

G_BEGIN_DECLS

/* An output that becomes an input of the next run; indices. */
typedef struct {
  guint input, output;
} UnetStatePair;

/* Returns the contract's `state` as @n pairs, or %NULL with
 * %UNET_ERROR_CONTRACT when a name is unknown. Names may hold colons. Free with
 * g_free(). */
UnetStatePair *unet_state_find (const UnetModel *model,
    const UnetContract *contract, guint *n, GError **error);
/* Finds pairs by name and shape when the contract has none, and checks pairs
 * and `constants`. Input and output of the contract are resolved. Returns
 * %FALSE with %UNET_ERROR_CONTRACT. */
gboolean unet_state_resolve (
    const UnetModel *model, UnetContract *contract, GError **error);

/* Turns the inputs of `constants` into constants of @graph, so that they
 * fold. */
void unet_constants_bind (UnetGraph *graph, const UnetContract *contract);
/* Sets every open dimension of every input but the picture to 1. Call it after
 * states and constants are bound. */
void unet_spare_inputs_bind (UnetGraph *graph, const UnetContract *contract);
/* Finds the shapes of open states: those that a run returns as it takes them.
 * The picture's shape is known. Returns %FALSE with %UNET_ERROR_SHAPE. */
gboolean unet_state_bind (
    UnetGraph *graph, const UnetStatePair *pairs, guint n, GError **error);

G_END_DECLS
