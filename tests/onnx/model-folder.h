/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes a folder of model files for one test, and checks the errors of loading
 * them. */

#include "lib/onnx-writer.h"
#include <glib.h>

/* The folder of the test. The fixture's functions make it and remove it with
 * its files. */
extern gchar *model_folder;
void model_folder_setup (void);
void model_folder_teardown (void);

/* Writes a file into the folder and frees @bytes. Returns its path. */
gchar *write_file (const gchar *name, GBytes *bytes);
/* Returns a network of the one node "the-node" over an input x of 1x3x8x8. */
Writer one_node (const gchar *op, const gchar *inputs);

/* Checks that loading the file fails with this code of UNET_ERROR. The message
 * begins with the path and holds @word (nullable). */
void expect_error (const gchar *path, gint code, const gchar *word);
/* Does the same for a file of these bytes, which it frees. */
void expect_bytes_error (GBytes *bytes, gint code, const gchar *word);
