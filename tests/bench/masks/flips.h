/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "chain.h"

/* Prints for the first @frames frames of @path how many still pixels per frame
 * cross one half: in the network's mask, after smoothing, and after refinement.
 * Also counts crumbs of the last, connected areas of 1 to 4 pixels. A pixel is
 * still if the mean of 9 by 9 luma samples around it changes by less than 2. */
void measure_flips (Chain *chain, const gchar *path, guint frames);
