/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Additions become post-ops of a convolution. */

#include "lib/check-main.h"
#include "pass-check.h"

START_TEST (residual)
{
  Writer w = begin ("1,4,8,8");

  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "Relu", "r", "a", "b");
  add_conv (&w, "b", "c", "4,4,3,3");
  writer_op (&w, "Add", "sum", "c,x", "d");
  writer_op (&w, "Relu", "s", "d", "y");
  finish (&w, "y");
  expect (&w, "Conv+RELU Conv+ADD+RELU");
}
END_TEST

/* The second of two convolutions adds the result of the first. */
START_TEST (residual_with_projection)
{
  Writer w = begin ("1,3,8,8");

  add_conv (&w, "x", "a", "4,3,3,3");
  add_batch_norm (&w, "a", "b", 4);
  add_conv (&w, "x", "c", "4,3,1,1");
  add_batch_norm (&w, "c", "d", 4);
  writer_op (&w, "Add", "sum", "b,d", "e");
  writer_op (&w, "Relu", "r", "e", "y");
  finish (&w, "y");
  expect (&w, "Conv Conv+ADD+RELU");
}
END_TEST

/* The other operand comes after the convolution, which then runs after it. */
START_TEST (residual_that_waits)
{
  Writer w = begin ("1,4,8,8");

  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "Floor", "f", "x", "b");
  writer_op (&w, "Exp", "e", "b", "c");
  writer_op (&w, "Add", "sum", "a,c", "y");
  finish (&w, "y");
  expect (&w, "Floor Exp Conv+ADD");
}
END_TEST

/* A sum of three operands becomes two additions. */
START_TEST (sum_of_three)
{
  Writer w = begin ("1,4,8,8");

  add_conv (&w, "x", "a", "4,4,3,3");
  add_conv (&w, "x", "b", "4,4,1,1");
  writer_op (&w, "Sum", "sum", "a,b,x", "c");
  writer_op (&w, "Relu", "r", "c", "y");
  finish (&w, "y");
  expect (&w, "Conv Conv+ADD+ADD+RELU");
}
END_TEST

START_TEST (additions_that_stay)
{
  Writer w = begin ("1,4,8,8");

  /* A broadcast operand keeps the addition. */
  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "GlobalAveragePool", "g", "x", "b");
  writer_op (&w, "Add", "sum", "a,b", "y");
  finish (&w, "y");
  expect (&w, "Conv GlobalAveragePool Add");

  /* An operand that is added to itself keeps the addition. */
  w = begin ("1,4,8,8");
  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "Add", "sum", "a,a", "y");
  finish (&w, "y");
  expect (&w, "Conv Add");
}
END_TEST

START_TEST (squeeze_and_excitation)
{
  Writer w = begin ("1,4,8,8");

  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "GlobalAveragePool", "g", "a", "b");
  add_conv (&w, "b", "c", "2,4,1,1");
  writer_op (&w, "Relu", "r", "c", "d");
  add_conv (&w, "d", "e", "4,2,1,1");
  writer_op (&w, "Sigmoid", "s", "e", "f");
  writer_op (&w, "Mul", "gate", "a,f", "h");
  add_conv (&w, "h", "y", "4,4,1,1");
  finish (&w, "y");
  expect (&w, "Conv GlobalAveragePool Conv+RELU Conv+SIGMOID Mul Conv");
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    residual,
    residual_with_projection,
    residual_that_waits,
    sum_of_three,
    additions_that_stay,
    squeeze_and_excitation,
  };

  return check_run_tests ("residual", 300, tests, G_N_ELEMENTS (tests));
}
