/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Errors that commands report and the exit statuses of the program. */

#include <glib.h>

G_BEGIN_DECLS

/* The exit status of every command. The help text of `unetseg` and the man page
 * repeat this list. */
typedef enum {
  TOOL_OK = 0,
  TOOL_FAILED = 1,        /* something failed, or an input is not complete */
  TOOL_USAGE = 2,         /* the command line is wrong */
  TOOL_STOPPED = 3,       /* batch, join: the batch cannot go on */
  TOOL_INTERRUPTED = 130, /* batch: a signal ended it (128 + SIGINT) */
} ToolStatus;

/* The same list for a help text. */
#define TOOL_STATUS_HELP                                                       \
  "Exit status: 0 if everything succeeded, 1 if something failed or an\n"      \
  "input is not complete, 2 if the command line is wrong, 3 if a batch\n"      \
  "cannot go on (disk full, model unusable), 130 after an interruption.\n"

#define TOOL_ERROR (tool_error_quark ())
GQuark tool_error_quark (void);
typedef enum {
  TOOL_ERROR_USAGE,   /* the command line */
  TOOL_ERROR_PICTURE, /* a picture cannot be decoded or used */
  TOOL_ERROR_FILE,    /* a file cannot be read or written, or its content is
                       * not valid */
  TOOL_ERROR_SYSTEM,  /* the system has no more threads or memory */
} ToolError;

/* Prints `unetseg: MESSAGE` on stderr, and where to find help for an error of
 * the command line. @command is the name of the command. Returns %TOOL_USAGE
 * for an error of the command line and %TOOL_FAILED for every other one. */
ToolStatus tool_report_error (const gchar *command, const GError *error);

/* Flushes stdout. Where something that was printed could not be written, such
 * as on a full disk, prints that on stderr and returns %TOOL_FAILED in place of
 * %TOOL_OK. Otherwise returns @status. */
ToolStatus tool_finish_output (ToolStatus status);

G_END_DECLS
