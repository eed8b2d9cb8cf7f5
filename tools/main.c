/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg: looks at, times and runs segmentation networks. */

#include "lib/tool.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const ToolCommand commands[] = {
  { "run", "one inference on a picture or on tensors", tool_run_main },
  { "inspect", "what a model expects, and where its time goes",
      tool_inspect_main },
  { "bench", "how fast a model runs here", tool_bench_main },
  { "batch", "recordings by the folder, on one machine or many",
      tool_batch_main },
  { "calibrate", "what a model needs to run in int8", tool_calibrate_main },
  { "join", "segments of a batch, put together", tool_join_main },
  { "eval", "how well a model's masks meet the true ones", tool_eval_main },
};

static void
print_help (void)
{
  g_print ("Usage: unetseg COMMAND [OPTION…] [MODEL]\n\n"
           "Looks at, times and runs segmentation networks (ONNX files).\n\n"
           "Commands:\n");
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  %-10s %s\n", commands[i].name, commands[i].summary);
  g_print ("\nMODEL is an ONNX file, or 'person' (the default): the built-in "
           "model.\n"
           "'unetseg COMMAND --help' tells the rest, with examples.\n\n"
           "Exit status: 0 if all went well, 1 if something failed, 2 if the\n"
           "command line is wrong.\n");
}

static const ToolCommand *
find_command (const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (g_str_equal (commands[i].name, name))
      return &commands[i];
  }
  return NULL;
}

static gint
run_command (const ToolCommand *command, gint argc, gchar **argv)
{
  g_autofree gchar *name = g_strconcat ("unetseg ", command->name, NULL);

  g_set_prgname (name);
  return command->main (argc, argv);
}

/* `unetseg help COMMAND` is `unetseg COMMAND --help`. */
static gint
help_command (gint argc, gchar **argv)
{
  const ToolCommand *command = argc > 2 ? find_command (argv[2]) : NULL;
  gchar *help[] = { argv[0], (gchar *) "--help", NULL };

  if (command != NULL)
    return run_command (command, 2, help);
  print_help ();
  return TOOL_OK;
}

gint
main (gint argc, gchar **argv)
{
  const ToolCommand *command;

  /* File names in the user's encoding; numbers always with a point. */
  setlocale (LC_CTYPE, "");
  g_set_prgname ("unetseg");
  if (argc < 2) {
    g_printerr ("unetseg: no command given\nTry 'unetseg --help'.\n");
    return TOOL_USAGE;
  }
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h")
      || g_str_equal (argv[1], "help"))
    return help_command (argc, argv);
  if (g_str_equal (argv[1], "--version")) {
    g_print (
        "unetseg %s (%s)\n", UNETSEG_VERSION, unet_session_get_engine_name ());
    return TOOL_OK;
  }
  command = find_command (argv[1]);
  if (command != NULL)
    return run_command (command, argc - 1, argv + 1);
  g_printerr ("unetseg: '%s' is no command\nTry 'unetseg --help'.\n", argv[1]);
  return TOOL_USAGE;
}
