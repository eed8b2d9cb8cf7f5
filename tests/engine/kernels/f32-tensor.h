/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Random f32 tensors in the layouts of kernel.h, for the tests of kernels. */

#include "engine/kernels/kernel.h"
#include "kernel-test.h"

/* @layout: 0 PLAIN, 1 nChw16c, 2 nChw8c, 3 NHWC. */
static inline UnetVec
make_vec (gint layout, gint64 n, gint64 c, gint64 h, gint64 w)
{
  UnetVec v = { n, c, h, w, c, 1 };

  if (layout == 1)
    v.vec = 16;
  if (layout == 2)
    v.vec = 8;
  if (layout == 3) {
    v.vec = c;
    v.blocks = 1;
  }
  if (layout == 1 || layout == 2)
    v.blocks = (c + v.vec - 1) / v.vec;
  return v;
}

static inline gsize
vec_size (const UnetVec *v)
{
  return v->n * v->blocks * v->h * v->w * v->vec;
}

static inline gsize
at (const UnetVec *v, gint64 n, gint64 c, gint64 y, gint64 x)
{
  return (((n * v->blocks + c / v->vec) * v->h + y) * v->w + x) * v->vec
      + c % v->vec;
}

static inline gfloat *
new_random (const UnetVec *v)
{
  gfloat *data = g_new0 (gfloat, vec_size (v));

  for (gint64 n = 0; n < v->n; n++)
    for (gint64 c = 0; c < v->c; c++)
      for (gint64 y = 0; y < v->h; y++)
        for (gint64 x = 0; x < v->w; x++)
          data[at (v, n, c, y, x)] = g_rand_double_range (rng, -2, 2);
  return data;
}

/* Returns output memory and a guard, filled with a number that no kernel
 * computes. */
static inline gfloat *
new_output (const UnetVec *v)
{
  gsize n = vec_size (v) + GUARD;
  gfloat *data = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    data[i] = 12345.0f;
  return data;
}

static inline void
check_guard (const gfloat *data, const UnetVec *v)
{
  for (gsize i = 0; i < GUARD; i++)
    ck_assert_float_eq (data[vec_size (v) + i], 12345.0f);
}

/* Checks that the lanes beyond the last channel are zero. */
static inline void
check_padding (const gfloat *data, const UnetVec *v)
{
  for (gint64 n = 0; n < v->n; n++)
    for (gint64 c = v->c; c < v->blocks * v->vec; c++)
      for (gint64 i = 0; i < v->h * v->w; i++)
        ck_assert_float_eq (data[at (v, n, c, i / v->w, i % v->w)], 0.0f);
}
