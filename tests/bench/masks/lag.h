/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "chain.h"

/* Prints the IoU of a cut-out that moves over a frame of @video. */
void measure_lag (Chain *chain, const gchar *image, const gchar *mask_path,
    const gchar *video);
