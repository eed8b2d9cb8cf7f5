/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The passes, one in each file of this folder. A pass changes the graph in
 * place, keeps its results to rounding, keeps nodes in topological order and
 * shapes right, and returns whether it changed anything. */

#include "graph/graph.h"

G_BEGIN_DECLS

gboolean unet_pass_dead_code (UnetGraph *graph);
gboolean unet_pass_no_op (UnetGraph *graph);
gboolean unet_pass_dequantize (UnetGraph *graph);
gboolean unet_pass_exact (UnetGraph *graph);
gboolean unet_pass_transpose (UnetGraph *graph);
gboolean unet_pass_clip (UnetGraph *graph);
gboolean unet_pass_power (UnetGraph *graph);
gboolean unet_pass_hard_swish (UnetGraph *graph);
gboolean unet_pass_self_gate (UnetGraph *graph);
gboolean unet_pass_pad (UnetGraph *graph);
gboolean unet_pass_slice (UnetGraph *graph);
gboolean unet_pass_affine (UnetGraph *graph);
gboolean unet_pass_batch_norm (UnetGraph *graph);
gboolean unet_pass_activation (UnetGraph *graph);
gboolean unet_pass_residual (UnetGraph *graph);

G_END_DECLS
