/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a test program under the cap that UNETSEG_MAX_ISA names (base/cpu.h):
 *
 *   UNETSEG_MAX_ISA=avx2 under-cap PROGRAM [ARGUMENTS]
 *
 * Exits with 77, which skips the test, where the processor lacks that
 * instruction set and where it has nothing beyond the cap: the same program
 * without a cap tests the same code there. */

#include <stdio.h>
#include <unistd.h>
#include "base/cpu.h"

#define SKIP 77

int
main (int argc, char **argv)
{
  gboolean unknown;
  UnetIsa cap = unet_cpu_cap (&unknown);
  const gchar *name = g_getenv ("UNETSEG_MAX_ISA");

  if (argc < 2 || unknown || cap == UNET_ISA_BASELINE) {
    fprintf (
        stderr, "usage: UNETSEG_MAX_ISA=CAP %s PROGRAM [ARGUMENTS]\n", argv[0]);
    return 2;
  }
  if (!(unet_cpu_real_isa () & cap)) {
    printf ("skipped: this processor has no %s\n", name);
    return SKIP;
  }
  if (unet_cpu_real_isa () == unet_cpu_isa ()) {
    printf ("skipped: this processor has nothing beyond %s\n", name);
    return SKIP;
  }
  execv (argv[1], argv + 1);
  perror (argv[1]);
  return 1;
}
