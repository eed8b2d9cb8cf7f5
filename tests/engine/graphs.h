/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Graphs for tests of the engine: random ones of everything that networks
 * hang together, and the shapes of networks that everybody knows. */

#include "graph/graph.h"
#include "graph/ops/infer.h"
#include "graph/ops/table.h"
#include "graph/ops/window.h"
#include "graph/passes/optimize.h"
#include "graph/passes/quantization.h"

typedef struct {
  UnetGraph *graph;
  GRand *rng;
  GPtrArray *pool; /* of UnetValue, f32 and 4-D, to draw operands from */
  guint n_names;
} UnetTestGraph;

/* Uninferred, unoptimised, with constants for all weights; the same for the
 * same seed. With @all every f32 intermediate is an output. */
UnetGraph *unet_test_graph_random (guint seed, gboolean all);

/* Two inverted residuals of MobileNets, likewise. */
UnetGraph *unet_test_graph_inverted (guint seed);

/* One level of a U-Net as Winograd convolutions are found in it, of any size:
 * between a pooling, a transposed convolution or a resize, a concatenation and
 * a head, some of them read by others as well. */
UnetGraph *unet_test_graph_level (guint seed);

/* The U-Net of Ronneberger et al. 2015 with same-padded convolutions. */
UnetGraph *unet_test_graph_unet (
    gint64 base, guint depth, gint64 height, gint64 width, gboolean transposed);
/* Residual blocks on the way down, resizes on the way up. */
UnetGraph *unet_test_graph_residual (
    gint64 base, guint depth, gint64 height, gint64 width);
/* Blocks that are U-Nets themselves, as in U2-Net. */
UnetGraph *unet_test_graph_nested (gint64 base, gint64 height, gint64 width);

/* Numbers in [-1, 1], the same for the same @seed. */
void unet_test_fill (gfloat *data, gsize n, guint seed);
