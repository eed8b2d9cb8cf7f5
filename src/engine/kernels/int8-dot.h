/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Adds four products of an uint8 and an int8 to a sum of 32 bits, in each of
 * eight lanes. */

#include <immintrin.h>

#ifdef __AVX512VNNI__
#define UNET_INT8_LARGEST_WEIGHT 127
#define UNET_INT8_ISA_NAME       "vnni"

static inline __attribute__ ((always_inline)) __m256i
unet_int8_dot (__m256i sum, __m256i bytes, __m256i weights)
{
  return _mm256_dpbusd_epi32 (sum, bytes, weights);
}
#else
#define UNET_INT8_LARGEST_WEIGHT 64 /* two products fit 16 bits */
#define UNET_INT8_ISA_NAME       "avx2"

static inline __attribute__ ((always_inline)) __m256i
unet_int8_dot (__m256i sum, __m256i bytes, __m256i weights)
{
  __m256i pairs = _mm256_maddubs_epi16 (bytes, weights);

  return _mm256_add_epi32 (
      sum, _mm256_madd_epi16 (pairs, _mm256_set1_epi16 (1)));
}
#endif
