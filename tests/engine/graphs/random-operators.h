/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Adds random operators that compute. Each reads values of the pool and adds
 * its result to it. */

#include "engine/graphs/graph-builder.h"

void random_conv (UnetTestGraph *b);
void random_conv_transpose (UnetTestGraph *b);
void random_pool (UnetTestGraph *b);
void random_global_pool (UnetTestGraph *b);
void random_activation (UnetTestGraph *b);
void random_swish (UnetTestGraph *b);
void random_residual (UnetTestGraph *b);
void random_residual_block (UnetTestGraph *b);
void random_post_ops (UnetTestGraph *b);
void random_arithmetic (UnetTestGraph *b);
void random_arithmetic_computed (UnetTestGraph *b);
void random_gate (UnetTestGraph *b);
void random_batch_norm (UnetTestGraph *b);

/* Applies a random activation to @x. */
UnetValue *random_activation_of (UnetTestGraph *b, UnetValue *x);

/* Returns a value of the same shape as @x: another one, or one made from it. */
UnetValue *random_mate (UnetTestGraph *b, UnetValue *x);

/* Adds the inverted residual of MobileNets: a 1x1 convolution to @wide
 * channels, a depthwise one, and a 1x1 convolution back. */
UnetValue *random_inverted_residual (
    UnetTestGraph *b, UnetValue *x, gint64 wide);
