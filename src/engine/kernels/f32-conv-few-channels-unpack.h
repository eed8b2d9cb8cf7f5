/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies blocks of N channels to rows. Included twice, with N, NAME(x) and
 * EACH (f, d), which lists f (x, d) for each of the N lanes x; no guard. */

typedef gfloat NAME (V) __attribute__ ((vector_size (N * 4), aligned (4)));

/* Exchanges the off-diagonal squares of D by D. */
#define UPPER(x, d) (((x) & (d)) ? N + (x) - (d) : (x))
#define LOWER(x, d) (((x) & (d)) ? N + (x) : (x) + (d))
#define SWAP(d)                                                                \
  for (gint i = 0; i < N; i++)                                                 \
    if (!(i & (d))) {                                                          \
      NAME (V) a = v[i], b = v[i + (d)];                                       \
                                                                               \
      v[i] = __builtin_shufflevector (a, b, EACH (UPPER, d));                  \
      v[i + (d)] = __builtin_shufflevector (a, b, EACH (LOWER, d));            \
    }

static inline __attribute__ ((always_inline)) void
NAME (transpose) (NAME (V) v[N])
{
#if N == 16
#pragma GCC unroll 16
  SWAP (8)
#endif
#pragma GCC unroll 16
  SWAP (4)
#pragma GCC unroll 16
  SWAP (2)
#pragma GCC unroll 16
  SWAP (1)
}

/* Copies @n pixels of one block to @channels rows, @plane floats apart. */
static void
NAME (unpack) (
    const gfloat *src, gint64 n, gint64 channels, gfloat *out, gint64 plane)
{
  gint64 x = 0;

  for (; x + N <= n; x += N) {
    NAME (V) v[N];

    for (gint i = 0; i < N; i++)
      v[i] = *(const NAME (V) *) (src + (x + i) * N);
    NAME (transpose) (v);
    for (gint c = 0; c < channels; c++)
      *(NAME (V) *) (out + c * plane + x) = v[c];
  }
  for (; x < n; x++)
    for (gint64 c = 0; c < channels; c++)
      out[c * plane + x] = src[x * N + c];
}

#undef UPPER
#undef LOWER
#undef SWAP
