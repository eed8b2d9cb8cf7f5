/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiled once for each instruction set. UNET_ISA is the name of the table,
 * LANES the floats of a vector, GROUP the output channels that are computed at
 * once: GROUP * 2 sums, two vectors of input and a weight fit the registers. */

#include "engine/kernels/f32-conv-few-channels.h"
#include <string.h>

typedef gfloat V __attribute__ ((vector_size (LANES * 4), aligned (4)));
typedef gint32 M __attribute__ ((vector_size (LANES * 4), aligned (4)));

#define SELECT(mask, a, b) ((V) (((M) (a) & (mask)) | ((M) (b) & ~(mask))))
#define STEP               (2 * LANES)

#define N       8
#define NAME(x) x##_8
#define EACH(f, d)                                                             \
  f (0, d), f (1, d), f (2, d), f (3, d), f (4, d), f (5, d), f (6, d), f (7, d)
#include "engine/kernels/f32-conv-few-channels-unpack.h"
#undef N
#undef NAME
#undef EACH

#define N       16
#define NAME(x) x##_16
#define EACH(f, d)                                                             \
  f (0, d), f (1, d), f (2, d), f (3, d), f (4, d), f (5, d), f (6, d),        \
      f (7, d), f (8, d), f (9, d), f (10, d), f (11, d), f (12, d),           \
      f (13, d), f (14, d), f (15, d)
#include "engine/kernels/f32-conv-few-channels-unpack.h"
#undef N
#undef NAME
#undef EACH

/* Adds all taps of all input channels for STEP pixels of the first @count of
 * GROUP channels. @count is a constant in each inlined copy. */
static inline __attribute__ ((always_inline)) void
accumulate (const UnetConvFewChannelsShape *p, const gfloat *src,
    const gfloat *w, const gint count, V sum[GROUP][2])
{
  for (gint64 c = 0; c < p->ic; c++, src += p->plane)
    for (gint64 ky = 0; ky < p->kh; ky++) {
      const gfloat *row = src + ky * p->dil_y * p->row;

      for (gint64 kx = 0; kx < p->kw; kx++, w += GROUP) {
        V a = *(const V *) (row + kx * p->dil_x);
        V b = *(const V *) (row + kx * p->dil_x + LANES);

#pragma GCC unroll 8
        for (gint g = 0; g < count; g++) {
          V k = w[g] - (V){ 0 }; /* a plain broadcast: x - 0 is x */

          sum[g][0] += a * k;
          sum[g][1] += b * k;
        }
      }
    }
}

static inline __attribute__ ((always_inline)) void
finish (const UnetConvFewChannelsShape *p, const V *in, gfloat *dst)
{
  V zero = { 0 }, low = p->low - zero, high = p->high - zero, v = *in;

  if (p->add)
    v += *(const V *) dst;
  if (p->slope != 1.0f)
    v = SELECT (v > zero, v, v * p->slope);
  v = SELECT (v < low, low, v);
  *(V *) dst = SELECT (v > high, high, v);
}

/* Writes the last pixels of a row, fewer than a vector has. */
static void
finish_tail (
    const UnetConvFewChannelsShape *p, const V *in, gfloat *dst, gint64 n)
{
  gfloat end[LANES] = { 0 };

  memcpy (end, dst, n * sizeof *dst);
  finish (p, in, end);
  memcpy (dst, end, n * sizeof *dst);
}

static void
store (const UnetConvFewChannelsShape *p, const V *v, gfloat *dst, gint64 left)
{
  if (left >= LANES)
    finish (p, v, dst);
  else if (left > 0)
    finish_tail (p, v, dst, left);
}

static void
compute (const UnetConvFewChannelsShape *p, const gfloat *src,
    const gfloat *weights, const gfloat *bias, gint64 image, gint64 y,
    gint64 rows, gfloat *dst)
{
  gint64 taps = p->ic * p->kh * p->kw * GROUP;

  for (gint64 o = 0; o < p->oc; o += GROUP, weights += taps, bias += GROUP)
    for (gint64 r = 0; r < rows; r++)
      for (gint64 x = 0; x < p->ow; x += STEP) {
        V sum[GROUP][2];

        for (gint g = 0; g < GROUP; g++)
          sum[g][0] = sum[g][1] = bias[g] - (V){ 0 };
        if (p->oc - o == 1)
          accumulate (p, src + r * p->row + x, weights, 1, sum);
        else if (p->oc - o <= GROUP / 2)
          accumulate (p, src + r * p->row + x, weights, GROUP / 2, sum);
        else
          accumulate (p, src + r * p->row + x, weights, GROUP, sum);
        for (gint64 g = 0; g < GROUP && o + g < p->oc; g++) {
          gfloat *to =
              dst + (((image * p->oc + o + g) * p->oh + y + r) * p->ow + x);

          store (p, &sum[g][0], to, p->ow - x);
          store (p, &sum[g][1], to + LANES, p->ow - x - LANES);
        }
      }
}

const UnetConvFewChannelsIsa UNET_ISA = { GROUP, LANES, compute,
  { unpack_8, unpack_16 } };
