/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An element for codecs without alpha: it takes frames apart into two streams,
 * each of which such a codec encodes. */

#include <glib.h>

G_BEGIN_DECLS

/* The name of the element. Its pad `sink` takes A420. The pad `color` has the
 * colours as I420, without a copy. The pad `alpha` has alpha as the luma of
 * I420, in full range, and grey chroma. Every BATCH_ALPHA_KEY frames both get a
 * request for a key frame, so that a player can seek in both at once. */
#define BATCH_ALPHA_SPLIT "unetsegalphasplit"
#define BATCH_ALPHA_KEY   60

/* Registers the element for this process. Any thread, any number of times. */
void batch_alpha_split_register (void);

G_END_DECLS
