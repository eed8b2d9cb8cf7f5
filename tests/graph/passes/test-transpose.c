/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transposes move through a network until they cancel. */

#include "lib/check-main.h"
#include "pass-check.h"

#define TO_NCHW "0,3,1,2"
#define TO_NHWC "0,2,3,1"

START_TEST (transposes_through_elementwise)
{
  Writer w = begin ("1,8,8,3");

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,3,3,3");
  add_transpose (&w, "b", "c", TO_NHWC);
  writer_noise (&w, "bias", "4", 1, 1);
  writer_op (&w, "Add", "add", "c,bias", "d");
  writer_op (&w, "Relu", "relu", "d", "e");
  add_transpose (&w, "e", "f", TO_NCHW);
  add_conv (&w, "f", "g", "4,4,3,3");
  add_transpose (&w, "g", "y", TO_NHWC);
  finish (&w, "y");
  expect (&w, "Transpose Conv+RELU Conv Transpose");
}
END_TEST

START_TEST (transposes_through_joints)
{
  Writer w = begin ("1,8,8,3");
  gint64 pads[8] = { 0, 1, 1, 0, 0, 1, 1, 0 };
  gfloat scales[4] = { 1, 2, 2, 1 };
  GByteArray *concat = writer_node ("Concat", "cat", "g,e", "h");
  GByteArray *mean = writer_node ("ReduceMean", "mean", "c", "d");

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,3,3,3");
  add_transpose (&w, "b", "c", TO_NHWC);
  node_ints (mean, "axes", "1,2");
  writer_add (&w, mean);
  writer_op (&w, "Mul", "gate", "c,d", "e");
  add_conv (&w, "a", "f", "2,3,1,1");
  add_transpose (&w, "f", "g", TO_NHWC);
  node_int (concat, "axis", 3);
  writer_add (&w, concat);
  writer_ints (&w, "pads", 8, pads);
  writer_op (&w, "Pad", "pad", "h,pads", "i");
  writer_floats (&w, "scales", "4", scales);
  writer_op (&w, "Resize", "up", "i,,scales", "j");
  add_transpose (&w, "j", "k", TO_NCHW);
  add_conv (&w, "k", "l", "1,6,3,3");
  add_transpose (&w, "l", "m", TO_NHWC);
  writer_op (&w, "Sigmoid", "s", "m", "y");
  finish (&w, "y");
  expect (&w,
      "Transpose Conv ReduceMean Mul Conv Concat Pad Resize "
      "Conv+SIGMOID Reshape");
}
END_TEST

START_TEST (transposes_through_splits)
{
  Writer w = begin ("1,4,4,6");
  gint64 starts[1] = { 1 }, ends[1] = { 3 }, axes[1] = { 1 };
  GByteArray *split = writer_node ("Split", "split", "c", "d,e");
  GByteArray *softmax = writer_node ("Softmax", "soft", "g", "h");
  GByteArray *concat = writer_node ("Concat", "cat", "f,e", "g");

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,6,1,1");
  add_transpose (&w, "b", "c", TO_NHWC);
  node_int (split, "axis", 3);
  writer_add (&w, split);
  writer_op (&w, "Exp", "exp", "d", "f");
  node_int (concat, "axis", -1);
  writer_add (&w, concat);
  node_int (softmax, "axis", 3);
  writer_add (&w, softmax);
  writer_ints (&w, "starts", 1, starts);
  writer_ints (&w, "ends", 1, ends);
  writer_ints (&w, "axes", 1, axes);
  writer_op (&w, "Slice", "slice", "h,starts,ends,axes", "i");
  add_transpose (&w, "i", "j", TO_NCHW);
  add_conv (&w, "j", "y", "2,4,1,1");
  finish (&w, "y");
  expect (&w, "Transpose Conv Split Exp Concat Softmax Slice Conv");
}
END_TEST

/* A gate of one pixel that was never transposed only has its axes renamed. */
START_TEST (transposes_and_a_gate)
{
  Writer w = begin ("1,8,8,3");
  gint64 shape[4] = { 1, 1, 1, 4 };

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,3,3,3");
  writer_op (&w, "GlobalAveragePool", "pool", "b", "p");
  writer_ints (&w, "shape", 4, shape);
  writer_op (&w, "Reshape", "flat", "p,shape", "q");
  add_transpose (&w, "b", "c", TO_NHWC);
  writer_op (&w, "Mul", "gate", "c,q", "d");
  add_transpose (&w, "d", "e", TO_NCHW);
  add_conv (&w, "e", "y", "2,4,1,1");
  finish (&w, "y");
  expect (&w, "Transpose Conv GlobalAveragePool Mul Conv");
}
END_TEST

START_TEST (reduction_without_axes)
{
  Writer w = begin ("1,4,6,3");
  GByteArray *argmax = writer_node ("ReduceMax", "best", "c", "y");

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,3,1,1");
  add_transpose (&w, "b", "c", TO_NHWC);
  node_ints (argmax, "axes", "3");
  node_int (argmax, "keepdims", 0);
  writer_add (&w, argmax);
  finish (&w, "y");
  expect (&w, "Transpose Conv ReduceMax");
}
END_TEST

START_TEST (transposes_merge)
{
  Writer w = begin ("2,3,4,5");

  add_transpose (&w, "x", "a", "1,2,3,0");
  add_transpose (&w, "a", "b", "3,1,0,2");
  add_transpose (&w, "b", "y", "2,0,1,3");
  finish (&w, "y");
  expect (&w, "Transpose");
}
END_TEST

/* Transposes stay where moving them gains nothing. */
START_TEST (transposes_that_stay)
{
  Writer w = begin ("1,6,4,4");
  gint64 split[5] = { 1, 2, 3, 4, 4 }, join[4] = { 1, 6, 4, 4 };

  writer_ints (&w, "split", 5, split);
  writer_ints (&w, "join", 4, join);
  writer_op (&w, "Reshape", "r", "x,split", "a");
  add_transpose (&w, "a", "b", "0,2,1,3,4");
  writer_op (&w, "Reshape", "s", "b,join", "y");
  finish (&w, "y");
  expect (&w, "Reshape Transpose Reshape");
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    transposes_through_elementwise,
    transposes_through_joints,
    transposes_through_splits,
    transposes_and_a_gate,
    reduction_without_axes,
    transposes_merge,
    transposes_that_stay,
  };

  return check_run_tests ("transpose", 300, tests, G_N_ELEMENTS (tests));
}
