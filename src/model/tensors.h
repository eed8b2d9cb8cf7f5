/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inputs and outputs of a model by name. Any thread. */

#include <unetseg/unet-model.h>
#include "base/export.h"

G_BEGIN_DECLS

/* Return the index of the input or output of this name, or -1. @name:
 * (nullable) */
UNET_INTERNAL_API gint unet_model_find_input_index (
    const UnetModel *model, const gchar *name);
UNET_INTERNAL_API gint unet_model_find_output_index (
    const UnetModel *model, const gchar *name);

/* Return the tensor that the contract's text means, a name or a decimal index,
 * or %NULL. Without a text it is the first input of rank 4, or the first
 * output. */
const UnetTensorInfo *unet_model_find_input (
    const UnetModel *model, const gchar *name);
const UnetTensorInfo *unet_model_find_output (
    const UnetModel *model, const gchar *name);

G_END_DECLS
