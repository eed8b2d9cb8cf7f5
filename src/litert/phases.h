/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "litert/importer.h"

G_BEGIN_DECLS

gboolean unet_litert_space_to_batch (const UnetLitertOp *op, GError **error);
gboolean unet_litert_batch_to_space (const UnetLitertOp *op, GError **error);

G_END_DECLS
