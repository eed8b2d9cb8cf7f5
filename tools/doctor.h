/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lib/status.h"

#include <glib.h>

G_BEGIN_DECLS

/* unetseg doctor: what this machine has, what is missing, how fast it is. */
ToolStatus tool_doctor_main (gint argc, gchar **argv);

G_END_DECLS
