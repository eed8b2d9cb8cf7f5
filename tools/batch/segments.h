/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Long recordings cut into segments at keyframes. */

#include <glib.h>

G_BEGIN_DECLS

/* Returns (transfer full): a new list in which every recording that can be cut
 * exactly is several items of about @seconds. 0 cuts nothing. Opens each
 * recording and seeks in it. */
GPtrArray *batch_segments_split (GPtrArray *items, gdouble seconds);

G_END_DECLS
