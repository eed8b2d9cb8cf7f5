/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Instruction sets of the processor, below the cap that the environment
 * variable UNETSEG_MAX_ISA names (docs/tuning.md). All kernels that are
 * compiled for several instruction sets are chosen by unet_cpu_isa (). */

#include "base/export.h"

#include <glib.h>

G_BEGIN_DECLS

/* Instruction sets that kernels ask for. They are bits, because AVX-VNNI and
 * AVX-512 do not include each other. */
typedef enum {
  UNET_ISA_BASELINE = 0, /* every processor of the architecture */
  UNET_ISA_SSE41 = 1 << 0,
  UNET_ISA_AVX2 = 1 << 1,        /* with FMA: x86-64-v3 */
  UNET_ISA_AVX2_VNNI = 1 << 2,   /* int8 products in VEX encoding */
  UNET_ISA_AVX512 = 1 << 3,      /* F, BW, CD, DQ, VL: x86-64-v4 */
  UNET_ISA_AVX512_VNNI = 1 << 4, /* int8 products */
  UNET_ISA_AVX512_BF16 = 1 << 5, /* bfloat16 products */
  UNET_ISA_AMX = 1 << 6,         /* int8 and bfloat16 tiles */
  UNET_ISA_DOTPROD = 1 << 7,     /* int8 products of arm64 */
} UnetIsa;

/* One of the compiled variants of a kernel. A list of them goes from the
 * plainest, which every processor runs, to the fastest; one without a table
 * ends it. */
typedef struct {
  guint needs; /* set of UnetIsa */
  const gchar *name;
  gconstpointer table; /* the kernel's own table of functions */
} UnetIsaVariant;

/* Returns the set of UnetIsa that the processor has and the cap allows. It is
 * found once; any thread may call this. */
UNET_INTERNAL_API guint unet_cpu_isa (void);

/* Returns the set of UnetIsa that the processor has, whatever the cap. */
guint unet_cpu_real_isa (void);

/* Returns the instruction set that UNETSEG_MAX_ISA names, or
 * UNET_ISA_BASELINE if there is no cap. @unknown: (out): whether the variable
 * holds another name, which is no cap. */
UnetIsa unet_cpu_cap (gboolean *unknown);

/* Returns the table of the last variant that unet_cpu_isa () can run. */
gconstpointer unet_isa_choose (const UnetIsaVariant *variants);

G_END_DECLS
