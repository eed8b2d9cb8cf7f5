/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/optimize.h"
#include "graph/passes/passes.h"

/* In an order in which each finds what the others have laid open. */
static gboolean (*const passes[]) (UnetGraph *graph) = {
  unet_pass_dead_code,
  unet_pass_dequantize,
  unet_pass_exact,
  unet_pass_no_op,
  unet_pass_transpose,
  unet_pass_no_op,
  unet_pass_clip,
  unet_pass_power,
  unet_pass_hard_swish,
  unet_pass_pad,
  unet_pass_affine,
  unet_pass_batch_norm,
  unet_pass_self_gate,
  unet_pass_activation,
  unet_pass_residual,
  unet_pass_slice,
  unet_pass_dead_code,
};

void
unet_graph_optimize (UnetGraph *graph)
{
  for (guint i = 0; i < G_N_ELEMENTS (passes); i++)
    passes[i](graph);
}
