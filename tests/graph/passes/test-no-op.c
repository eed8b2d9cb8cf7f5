/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nodes without effect or readers are removed, and crops merge. */

#include "lib/check-main.h"
#include "pass-check.h"

START_TEST (dead_code)
{
  Writer w = begin ("1,3,8,8");

  writer_op (&w, "Abs", "a", "x", "a");
  writer_op (&w, "Exp", "b", "a", "b");
  writer_op (&w, "Floor", "c", "x", "y");
  finish (&w, "y");
  expect (&w, "Floor");
}
END_TEST

START_TEST (no_ops)
{
  Writer w = begin ("1,3,8,8");
  gint64 shape[4] = { 1, 3, -1, 8 }, zeros[8] = { 0 };
  gint64 starts[1] = { 0 }, ends[1] = { G_MAXINT64 }, axes[1] = { 2 };
  GByteArray *cast = writer_node ("Cast", "cast", "d", "e");

  writer_ints (&w, "shape", 4, shape);
  writer_ints (&w, "pads", 8, zeros);
  writer_ints (&w, "starts", 1, starts);
  writer_ints (&w, "ends", 1, ends);
  writer_ints (&w, "axes", 1, axes);
  writer_op (&w, "Identity", "i", "x", "a");
  writer_op (&w, "Dropout", "dropout", "a", "b");
  writer_op (&w, "Reshape", "reshape", "b,shape", "c");
  writer_op (&w, "Pad", "pad", "c,pads", "d");
  node_int (cast, "to", W_FLOAT);
  writer_add (&w, cast);
  writer_op (&w, "Slice", "slice", "e,starts,ends,axes", "f");
  add_transpose (&w, "f", "g", "0,1,2,3");
  writer_op (&w, "Abs", "abs", "g", "h");
  writer_op (&w, "Identity", "last", "h", "y");
  finish (&w, "y");
  expect (&w, "Abs");
}
END_TEST

/* A graph that only passes its input on keeps a node for this. */
START_TEST (identity_alone)
{
  Writer w = begin ("1,3,8,8");

  writer_op (&w, "Identity", "i", "x", "y");
  finish (&w, "y");
  expect (&w, "Identity");
}
END_TEST

/* Two crops of a skip connection, rows and columns, merge with a third. */
START_TEST (crops_merge)
{
  Writer w = begin ("1,3,8,8");
  gint64 two[1] = { 2 }, seven[1] = { 7 }, minus[1] = { -1 };
  gint64 rows[1] = { 2 }, columns[1] = { 3 };

  writer_ints (&w, "two", 1, two);
  writer_ints (&w, "seven", 1, seven);
  writer_ints (&w, "minus", 1, minus);
  writer_ints (&w, "rows", 1, rows);
  writer_ints (&w, "columns", 1, columns);
  writer_op (&w, "Slice", "top", "x,two,seven,rows", "a");
  writer_op (&w, "Slice", "left", "a,two,seven,columns", "b");
  writer_op (&w, "Slice", "again", "b,two,minus,rows", "c");
  writer_op (&w, "Abs", "abs", "c", "y");
  finish (&w, "y");
  expect (&w, "Slice Abs");
}
END_TEST

/* Another node still reads the first crop. */
START_TEST (shared_crop_stays)
{
  Writer w = begin ("1,3,8,8");
  gint64 two[1] = { 2 }, seven[1] = { 7 }, rows[1] = { 2 }, columns[1] = { 3 };

  writer_ints (&w, "two", 1, two);
  writer_ints (&w, "seven", 1, seven);
  writer_ints (&w, "rows", 1, rows);
  writer_ints (&w, "columns", 1, columns);
  writer_op (&w, "Slice", "top", "x,two,seven,rows", "a");
  writer_op (&w, "Slice", "left", "a,two,seven,columns", "b");
  writer_op (&w, "Abs", "abs", "a", "c");
  writer_op (&w, "GlobalMaxPool", "most", "c", "d");
  writer_op (&w, "Add", "add", "b,d", "y");
  finish (&w, "y");
  expect (&w, "Slice Slice Abs GlobalMaxPool Add");
}
END_TEST

START_TEST (reversed_slice_stays)
{
  Writer w = begin ("1,3,8,8");
  gint64 start[1] = { -1 }, end[1] = { G_MININT64 }, axis[1] = { 3 };

  writer_ints (&w, "s", 1, start);
  writer_ints (&w, "e", 1, end);
  writer_ints (&w, "a", 1, axis);
  writer_ints (&w, "t", 1, start);
  writer_op (&w, "Slice", "slice", "x,s,e,a,t", "y");
  finish (&w, "y");
  expect (&w, "Slice");
}
END_TEST

START_TEST (shape_arithmetic)
{
  Writer w = begin ("1,3,8,12");
  gint64 two[1] = { 2 }, index[1] = { 2 }, last[1] = { 3 }, row[2] = { 1, 3 };

  writer_ints (&w, "two", 1, two);
  writer_ints (&w, "i2", 1, index);
  writer_ints (&w, "i3", 1, last);
  writer_ints (&w, "nc", 2, row);
  writer_op (&w, "Shape", "shape", "x", "s");
  writer_op (&w, "Gather", "h", "s,i2", "h");
  writer_op (&w, "Gather", "w", "s,i3", "w");
  writer_op (&w, "Mul", "h2", "h,two", "h2");
  writer_op (&w, "Mul", "w2", "w,two", "w2");
  {
    GByteArray *concat = writer_node ("Concat", "cat", "nc,h2,w2", "sizes");
    node_int (concat, "axis", 0);
    writer_add (&w, concat);
  }
  writer_op (&w, "Resize", "resize", "x,,,sizes", "y");
  finish (&w, "y");
  expect (&w, "Resize");
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    dead_code,
    no_ops,
    identity_alone,
    crops_merge,
    shared_crop_stays,
    reversed_slice_stays,
    shape_arithmetic,
  };

  return check_run_tests ("no-op", 300, tests, G_N_ELEMENTS (tests));
}
