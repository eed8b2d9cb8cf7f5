/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Batch normalisation, arithmetic with constants and borders become part of
 * a convolution. */

#include "lib/check-main.h"
#include "pass-check.h"

START_TEST (batch_norm)
{
  Writer w = begin ("1,3,8,8");

  add_conv (&w, "x", "a", "5,3,3,3");
  add_batch_norm (&w, "a", "b", 5);
  writer_op (&w, "Relu", "r", "b", "y");
  finish (&w, "y");
  expect (&w, "Conv+RELU");
}
END_TEST

START_TEST (batch_norm_into_groups)
{
  Writer w = begin ("1,4,8,8");
  GByteArray *conv = writer_node ("Conv", "conv", "x,w", "a");
  GByteArray *deconv = writer_node ("ConvTranspose", "up", "b,v", "c");

  writer_noise (&w, "w", "6,2,3,3", 1, 0.3);
  writer_noise (&w, "v", "6,4,2,2", 2, 0.3);
  node_int (conv, "group", 2);
  writer_add (&w, conv);
  add_batch_norm (&w, "a", "b", 6);
  node_int (deconv, "group", 3);
  node_ints (deconv, "strides", "2,2");
  writer_add (&w, deconv);
  add_batch_norm (&w, "c", "y", 12);
  finish (&w, "y");
  expect (&w, "Conv ConvTranspose");
}
END_TEST

/* Statistics of the batch are known only at run time. */
START_TEST (batch_norm_in_training_mode)
{
  Writer w = begin ("1,3,8,8");
  GByteArray *norm = writer_node ("BatchNormalization", "n", "a,s,b,b,s", "c");
  static const gfloat scale[] = { 1, 2, 3, 4, 5 }, bias[] = { 5, 4, 3, 2, 1 };

  add_conv (&w, "x", "a", "5,3,3,3");
  writer_floats (&w, "s", "5", scale);
  writer_floats (&w, "b", "5", bias);
  w.opset = 15;
  node_int (norm, "training_mode", 1);
  writer_add (&w, norm);
  writer_op (&w, "Relu", "r", "c", "y");
  finish (&w, "y");
  expect (&w, "Conv BatchNormalization+RELU");
}
END_TEST

/* A batch normalisation becomes a multiplication after an activation, as in
 * Keras, and after a concatenation. */
START_TEST (batch_norm_alone)
{
  Writer w = begin ("1,3,8,8");
  GByteArray *concat = writer_node ("Concat", "cat", "c,x", "d");

  add_conv (&w, "x", "a", "5,3,3,3");
  writer_op (&w, "Relu", "r", "a", "b");
  add_batch_norm (&w, "b", "c", 5);
  node_int (concat, "axis", 1);
  writer_add (&w, concat);
  add_batch_norm (&w, "d", "e", 8);
  writer_op (&w, "Relu", "s", "e", "y");
  finish (&w, "y");
  expect (&w, "Conv+RELU Mul+ADD Concat Mul+ADD+RELU");
}
END_TEST

START_TEST (arithmetic)
{
  Writer w = begin ("1,3,8,8");

  add_conv (&w, "x", "a", "4,3,1,1");
  writer_noise (&w, "m", "1,4,1,1", 3, 1);
  writer_noise (&w, "p", "4,1,1", 4, 1);
  add_number (&w, "two", 2);
  add_number (&w, "three", 3);
  writer_op (&w, "Mul", "mul", "m,a", "b");
  writer_op (&w, "Add", "add", "b,p", "c");
  writer_op (&w, "Div", "div", "c,two", "d");
  writer_op (&w, "Sub", "sub", "three,d", "e");
  writer_op (&w, "Sub", "sub2", "e,p", "y");
  finish (&w, "y");
  expect (&w, "Conv");
}
END_TEST

/* Arithmetic stays if a constant varies along rows or columns, or if a
 * convolution has a second reader. */
START_TEST (arithmetic_that_stays)
{
  Writer w = begin ("1,3,4,4");

  add_conv (&w, "x", "a", "4,3,1,1");
  writer_noise (&w, "row", "4", 3, 1);
  writer_op (&w, "Add", "add", "a,row", "y");
  finish (&w, "y");
  expect (&w, "Conv Add");

  w = begin ("1,3,4,4");
  add_conv (&w, "x", "a", "4,3,1,1");
  add_batch_norm (&w, "a", "y", 4);
  finish (&w, "y");
  finish (&w, "a");
  expect (&w, "Conv Mul+ADD");
}
END_TEST

static Writer
padded (const gchar *mode, gfloat value)
{
  Writer w = begin ("1,3,8,8");
  gint64 pads[8] = { 0, 0, 1, 0, 0, 0, 0, 2 };
  GByteArray *pad = writer_node ("Pad", "pad", "x,pads,value", "a");

  writer_ints (&w, "pads", 8, pads);
  add_number (&w, "value", value);
  node_string (pad, "mode", mode);
  writer_add (&w, pad);
  writer_noise (&w, "w", "4,3,3,3", 1, 0.3);
  writer_op (&w, "Conv", "conv", "a,w", "y");
  finish (&w, "y");
  return w;
}

START_TEST (pads)
{
  Writer zero = padded ("constant", 0), one = padded ("constant", 1);
  Writer edge = padded ("edge", 0);

  expect (&zero, "Conv");
  expect (&one, "Pad Conv");
  expect (&edge, "Pad Conv");
}
END_TEST

START_TEST (pad_before_average)
{
  Writer w = begin ("1,3,8,8");
  gint64 pads[8] = { 0, 0, 1, 1, 0, 0, 1, 1 };
  GByteArray *pool = writer_node ("AveragePool", "pool", "a", "y");

  writer_ints (&w, "pads", 8, pads);
  writer_op (&w, "Pad", "pad", "x,pads", "a");
  node_ints (pool, "kernel_shape", "3,3");
  writer_add (&w, pool);
  finish (&w, "y");
  expect (&w, "AveragePool");
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    batch_norm,
    batch_norm_in_training_mode,
    batch_norm_into_groups,
    batch_norm_alone,
    arithmetic,
    arithmetic_that_stays,
    pads,
    pad_before_average,
  };

  return check_run_tests ("affine", 300, tests, G_N_ELEMENTS (tests));
}
