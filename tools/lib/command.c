/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/command.h"

ToolStatus
tool_command_run (
    const ToolCommand *command, gint argc, gchar **argv, gpointer own)
{
  ToolOptions options = TOOL_OPTIONS_INIT;
  ToolStatus status = TOOL_OK;
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;

  if (!tool_parse (argc, argv, command->entries, command->usage, command->text,
          &options, &words, &error)
      || !command->run (words, &options, own, &error))
    status = tool_report_error (command->name, error);
  tool_options_clear (&options);
  return status;
}
