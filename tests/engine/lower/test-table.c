/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two tables with a row for each operator agree: cost/ offers a layout only
 * where lower/ has an implementation that knows layouts. */
#include "engine/cost/op-layouts.h"
#include "engine/lower/table.h"
#include "graph/op.h"
#include "lib/check-main.h"

#define PLAIN_ONLY (1u << UNET_MEM_PLAIN)

/* Returns whether @op works on rows of numbers or changes the shape, and
 * therefore takes PLAIN only. */
static gboolean
knows_no_layout (UnetOp op)
{
  switch (op) {
    case UNET_OP_MatMul:
    case UNET_OP_Gemm:
    case UNET_OP_InstanceNormalization:
    case UNET_OP_LayerNormalization:
    case UNET_OP_ReduceSum:
    case UNET_OP_Softmax:
    case UNET_OP_LogSoftmax:
    case UNET_OP_Reshape:
    case UNET_OP_Flatten:
    case UNET_OP_Squeeze:
    case UNET_OP_Unsqueeze:
    case UNET_OP_Identity:
    case UNET_OP_Dropout:
      return TRUE;
    default:
      return FALSE;
  }
}

START_TEST (test_layouts_have_a_lowering)
{
  for (UnetOp op = 0; op < UNET_N_OPS; op++) {
    if (unet_op_layouts (op) != PLAIN_ONLY)
      ck_assert_msg (unet_op_has_lowering (op),
          "%s: layouts, but only a reference implementation",
          unet_op_name (op));
    else if (unet_op_has_lowering (op))
      ck_assert_msg (knows_no_layout (op),
          "%s: an implementation, but PLAIN only", unet_op_name (op));
  }
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_layouts_have_a_lowering };

  return check_run_tests (
      "tables of operators", 60, tests, G_N_ELEMENTS (tests));
}
