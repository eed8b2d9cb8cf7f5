/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The list of items of a batch, FOLDER/.unetseg/batch.json, with the identity
 * of the batch: the options and the model that its outputs depend on. */

#include "batch/item.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Segments of a recording: a day in seconds. */
#define BATCH_MAX_SEGMENTS 86400

typedef struct {
  gchar *identity;
  GPtrArray *items; /* of BatchItem */
} BatchItemList;

/* Reads a document, which is not trusted: names stay below the folder of the
 * batch, and segments of one recording follow each other. @name is what an
 * error calls it. Returns (transfer full), or %NULL with an error of
 * %TOOL_ERROR_FILE. */
BatchItemList *batch_item_list_parse (
    JsonObject *root, const gchar *name, GError **error);
/* Reads the file. Returns %NULL without an error when it does not exist. */
BatchItemList *batch_item_list_read (const gchar *path, GError **error);
void batch_item_list_free (BatchItemList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BatchItemList, batch_item_list_free)

gboolean batch_item_list_write (
    const gchar *path, const gchar *identity, GPtrArray *items, GError **error);

/* The name of an item as JSON has it: names of files need not be UTF-8.
 * Returns (transfer full). */
gchar *batch_item_list_escape (const gchar *name);

G_END_DECLS
