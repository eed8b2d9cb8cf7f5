/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "chain.h"

/* Prints how well older masks agree with a frame's own, unchanged and motion
 * compensated. */
void measure_reuse (Chain *chain, const gchar *path, guint frames);
