/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of a contract that is about the output. Any thread. */

#include "model/notes.h"
#include <unetseg/unet-model.h>

G_BEGIN_DECLS

/* Resolves output, activation and labels. Input, layout, colours and size are
 * resolved. Adds to @notes what was chosen. @notes: (nullable). Returns %FALSE
 * with %UNET_ERROR_CONTRACT. */
gboolean unet_output_resolve (const UnetModel *model, UnetContract *contract,
    GPtrArray *notes, GError **error);

G_END_DECLS
