/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/export.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Milliseconds between the frames at @last and @pts. Returns 0 where smoothing
 * in time must begin anew: a time is unknown, the stream does not run forwards,
 * or the frames lie more than one second apart. */
UNET_INTERNAL_API gdouble unet_elapsed_time (
    GstClockTime last, GstClockTime pts);

G_END_DECLS
