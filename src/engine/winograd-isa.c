/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiled once for each instruction set, with UNET_ISA naming it: vector
 * types keep their width only where the whole file may use it, which
 * target_clones does not give. */

#include "winograd.h"
#include <string.h>

#define LANES   8
#define NAME(x) x##_8
#include "winograd-tile.h"
#undef LANES
#undef NAME

#define LANES   16
#define NAME(x) x##_16
#include "winograd-tile.h"
#undef LANES
#undef NAME

const UnetWinogradIsa UNET_ISA
    = { { input_8, input_16 }, { output_8, output_16 } };
