/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiled once for each instruction set. UNET_ISA is the name of the table.
 * Vector types keep their width only where the whole file may use it, which
 * target_clones does not give. ROWS tiles are multiplied at once: 2 * ROWS
 * sums, two vectors of weights and an input fit the registers. */

#include "engine/kernels/f32-conv-winograd.h"
#include <string.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

#define LANES   8
#define NAME(x) x##_8
#define EACH(f, d)                                                             \
  f (0, d), f (1, d), f (2, d), f (3, d), f (4, d), f (5, d), f (6, d), f (7, d)
#include "engine/kernels/f32-conv-winograd-tile.h"
#undef LANES
#undef NAME
#undef EACH

#define LANES   16
#define NAME(x) x##_16
#define EACH(f, d)                                                             \
  f (0, d), f (1, d), f (2, d), f (3, d), f (4, d), f (5, d), f (6, d),        \
      f (7, d), f (8, d), f (9, d), f (10, d), f (11, d), f (12, d),           \
      f (13, d), f (14, d), f (15, d)
#include "engine/kernels/f32-conv-winograd-tile.h"
#undef LANES
#undef NAME
#undef EACH

const UnetWinogradIsa UNET_ISA = { { input_8, input_16 },
  { product_8, product_16 }, { output_8, output_16 } };
