/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg: inspects, times and runs segmentation networks. */

#include "batch/batch.h"
#include "batch/join.h"
#include "bench.h"
#include "calibrate.h"
#include "doctor.h"
#include "eval.h"
#include "inspect.h"
#include "lib/status.h"
#include "run.h"

#include <locale.h>
#include <string.h>
#include <unetseg/unetseg.h>

typedef struct {
  const gchar *name;
  const gchar *summary;
  ToolStatus (*main) (gint argc, gchar **argv);
} Command;

static const Command commands[] = {
  { "run", "run a model once, on a picture or on tensors", tool_run_main },
  { "inspect", "show what a model expects and the time of each layer",
      tool_inspect_main },
  { "bench", "measure how fast a model runs here", tool_bench_main },
  { "doctor", "say what this machine has, lacks and reaches",
      tool_doctor_main },
  { "batch", "segment folders of recordings and pictures", tool_batch_main },
  { "calibrate", "measure the ranges of values that int8 needs",
      tool_calibrate_main },
  { "join", "join the segments of a batch", tool_join_main },
  { "eval", "compare a model's masks with true masks", tool_eval_main },
};

static void
print_help (void)
{
  g_print ("Usage: unetseg COMMAND [OPTION…] [MODEL]\n\n"
           "Inspects, times and runs segmentation networks (ONNX files).\n\n"
           "Commands:\n");
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  %-10s %s\n", commands[i].name, commands[i].summary);
  g_print ("\nMODEL is an ONNX or LiteRT file, or 'person' (the default): the "
           "built-in model.\n"
           "'unetseg COMMAND --help' lists options and shows examples."
           "\n\n" TOOL_STATUS_HELP);
}

static const Command *
find_command (const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (g_str_equal (commands[i].name, name))
      return &commands[i];
  }
  return NULL;
}

static ToolStatus
run_command (const Command *command, gint argc, gchar **argv)
{
  g_autofree gchar *name = g_strconcat ("unetseg ", command->name, NULL);

  g_set_prgname (name);
  return command->main (argc, argv);
}

/* `unetseg help COMMAND` is `unetseg COMMAND --help`. */
static ToolStatus
help_command (gint argc, gchar **argv)
{
  const Command *command = argc > 2 ? find_command (argv[2]) : NULL;
  gchar *help[] = { argv[0], (gchar *) "--help", NULL };

  if (command != NULL)
    return run_command (command, 2, help);
  print_help ();
  return TOOL_OK;
}

static ToolStatus
dispatch (gint argc, gchar **argv)
{
  const Command *command;

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
  g_printerr (
      "unetseg: '%s' is not a command\nTry 'unetseg --help'.\n", argv[1]);
  return TOOL_USAGE;
}

gint
main (gint argc, gchar **argv)
{
  /* File names are in the user's encoding; numbers always have a point. */
  setlocale (LC_CTYPE, "");
  g_set_prgname ("unetseg");
  return tool_finish_output (dispatch (argc, argv));
}
