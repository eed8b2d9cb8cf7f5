/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The operators that graphs have, and their names. What is known of each one
 * stands in graph/ops/table.c, above the graph. */

#include <glib.h>

G_BEGIN_DECLS

/* One constant for each line of op-list.h. */
typedef enum {
#define UNET_OP(name) UNET_OP_##name,
#include "graph/op-list.h"
#undef UNET_OP
  UNET_N_OPS
} UnetOp;

/* Returns the name as it is in ONNX files, such as "Conv". */
const gchar *unet_op_name (UnetOp op);
/* Returns %FALSE when no operator has this name, and leaves *@op alone. */
gboolean unet_op_from_name (const gchar *name, UnetOp *op);

G_END_DECLS
