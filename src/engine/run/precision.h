/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Low precision: int8, uint8 or bfloat16 between the layers, in NHWC. An int8
 * value x is stored as round (x / scale). It is unsigned where x is never
 * negative, otherwise signed and symmetric. So zero is always stored as 0:
 * padding needs no extra work and no zero point has to be folded. */

#include "base/range.h"
#include "engine/kernels/int8-tensor.h"

G_BEGIN_DECLS

/* Which nodes may compute in low precision. */
typedef struct {
  gboolean bf16;        /* bfloat16 instead of int8; ranges are then ignored */
  GHashTable *ranges;   /* (nullable): name of a value -> UnetRange; without
                         * them the ranges stored in the graph count */
  GHashTable *keep_f32; /* (nullable): set of names of nodes that stay f32 */
} UnetLowPrecision;

/* How a plan stores one value in low precision. */
typedef struct {
  UnetElementType type; /* NONE: the value stays f32 */
  gfloat scale;
} UnetLowValue;

G_END_DECLS
