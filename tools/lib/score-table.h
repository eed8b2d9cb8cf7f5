/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The scores of many pictures, and their means. */

#include "lib/json.h"
#include "lib/score.h"

G_BEGIN_DECLS

/* Returns (transfer full): an empty table, freed with g_array_unref (). */
GArray *tool_score_table_new (void);
void tool_score_table_add (
    GArray *table, const gchar *name, const ToolScore *score);

/* Prints the means and, with @each, a line for each picture before them. */
void tool_score_table_print (const GArray *table, gboolean each);
/* Adds the same to the object at hand; a mean over no picture is null. */
void tool_score_table_add_json (
    JsonBuilder *builder, const GArray *table, gboolean each);

G_END_DECLS
