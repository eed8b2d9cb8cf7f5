/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests unsigned numbers of 64 bits, which neither int64 nor doubles hold. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include <stdlib.h>
#include <string.h>

#define TOP (G_GUINT64_CONSTANT (1) << 63)

static UnetValue *
add_number (UnetGraph *graph, guint64 number)
{
  UnetTensor *tensor = unet_tensor_new (UNET_DTYPE_U64, 0, NULL);

  memcpy (tensor->data, &number, sizeof number);
  return unet_graph_add_constant (graph, "number", tensor);
}

/* Returns the folded result of an operator with two operands. */
static UnetTensor *
calculate (UnetOp op, guint64 a, guint64 b)
{
  UnetGraph *graph = unet_graph_new ("graph");
  UnetNode *node = unet_graph_add_node (graph, op, "node");
  UnetValue *y = unet_graph_add_value (graph, "y");
  g_autoptr (GError) error = NULL;
  UnetTensor *result;

  graph->opset = node->since = 18;
  unet_node_add_input (node, add_number (graph, a));
  unet_node_add_input (node, add_number (graph, b));
  unet_node_add_output (node, y);
  ck_assert_msg (
      unet_graph_infer (graph, &error), "%s", error ? error->message : "");
  ck_assert (y->constant != NULL);
  result = unet_tensor_ref (y->constant);
  unet_graph_free (graph);
  return result;
}

START_TEST (arithmetic)
{
  static const struct {
    UnetOp op;
    guint64 a, b, result;
  } cases[] = {
    { UNET_OP_Max, 1, TOP + 1, TOP + 1 },
    { UNET_OP_Min, G_MAXUINT64, 2, 2 },
    { UNET_OP_Div, G_MAXUINT64, 10, G_MAXUINT64 / 10 },
    { UNET_OP_Div, TOP, G_MAXUINT64, 0 },
    { UNET_OP_Mod, TOP + 1, 7, (TOP + 1) % 7 },
    { UNET_OP_Add, TOP, TOP + 3, 3 },
    { UNET_OP_Pow, 10, 19, G_GUINT64_CONSTANT (10000000000000000000) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (UnetTensor) y = calculate (cases[i].op, cases[i].a, cases[i].b);
    ck_assert_int_eq (y->dtype, UNET_DTYPE_U64);
    ck_assert_msg (*(guint64 *) y->data == cases[i].result,
        "case %u: %" G_GUINT64_FORMAT, i, *(guint64 *) y->data);
  }
}
END_TEST

START_TEST (comparison)
{
  g_autoptr (UnetTensor) less = calculate (UNET_OP_Less, 1, TOP);
  g_autoptr (UnetTensor)
      greater = calculate (UNET_OP_Greater, G_MAXUINT64, TOP);

  ck_assert_int_eq (*(guint8 *) less->data, 1);
  ck_assert_int_eq (*(guint8 *) greater->data, 1);
}
END_TEST

/* An operator whose oracle would take them for signed refuses them. */
START_TEST (refusal)
{
  const gint64 one = 1;
  UnetGraph *graph = unet_graph_new ("graph");
  UnetNode *node = unet_graph_add_node (graph, UNET_OP_ReduceMax, "node");
  UnetValue *x = unet_graph_add_value (graph, "x");
  g_autoptr (GError) error = NULL;

  unet_value_set_shape (x, UNET_DTYPE_U64, 1, &one);
  unet_node_add_input (node, x);
  unet_node_add_output (node, unet_graph_add_value (graph, "y"));
  ck_assert (!unet_graph_infer (graph, &error));
  ck_assert_int_eq (error->code, UNET_ERROR_UNSUPPORTED);
  ck_assert (strstr (error->message, "export it as int64") != NULL);
  unet_graph_free (graph);
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = { arithmetic, comparison, refusal };

  return check_run_tests ("uint64", 30, tests, G_N_ELEMENTS (tests));
}
