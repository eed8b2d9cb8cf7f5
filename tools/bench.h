/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lib/status.h"

G_BEGIN_DECLS

/* The command `unetseg bench`. argv[0] is its name. */
ToolStatus tool_bench_main (gint argc, gchar **argv);

G_END_DECLS
