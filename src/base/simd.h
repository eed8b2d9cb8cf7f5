/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Run-time dispatch for the kernels of this folder: plain loops that the
 * compiler vectorises, compiled several times; the loader picks by processor.
 * Elsewhere than on x86-64, and with UNET_NO_DISPATCH, they are compiled
 * once. */

#include <glib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__) \
    && !defined(UNET_NO_DISPATCH)
/* Clang's dispatchers are seen by the whole library even of static functions:
 * their names must differ from file to file. */
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

/* For kernels that other files call: clang hides the dispatching symbol of
 * those in the file that defines them, so it compiles them once. */
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
