/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "litert/importer.h"

G_BEGIN_DECLS

/* Takes what the file says about its picture input and its classes into the
 * graph's metadata, as fields of the contract: mean, std and labels. @model:
 * the root of the file. Inputs and outputs are in the graph. */
void unet_litert_read_metadata (UnetLitert *litert, const UnetFlatTable *model);

G_END_DECLS
