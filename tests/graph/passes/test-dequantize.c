/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DequantizeLinear moves before operators that only move 8-bit numbers. */

#include "lib/check-main.h"
#include "pass-check.h"
#include <string.h>

/* Builds a network that moves x in 8 bits before it dequantises x. */
static void
move_bytes (const gchar *op, const gchar *mode, const gchar *readers,
    const gchar *wanted)
{
  Writer w = begin ("1,2,8,8");
  gfloat scale = .02f, scales[4] = { 1, 1, 2, 2 };
  guint8 zero = 120;
  gboolean pool = !strcmp (op, "MaxPool");
  GByteArray *node = writer_node (op, "move", pool ? "q" : "q,,scales", "p");

  writer_floats (&w, "s", "", &scale);
  writer_floats (&w, "scales", "4", scales);
  writer_initializer (&w, "z", W_UINT8, "", &zero, 1);
  writer_op (&w, "QuantizeLinear", "first", "x,s,z", "q");
  if (pool) {
    node_ints (node, "kernel_shape", "2,2");
    node_ints (node, "pads", "1,1,0,0");
  } else {
    node_string (node, "mode", mode);
  }
  writer_add (&w, node);
  writer_op (&w, "DequantizeLinear", "last", "p,s,z", "d");
  writer_op (&w, "Erf", "end", "d", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  if (readers)
    writer_output (&w, readers, W_UINT8, NULL);
  expect (&w, wanted);
}

START_TEST (bytes_that_move)
{
  move_bytes (
      "MaxPool", NULL, NULL, "QuantizeLinear DequantizeLinear MaxPool Erf");
  move_bytes (
      "Resize", "nearest", NULL, "QuantizeLinear DequantizeLinear Resize Erf");
  /* Linear interpolation rounds to 8 bits, so after DequantizeLinear it would
   * give other numbers. */
  move_bytes (
      "Resize", "linear", NULL, "QuantizeLinear Resize DequantizeLinear Erf");
  /* Here the 8-bit numbers are an output as well. */
  move_bytes (
      "MaxPool", NULL, "p", "QuantizeLinear MaxPool DequantizeLinear Erf");
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    bytes_that_move,
  };

  return check_run_tests ("dequantize", 300, tests, G_N_ELEMENTS (tests));
}
