/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/score-table.h"

#include "lib/print.h"

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

static const struct {
  const gchar *name;
  gsize offset;
} measures[] = {
  { "foreground_iou", G_STRUCT_OFFSET (ToolScore, foreground_iou) },
  { "miou", G_STRUCT_OFFSET (ToolScore, miou) },
  { "boundary_iou", G_STRUCT_OFFSET (ToolScore, boundary_iou) },
  { "false_area", G_STRUCT_OFFSET (ToolScore, false_area) },
};
#define FALSE_AREA (G_N_ELEMENTS (measures) - 1)

static gdouble
value_of (const ToolScore *score, guint measure)
{
  return G_STRUCT_MEMBER (gdouble, score, measures[measure].offset);
}

/* The mean over the pictures with a foreground or, of false_area, over those
 * without. Returns the number of pictures. */
static guint
mean (const GArray *table, guint measure, gdouble *value)
{
  gdouble sum = 0;
  guint n = 0;

  for (guint i = 0; i < table->len; i++) {
    const ToolScore *score = &g_array_index (table, Row, i).score;

    if (score->empty != (measure == FALSE_AREA))
      continue;
    sum += value_of (score, measure);
    n++;
  }
  *value = n > 0 ? sum / n : 0;
  return n;
}

/* ---- output ------------------------------------------------------------- */

void
tool_score_table_print (const GArray *table, gboolean each)
{
  gdouble value;

  for (guint i = 0; each && i < table->len; i++) {
    const Row *row = &g_array_index (table, Row, i);

    for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
      if (row->score.empty == (m == FALSE_AREA))
        g_print ("%s %.4f  ", measures[m].name, value_of (&row->score, m));
    }
    g_print ("%s\n", row->name);
  }
  for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
    guint n = mean (table, m, &value);

    if (n > 0)
      g_print ("%-14s %.4f  (%u picture%s)\n", measures[m].name, value, n,
          tool_plural (n));
  }
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
      if (row->score.empty == (m == FALSE_AREA))
        tool_json_double (b, measures[m].name, value_of (&row->score, m));
    }
    json_builder_end_object (b);
  }
  json_builder_end_array (b);
}

void
tool_score_table_add_json (JsonBuilder *b, const GArray *table, gboolean each)
{
  gdouble value;

  tool_json_int (b, "pictures", mean (table, 0, &value));
  tool_json_int (b, "empty_pictures", mean (table, FALSE_AREA, &value));
  for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
    if (mean (table, m, &value) > 0) {
      tool_json_double (b, measures[m].name, value);
    } else {
      json_builder_set_member_name (b, measures[m].name);
      json_builder_add_null_value (b);
    }
  }
  if (each)
    add_each (b, table);
}
