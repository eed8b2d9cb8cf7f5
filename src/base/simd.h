/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernels in plain C that the compiler vectorises, compiled for several
 * instruction sets. The loader picks one when the library is loaded; base/cpu.c
 * holds its choice to UNETSEG_MAX_ISA. Kernels that use vector types or
 * intrinsics are compiled in a file of their own for each instruction set
 * instead, and chosen by unet_isa_choose (). */

#include <glib.h>
#include <string.h>

/* UNET_SIMD stands before the definition of a static function, of which it
 * makes one variant for each of the levels x86-64, x86-64-v3 and x86-64-v4.
 * Levels are used, not names of processors, because a name means one maker's
 * processor only. Elsewhere than on x86-64 with glibc the function is compiled
 * once; so it is with the thread sanitizer, which the resolvers of
 * target_clones call before it is set up. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
/* With clang the whole library sees the dispatchers of static functions, so
 * their names must differ from file to file (tests/frame/test-simd-names.py).
 */
#if defined(__clang__)
#if __clang_major__ >= 14
#define UNET_SIMD __attribute__ ((target_clones ("default", "avx2")))
#endif
#elif defined(__GNUC__) && __GNUC__ >= 12
#define UNET_SIMD                                                              \
  __attribute__ ((                                                             \
      target_clones ("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif
#endif

#ifndef UNET_SIMD
#define UNET_SIMD
#endif

/* The same for functions that other files call. Clang hides the dispatching
 * symbol in the file that defines the function, so it compiles them once. */
#ifdef __clang__
#define UNET_SIMD_EXTERN
#else
#define UNET_SIMD_EXTERN UNET_SIMD
#endif

/* A 16-bit sample in a frame's memory. Rows may begin at odd addresses: streams
 * choose offsets and strides freely. Compilers load such samples without an
 * assumption about alignment, and still as vectors. */
typedef guint16 UnetSample16 __attribute__ ((aligned (1)));

/* Four 32-bit lanes: SSE2, NEON and AltiVec all have them. */
typedef guint32 UnetU32x4 __attribute__ ((vector_size (16)));

static inline UnetU32x4
unet_load_u32x4 (const guint32 *p)
{
  UnetU32x4 v;

  memcpy (&v, p, sizeof v);
  return v;
}

static inline void
unet_store_u32x4 (guint32 *p, UnetU32x4 v)
{
  memcpy (p, &v, sizeof v);
}
