/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The contract of a model, with notes about what it holds. Any thread. */

#include "model/notes.h"
#include <unetseg/unet-model.h>

G_BEGIN_DECLS

/* Does what unet_model_get_contract() does, and adds to @notes what the user
 * should know. @notes: (nullable) */
UNET_INTERNAL_API UnetContract *unet_model_resolve_contract (
    const UnetModel *model, GHashTable *overrides, GPtrArray *notes,
    GError **error);

G_END_DECLS
