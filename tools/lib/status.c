/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/status.h"

G_DEFINE_QUARK (tool - error - quark, tool_error)

ToolStatus
tool_report_error (const gchar *command, const GError *error)
{
  gboolean usage = error->domain == G_OPTION_ERROR
      || g_error_matches (error, TOOL_ERROR, TOOL_ERROR_USAGE);

  g_printerr ("unetseg: %s\n", error->message);
  if (usage)
    g_printerr ("Try 'unetseg %s --help'.\n", command);
  return usage ? TOOL_USAGE : TOOL_FAILED;
}
