/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Made-up inputs, for commands that have no picture. */

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Fills every input of @session: floats with smooth waves and a little noise
 * within 0 to 1, other types with zeros. A @pattern is the same on every call
 * and differs from the other ones. */
void tool_pattern_fill (UnetSession *session, guint pattern);

G_END_DECLS
