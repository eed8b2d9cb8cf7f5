/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Returns whether @node is a BatchNormalization that was exported in training
 * mode: it normalises by the statistics of the batch itself, as ONNX says. */
gboolean unet_batch_norm_is_training (const UnetNode *node);

G_END_DECLS
