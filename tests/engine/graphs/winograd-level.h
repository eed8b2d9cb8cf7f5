/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/graphs/graph-builder.h"

/* Returns one level of a U-Net (transfer full) of random size: Winograd
 * convolutions between a pooling, a transposed convolution or a resize, a
 * concatenation and a head, some of which other nodes read as well. */
UnetGraph *unet_test_graph_level (guint seed);
