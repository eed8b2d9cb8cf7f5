/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The frame of every command that opens one model. */

#include "lib/options.h"
#include "lib/status.h"

G_BEGIN_DECLS

typedef struct {
  const gchar *name;
  const gchar *usage;          /* what follows the name, and a summary */
  const gchar *text;           /* below the options */
  const GOptionEntry *entries; /* the command's own options */
  /* Does the work. @words (nullable): the words that are no options; @own: what
   * the entries point into. */
  gboolean (*run) (
      gchar **words, ToolOptions *options, gpointer own, GError **error);
} ToolCommand;

/* Parses the command line, runs @command and reports its error on stderr. */
ToolStatus tool_command_run (
    const ToolCommand *command, gint argc, gchar **argv, gpointer own);

G_END_DECLS
