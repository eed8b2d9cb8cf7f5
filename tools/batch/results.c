/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/results.h"

#include "batch/error.h"
#include "batch/rle.h"
#include "batch/timeline.h"
#include "lib/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The pixels of a class in one mask. */
typedef struct {
  guint64 area, sum_x, sum_y;
  guint left, top, right, bottom; /* inclusive */
} Region;

struct _BatchResults {
  FILE *file; /* (nullable) */
  gchar *path;
  GString *line;
  gint error; /* errno of the first failed write */
  guint64 frames;
  guint n_classes;
  UnetSegClasses *classes; /* (nullable) */
  GArray *times;           /* of GstClockTime */
  GArray *areas;           /* of gfloat, n_classes for each frame: fractions */
};

BatchResults *
batch_results_new (const gchar *path, GError **error)
{
  BatchResults *results = g_new0 (BatchResults, 1);

  results->times = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  results->areas = g_array_new (FALSE, FALSE, sizeof (gfloat));
  results->line = g_string_new (NULL);
  results->path = g_strdup (path);
  if (path != NULL && (results->file = fopen (path, "w")) == NULL) {
    batch_fail_errno (error, path);
    g_clear_pointer (&results, batch_results_free);
  }
  return results;
}

void
batch_results_free (BatchResults *results)
{
  if (results == NULL)
    return;
  if (results->file != NULL)
    fclose (results->file);
  g_clear_pointer (&results->classes, unet_seg_classes_unref);
  g_array_unref (results->times);
  g_array_unref (results->areas);
  g_string_free (results->line, TRUE);
  g_free (results->path);
  g_free (results);
}

/* ---- a mask in numbers -------------------------------------------------- */

/* Adds the pixels of row @y from @from to before @to. */
static void
add_run (Region *r, guint y, guint from, guint to)
{
  guint64 n = to - from;

  if (r->area == 0) {
    r->left = from;
    r->top = y;
  }
  r->area += n;
  r->left = MIN (r->left, from);
  r->right = MAX (r->right, to - 1);
  r->bottom = y;
  r->sum_x += (guint64) (from + to - 1) * n / 2;
  r->sum_y += y * n;
}

static void
measure (const guint8 *map, guint width, guint height, Region *regions)
{
  for (guint y = 0; y < height; y++) {
    const guint8 *row = map + (gsize) y * width;

    for (guint from = 0, to = 0; from < width; from = to) {
      while (to < width && row[to] == row[from])
        to++;
      add_run (&regions[row[from]], y, from, to);
    }
  }
}

static void
add_number (GString *line, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (line, g_ascii_formatd (text, sizeof text, "%.10g", value));
}

static void
add_numbers (GString *line, const gchar *key, const gdouble *values, guint n)
{
  g_string_append_printf (line, ",\"%s\":[", key);
  for (guint i = 0; i < n; i++) {
    if (i > 0)
      g_string_append_c (line, ',');
    add_number (line, values[i]);
  }
  g_string_append_c (line, ']');
}

static void
add_text (GString *line, const gchar *text)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_VALUE);
  g_autofree gchar *quoted = NULL;

  json_node_set_string (node, text);
  quoted = json_to_string (node, FALSE);
  g_string_append (line, quoted);
}

/* Of the characters of RLE, JSON escapes the backslash only. */
static void
add_rle (GString *line, const gchar *rle)
{
  g_string_append_c (line, '"');
  for (const gchar *end; (end = strchr (rle, '\\')) != NULL; rle = end + 1) {
    g_string_append_len (line, rle, end - rle);
    g_string_append (line, "\\\\");
  }
  g_string_append (line, rle);
  g_string_append_c (line, '"');
}

/* All numbers are in pixels of the frame. */
static void
add_region (GString *line, const UnetSegMeta *mask, const guint8 *map, guint id,
    const Region *r)
{
  gdouble sx = mask->w / mask->width, sy = mask->h / mask->height;
  const gdouble box[] = { mask->x + r->left * sx, mask->y + r->top * sy,
    (r->right + 1 - r->left) * sx, (r->bottom + 1 - r->top) * sy };
  const gdouble center[] = { mask->x + (r->sum_x / (gdouble) r->area + .5) * sx,
    mask->y + (r->sum_y / (gdouble) r->area + .5) * sy };
  const gchar *label = unet_seg_classes_get_label (mask->classes, id);
  g_autoptr (GArray)
      counts = batch_rle_count (map, mask->width, mask->height, id);
  g_autofree gchar *rle = batch_rle_to_string (counts);

  g_string_append_printf (line, "{\"class\":%u", id);
  if (label != NULL) {
    g_string_append (line, ",\"label\":");
    add_text (line, label);
  }
  g_string_append (line, ",\"area\":");
  add_number (line, r->area * sx * sy);
  add_numbers (line, "bbox", box, 4);
  add_numbers (line, "centroid", center, 2);
  g_string_append_printf (line,
      ",\"segmentation\":{\"size\":[%u,%u],\"counts\":", mask->height,
      mask->width);
  add_rle (line, rle);
  g_string_append (line, "}}");
}

static void
write_line (BatchResults *results, const UnetSegMeta *mask, const guint8 *map,
    const Region *regions, guint width, guint height, GstClockTime time)
{
  const gdouble rect[] = { mask->x, mask->y, mask->w, mask->h };
  GString *line = results->line;
  gboolean first = TRUE;

  g_string_printf (line, "{\"frame\":%" G_GUINT64_FORMAT, results->frames);
  if (GST_CLOCK_TIME_IS_VALID (time))
    g_string_append_printf (line, ",\"time\":%" G_GUINT64_FORMAT ".%09u",
        time / GST_SECOND, (guint) (time % GST_SECOND));
  g_string_append_printf (line, ",\"width\":%u,\"height\":%u", width, height);
  add_numbers (line, "rect", rect, 4);
  g_string_append (line, ",\"objects\":[");
  for (guint id = 1; id < mask->n_classes && id < 256; id++) {
    if (regions[id].area == 0)
      continue;
    if (!first)
      g_string_append_c (line, ',');
    first = FALSE;
    add_region (line, mask, map, id, &regions[id]);
  }
  g_string_append (line, "]}\n");
  if (results->error == 0
      && fwrite (line->str, 1, line->len, results->file) != line->len)
    results->error = errno;
}

/* ---- frames ------------------------------------------------------------- */

static void
add_areas (BatchResults *results, const UnetSegMeta *mask,
    const Region *regions, GstClockTime time)
{
  gdouble all = (gdouble) mask->width * mask->height;

  if (results->classes == NULL) {
    results->classes = unet_seg_classes_ref (mask->classes);
    results->n_classes = MIN (mask->n_classes, 256);
  }
  g_array_append_val (results->times, time);
  for (guint id = 0; id < results->n_classes; id++) {
    gfloat area = regions[id].area / all;

    g_array_append_val (results->areas, area);
  }
}

void
batch_results_add (BatchResults *results, const UnetSegMeta *mask, guint width,
    guint height, GstClockTime time)
{
  Region regions[256] = { { 0 } };
  GstMapInfo map;

  if (mask != NULL && gst_buffer_map (mask->class_map, &map, GST_MAP_READ)) {
    measure (map.data, mask->width, mask->height, regions);
    add_areas (results, mask, regions, time);
    if (results->file != NULL)
      write_line (results, mask, map.data, regions, width, height, time);
    gst_buffer_unmap (mask->class_map, &map);
  }
  results->frames++;
}

/* ---- the timeline ------------------------------------------------------- */

static gdouble
mean_area (BatchResults *results, guint id, guint from, guint to)
{
  gdouble sum = 0;

  for (guint i = from; i < to; i++)
    sum += g_array_index (
        results->areas, gfloat, (gsize) i * results->n_classes + id);
  return sum / (to - from);
}

static gboolean
occurs (BatchResults *results, guint id)
{
  for (guint i = 0; i < results->times->len; i++)
    if (g_array_index (
            results->areas, gfloat, (gsize) i * results->n_classes + id)
        > 0)
      return TRUE;
  return FALSE;
}

static void
add_class (JsonBuilder *b, BatchResults *results, guint id)
{
  guint n = results->times->len, columns = MIN (n, BATCH_TIMELINE_COLUMNS);
  const gchar *label = unet_seg_classes_get_label (results->classes, id);
  g_autofree gchar *color = g_strdup_printf (
      "#%06x", unet_seg_classes_get_color (results->classes, id) & 0xffffff);

  json_builder_begin_object (b);
  tool_json_int (b, "class", id);
  if (label != NULL)
    tool_json_string (b, "label", label);
  tool_json_string (b, "color", color);
  json_builder_set_member_name (b, "area");
  json_builder_begin_array (b);
  for (guint i = 0; i < columns; i++) {
    gdouble area = mean_area (results, id, (guint64) i * n / columns,
        (guint64) (i + 1) * n / columns);

    json_builder_add_double_value (b, (gint) (area * 1e5 + .5) / 1e5);
  }
  json_builder_end_array (b);
  json_builder_end_object (b);
}

static gboolean
write_timeline (BatchResults *results, const gchar *path, GError **error)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_array (b);
  for (guint id = 1; id < results->n_classes; id++)
    if (occurs (results, id))
      add_class (b, results, id);
  json_builder_end_array (b);
  root = json_builder_get_root (b);
  return batch_timeline_write (path, root, error);
}

gboolean
batch_results_finish (
    BatchResults *results, const gchar *timeline, GError **error)
{
  if (results->file != NULL) {
    if (fclose (results->file) != 0 && results->error == 0)
      results->error = errno;
    results->file = NULL;
  }
  if (results->error != 0) {
    errno = results->error;
    return batch_fail_errno (error, results->path);
  }
  return timeline == NULL || write_timeline (results, timeline, error);
}
