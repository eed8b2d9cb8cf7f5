/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One function, several instruction sets, chosen when the library is loaded:
 * the compiler's vectoriser does well on our loops once it may use the wide
 * registers. Sanitizers and the resolvers behind target_clones do not go
 * together. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)            \
    && __GNUC__ >= 12 && !defined(__SANITIZE_ADDRESS__)                        \
    && !defined(__SANITIZE_THREAD__)
/* Levels, not names: a name is one maker's processor only. */
#define UNET_CLONES                                                            \
  __attribute__ ((                                                             \
      target_clones ("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define UNET_CLONES
#endif
