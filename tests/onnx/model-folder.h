/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A folder of model files for one test, and what loading them must say. */

#include "lib/onnx-writer.h"
#include <glib.h>

/* The folder; set between the two functions of the fixture, which make it and
 * remove it with all that is in it. */
extern gchar *model_folder;
void model_folder_setup (void);
void model_folder_teardown (void);

/* Writes a file into the folder and frees @bytes. Returns its path. */
gchar *write_file (const gchar *name, GBytes *bytes);
/* A network of the one node "the-node" over an input x of 1x3x8x8. */
Writer one_node (const gchar *op, const gchar *inputs);

/* Loading the file must fail with this code of UNET_ERROR; the message begins
 * with the path and holds @word (nullable). */
void expect_error (const gchar *path, gint code, const gchar *word);
/* The same for a file of these bytes, which it frees. */
void expect_bytes_error (GBytes *bytes, gint code, const gchar *word);
