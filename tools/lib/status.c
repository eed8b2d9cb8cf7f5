/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/status.h"

#include <errno.h>
#include <stdio.h>

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

ToolStatus
tool_finish_output (ToolStatus status)
{
  gboolean failed = ferror (stdout) != 0;
  /* An earlier failure has set the indicator, but its errno is gone. */
  gint code = fflush (stdout) != 0 ? errno : 0;

  if (!failed && code == 0)
    return status;
  g_printerr ("unetseg: the standard output is not complete: %s\n",
      code != 0 ? g_strerror (code) : "a write failed");
  return status == TOOL_OK ? TOOL_FAILED : status;
}
