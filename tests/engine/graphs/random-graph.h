/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Random graphs of all operators and connections that networks have. */

#include "engine/graphs/graph-builder.h"

/* Returns a graph (transfer full), the same for the same @seed. @all: every f32
 * value is an output. */
UnetGraph *unet_test_graph_random (guint seed, gboolean all);

/* Returns a graph of two inverted residuals of MobileNets, the same for the
 * same @seed. */
UnetGraph *unet_test_graph_inverted (guint seed);
