/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Activations become post-ops, also those written as several operators. */

#include "lib/check-main.h"
#include "pass-check.h"

static Writer
after_conv (void)
{
  Writer w = begin ("1,3,8,8");

  add_conv (&w, "x", "a", "4,3,3,3");
  add_number (&w, "zero", 0);
  add_number (&w, "three", 3);
  add_number (&w, "six", 6);
  add_number (&w, "sixth", 1.0f / 6);
  add_number (&w, "half", 0.5f);
  add_number (&w, "one", 1);
  add_number (&w, "root", 1.41421356f);
  return w;
}

START_TEST (clips)
{
  Writer w = after_conv ();

  writer_op (&w, "Max", "max", "a,zero", "b");
  writer_op (&w, "Min", "min", "six,b", "y");
  finish (&w, "y");
  expect (&w, "Conv+CLIP");

  w = after_conv ();
  writer_op (&w, "Clip", "relu", "a,zero", "y");
  finish (&w, "y");
  expect (&w, "Conv+RELU");
}
END_TEST

START_TEST (hard_swish)
{
  /* nodes between a and y */
  static const gchar *const spellings[][4] = {
    { "Add:a,three:b", "Clip:b,zero,six:c", "Div:c,six:d", "Mul:a,d:y" },
    { "Add:three,a:b", "Clip:b,zero,six:c", "Mul:c,sixth:d", "Mul:d,a:y" },
    { "Add:a,three:b", "Clip:b,zero,six:c", "Mul:a,c:d", "Div:d,six:y" },
    { "Add:a,three:b", "Clip:b,zero,six:c", "Mul:a,sixth:d", "Mul:d,c:y" },
    { "Mul:a,sixth:b", "Add:b,half:c", "Clip:c,zero,one:d", "Mul:a,d:y" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++) {
    Writer w = after_conv ();
    for (guint k = 0; k < 4; k++) {
      g_auto (GStrv) parts = g_strsplit (spellings[i][k], ":", 3);
      writer_op (&w, parts[0], parts[2], parts[1], parts[2]);
    }
    finish (&w, "y");
    expect (&w, "Conv+HARD_SWISH");
  }
}
END_TEST

START_TEST (hard_swish_by_operator)
{
  Writer w = after_conv ();
  GByteArray *gate = writer_node ("HardSigmoid", "gate", "a", "b");

  node_float (gate, "alpha", 1.0f / 6);
  writer_add (&w, gate);
  writer_op (&w, "Mul", "mul", "a,b", "y");
  finish (&w, "y");
  expect (&w, "Conv+HARD_SWISH");
}
END_TEST

/* With other constants the operators are no HardSwish. */
START_TEST (not_hard_swish)
{
  Writer w = after_conv ();

  writer_op (&w, "Add", "b", "a,one", "b");
  writer_op (&w, "Clip", "c", "b,zero,six", "c");
  writer_op (&w, "Mul", "d", "a,c", "d");
  writer_op (&w, "Div", "y", "d,six", "y");
  finish (&w, "y");
  expect (&w, "Conv Add+CLIP Mul+LINEAR");
}
END_TEST

START_TEST (swish)
{
  Writer w = after_conv ();

  writer_op (&w, "Sigmoid", "s", "a", "s");
  writer_op (&w, "Mul", "m", "s,a", "y");
  finish (&w, "y");
  expect (&w, "Conv+SWISH");

  /* A gate of another value makes no Swish. */
  w = after_conv ();
  add_conv (&w, "x", "g", "4,3,3,3");
  writer_op (&w, "Sigmoid", "s", "g", "s");
  writer_op (&w, "Mul", "m", "s,a", "y");
  finish (&w, "y");
  expect (&w, "Conv Conv+SIGMOID Mul");
}
END_TEST

START_TEST (gelu)
{
  static const gchar *const spellings[][5] = {
    { "Div:a,root:b", "Erf:b:c", "Add:c,one:d", "Mul:a,d:e", "Mul:e,half:y" },
    { "Div:a,root:b", "Erf:b:c", "Add:one,c:d", "Mul:d,half:e", "Mul:e,a:y" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++) {
    Writer w = after_conv ();
    for (guint k = 0; k < 5; k++) {
      g_auto (GStrv) parts = g_strsplit (spellings[i][k], ":", 3);
      writer_op (&w, parts[0], parts[2], parts[1], parts[2]);
    }
    finish (&w, "y");
    expect (&w, "Conv+GELU_ERF");
  }
}
END_TEST

/* The function of a transposed value comes before the transposition, unless
 * another node reads the value in between. */
START_TEST (gelu_of_a_transpose)
{
  static const gchar *const gelu[][3] = { { "Div", "t,root", "b" },
    { "Erf", "b", "c" }, { "Add", "c,one", "d" }, { "Mul", "t,d", "e" },
    { "Mul", "e,half", "y" } };

  for (guint other = 0; other < 2; other++) {
    Writer w = after_conv ();

    add_transpose (&w, "a", "t", "0,2,3,1");
    for (guint k = 0; k < G_N_ELEMENTS (gelu); k++)
      writer_op (&w, gelu[k][0], gelu[k][2], gelu[k][1], gelu[k][2]);
    if (other) {
      writer_op (&w, "Neg", "n", "a", "n");
      writer_output (&w, "n", W_FLOAT, NULL);
    }
    finish (&w, "y");
    expect (&w,
        other ? "Conv Transpose Div Erf Add Mul+LINEAR Neg"
              : "Conv+GELU_ERF Transpose");
  }
}
END_TEST

START_TEST (gelu_by_operator)
{
  Writer w = after_conv ();

  w.opset = 20;
  writer_op (&w, "Gelu", "g", "a", "y");
  finish (&w, "y");
  expect (&w, "Conv+GELU_ERF");
}
END_TEST

START_TEST (activations)
{
  static const gchar *const names[][2] = {
    { "Relu", "RELU" },
    { "LeakyRelu", "LEAKY_RELU" },
    { "Sigmoid", "SIGMOID" },
    { "Tanh", "TANH" },
    { "Elu", "ELU" },
    { "Softplus", "SOFTPLUS" },
    { "HardSwish", "HARD_SWISH" },
    { "HardSigmoid", "HARD_SIGMOID" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Writer w = after_conv ();
    g_autofree gchar *wanted = g_strconcat ("Conv+", names[i][1], NULL);
    w.opset = 14;
    writer_op (&w, names[i][0], "act", "a", "y");
    finish (&w, "y");
    expect (&w, wanted);
  }
}
END_TEST

START_TEST (chain_of_activations)
{
  Writer w = after_conv ();

  writer_op (&w, "Sigmoid", "b", "a", "b");
  writer_op (&w, "Mul", "c", "b,three", "c");
  writer_op (&w, "Sub", "d", "one,c", "d");
  writer_op (&w, "Relu", "e", "d", "y");
  finish (&w, "y");
  expect (&w, "Conv+SIGMOID+LINEAR+RELU");
}
END_TEST

START_TEST (shared_value_keeps_activation)
{
  Writer w = after_conv ();

  writer_op (&w, "Relu", "r", "a", "b");
  writer_op (&w, "Abs", "s", "a", "c");
  writer_op (&w, "Add", "add", "b,c", "y");
  finish (&w, "y");
  expect (&w, "Conv Relu Abs Add");
}
END_TEST

START_TEST (slopes)
{
  Writer w = after_conv ();
  gfloat slope[1] = { 0.25f };

  writer_floats (&w, "slope", "1,1,1", slope);
  writer_op (&w, "PRelu", "p", "a,slope", "y");
  finish (&w, "y");
  expect (&w, "Conv+LEAKY_RELU");

  w = after_conv ();
  writer_noise (&w, "slopes", "4,1,1", 1, 0.2);
  writer_op (&w, "PRelu", "p", "a,slopes", "y");
  finish (&w, "y");
  expect (&w, "Conv PRelu");
}
END_TEST

/* Squares are products; other powers stay. */
START_TEST (powers)
{
  Writer w = begin ("1,3,8,8");

  add_number (&w, "two", 2);
  add_number (&w, "three", 3);
  writer_op (&w, "Abs", "abs", "x", "a");
  writer_op (&w, "Pow", "square", "a,two", "b");
  writer_op (&w, "Pow", "cube", "b,three", "c");
  writer_op (&w, "Pow", "of_two", "two,c", "y");
  finish (&w, "y");
  expect (&w, "Abs Mul Pow Pow");
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    clips,
    hard_swish,
    hard_swish_by_operator,
    not_hard_swish,
    swish,
    gelu,
    gelu_of_a_transpose,
    gelu_by_operator,
    activations,
    chain_of_activations,
    shared_value_keeps_activation,
    slopes,
    powers,
  };

  return check_run_tests ("activation", 300, tests, G_N_ELEMENTS (tests));
}
