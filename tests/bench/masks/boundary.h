/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "chain.h"

/* Prints the boundary IoU (Cheng et al., "Boundary IoU", CVPR 2021), IoU and
 * error of at most @limit validation pictures of each kind in @data. */
void measure_boundary (Chain *chain, const gchar *data, guint limit);
