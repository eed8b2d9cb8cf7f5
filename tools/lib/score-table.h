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

typedef enum {
  TOOL_SCORE_TABLE_EACH = 1 << 0,   /* every picture's scores, too */
  TOOL_SCORE_TABLE_FRAMES = 1 << 1, /* pictures are the frames of a recording */
} ToolScoreTableFlags;

/* Prints the means and counts; a line for each picture comes before them. */
void tool_score_table_print (const GArray *table, ToolScoreTableFlags flags);
/* Adds the same to the object at hand; a mean over no picture is null. */
void tool_score_table_add_json (
    JsonBuilder *builder, const GArray *table, ToolScoreTableFlags flags);

G_END_DECLS
