/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "chain.h"

/* Prints how much masks change from frame to frame when one frame of @path is
 * shown again and again, each time with new noise of @sigma. */
void measure_flicker (
    Chain *chain, const gchar *path, gdouble sigma, guint frames);
