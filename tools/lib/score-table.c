/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/score-table.h"

#include "lib/print.h"

#include <math.h>

typedef struct {
  gchar *name;
  ToolScore score;
} Row;

static void
row_clear (gpointer data)
{
  Row *row = data;

  g_free (row->name);
}

GArray *
tool_score_table_new (void)
{
  GArray *table = g_array_new (FALSE, FALSE, sizeof (Row));

  g_array_set_clear_func (table, row_clear);
  return table;
}

void
tool_score_table_add (GArray *table, const gchar *name, const ToolScore *score)
{
  Row row = { g_strdup (name), *score };

  g_array_append_val (table, row);
}

/* ---- means -------------------------------------------------------------- */

typedef enum {
  SHOWN = 1 << 0, /* the truth has foreground */
  EMPTY = 1 << 1, /* it has none */
} Kinds;

static const struct {
  const gchar *name;
  gsize offset;
  Kinds kinds; /* of pictures that have it */
} measures[] = {
  { "foreground_iou", G_STRUCT_OFFSET (ToolScore, foreground_iou), SHOWN },
  { "miou", G_STRUCT_OFFSET (ToolScore, miou), SHOWN },
  { "boundary_iou", G_STRUCT_OFFSET (ToolScore, boundary_iou), SHOWN },
  { "false_area", G_STRUCT_OFFSET (ToolScore, false_area), EMPTY },
  { "unsure", G_STRUCT_OFFSET (ToolScore, unsure), SHOWN | EMPTY },
  { "holes", G_STRUCT_OFFSET (ToolScore, holes), SHOWN },
  { "islands", G_STRUCT_OFFSET (ToolScore, islands), SHOWN | EMPTY },
};

static gdouble
value_of (const ToolScore *score, guint measure)
{
  return G_STRUCT_MEMBER (gdouble, score, measures[measure].offset);
}

static gboolean
has_measure (const ToolScore *score, guint measure)
{
  return (measures[measure].kinds & (score->empty ? EMPTY : SHOWN)) != 0
      && !isnan (value_of (score, measure));
}

/* The mean over the pictures that have the measure. Returns their number. */
static guint
mean (const GArray *table, guint measure, gdouble *value)
{
  gdouble sum = 0;
  guint n = 0;

  for (guint i = 0; i < table->len; i++) {
    const ToolScore *score = &g_array_index (table, Row, i).score;

    if (!has_measure (score, measure))
      continue;
    sum += value_of (score, measure);
    n++;
  }
  *value = n > 0 ? sum / n : 0;
  return n;
}

/* ---- counts ------------------------------------------------------------- */

typedef struct {
  guint shown, empty; /* pictures */
  guint poor;         /* those below POOR of foreground IoU */
  guint area_jumps;   /* of JUMP of the area or more to the next picture */
} Counts;

#define POOR 0.9
#define JUMP 0.05

static Counts
count (const GArray *table)
{
  Counts counts = { 0 };

  for (guint i = 0; i < table->len; i++) {
    const ToolScore *now = &g_array_index (table, Row, i).score;
    const ToolScore *last = &g_array_index (table, Row, MAX (i, 1) - 1).score;

    counts.empty += now->empty;
    counts.shown += !now->empty;
    counts.poor += !now->empty && now->foreground_iou < POOR;
    counts.area_jumps += fabs (now->false_area - last->false_area)
        > JUMP * MAX (now->false_area, last->false_area);
  }
  return counts;
}

/* ---- output ------------------------------------------------------------- */

static void
print_each (const GArray *table)
{
  for (guint i = 0; i < table->len; i++) {
    const Row *row = &g_array_index (table, Row, i);

    for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
      if (has_measure (&row->score, m))
        g_print ("%s %.4f  ", measures[m].name, value_of (&row->score, m));
    }
    g_print ("%s\n", row->name);
  }
}

void
tool_score_table_print (const GArray *table, ToolScoreTableFlags flags)
{
  const Counts counts = count (table);
  gdouble value;

  if (flags & TOOL_SCORE_TABLE_EACH)
    print_each (table);
  for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
    guint n = mean (table, m, &value);

    if (n > 0)
      g_print ("%-14s %.4f  (%u picture%s)\n", measures[m].name, value, n,
          tool_plural (n));
  }
  if (counts.shown > 0)
    g_print ("%-14s %u\n", "poor", counts.poor);
  if (flags & TOOL_SCORE_TABLE_FRAMES)
    g_print ("%-14s %u\n", "area_jumps", counts.area_jumps);
}

static void
add_each (JsonBuilder *b, const GArray *table)
{
  json_builder_set_member_name (b, "each");
  json_builder_begin_array (b);
  for (guint i = 0; i < table->len; i++) {
    const Row *row = &g_array_index (table, Row, i);

    json_builder_begin_object (b);
    tool_json_string (b, "name", row->name);
    for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
      if (has_measure (&row->score, m))
        tool_json_double (b, measures[m].name, value_of (&row->score, m));
    }
    json_builder_end_object (b);
  }
  json_builder_end_array (b);
}

void
tool_score_table_add_json (
    JsonBuilder *b, const GArray *table, ToolScoreTableFlags flags)
{
  const Counts counts = count (table);
  gdouble value;

  tool_json_int (b, "pictures", counts.shown);
  tool_json_int (b, "empty_pictures", counts.empty);
  for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
    if (mean (table, m, &value) > 0) {
      tool_json_double (b, measures[m].name, value);
    } else {
      json_builder_set_member_name (b, measures[m].name);
      json_builder_add_null_value (b);
    }
  }
  tool_json_int (b, "poor", counts.poor);
  if (flags & TOOL_SCORE_TABLE_FRAMES)
    tool_json_int (b, "area_jumps", counts.area_jumps);
  if (flags & TOOL_SCORE_TABLE_EACH)
    add_each (b, table);
}
