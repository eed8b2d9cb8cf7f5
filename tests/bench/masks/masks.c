/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures masks and their edges in the defaults of a live pipeline:
 *   masks boundary DATA [PICTURES]  edges of validation pictures
 *   masks flicker VIDEO             a still scene with sensor noise
 *   masks flips VIDEO...            still pixels whose decision changes
 *   masks lag IMAGE MASK VIDEO      a cut-out that moves over a background
 *   masks reuse VIDEO               older masks, unchanged and moved
 * DATA has KIND/images/NAME.jpg and KIND/masks/NAME.png. MODEL names another
 * network. Not a test. */
#include "boundary.h"
#include "flicker.h"
#include "flips.h"
#include "lag.h"
#include "reuse.h"

#include <gst/gst.h>
#include <stdlib.h>

int
main (int argc, char **argv)
{
  const gchar *what = argc > 2 ? argv[1] : "";
  Chain chain;

  gst_init (&argc, &argv);
  g_random_set_seed (1); /* the same noise in every run */
  chain_init (&chain, g_getenv ("MODEL"));
  if (g_str_equal (what, "boundary"))
    measure_boundary (
        &chain, argv[2], argc > 3 ? (guint) atoi (argv[3]) : G_MAXUINT);
  else if (g_str_equal (what, "flicker"))
    for (gdouble sigma = 2; sigma <= 8; sigma *= 2)
      measure_flicker (&chain, argv[2], sigma, 60);
  else if (g_str_equal (what, "reuse"))
    measure_reuse (&chain, argv[2], 90);
  else if (g_str_equal (what, "lag") && argc > 4)
    measure_lag (&chain, argv[2], argv[3], argv[4]);
  else if (g_str_equal (what, "flips"))
    for (gint i = 2; i < argc; i++)
      measure_flips (&chain, argv[i], 120);
  else
    return 2;
  return 0;
}
