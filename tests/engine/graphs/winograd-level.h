/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/graphs/graph-builder.h"

/* Returns one level of a U-Net (transfer full) of random size. Its Winograd
 * convolutions lie between a pooling, a transposed convolution or a resize, a
 * concatenation and a head. Other nodes also read some of their results. */
UnetGraph *unet_test_graph_level (guint seed);
