/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of several outputs is the mask. Any thread. */

#include "model/notes.h"
#include "model/trial.h"

G_BEGIN_DECLS

/* Returns the index of the output that looks most like a mask by its size,
 * channels and name. It is the first, unless another one is clearly better;
 * then a note says why. @trial: (nullable): then it is the first. @notes:
 * (nullable) */
guint unet_output_choose (const UnetModel *model, const UnetContract *contract,
    const UnetTrial *trial, GPtrArray *notes);

G_END_DECLS
