/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/report.h"

#include "batch/entry.h"
#include "batch/error.h"
#include "batch/thumbnails.h"
#include "batch/timeline.h"
#include "base/color.h"
#include "frame/draw/palette.h"
#include "lib/json.h"

/* How many recordings have pictures and a timeline on the page, where each
 * takes 60 KiB. */
#define MAX_PICTURED 500

static const gchar head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<title>unetseg batch</title>\n<style>\n"
    ":root{color-scheme:light dark;--line:#8884;--dim:#777;--bad:#d33}\n"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1080px;"
    "padding:0 1em}\n"
    "h1{font-size:1.5em;margin:0}\n"
    ".sums{display:flex;flex-wrap:wrap;gap:.4em 2.2em;margin:1em 0 2em}\n"
    ".sums b{display:block;font-size:1.5em;font-variant-numeric:tabular-nums}\n"
    ".sums span,.facts{color:var(--dim)}\n"
    "article{border-top:1px solid var(--line);padding:.9em 0}\n"
    "h2{font-size:1em;margin:0;overflow-wrap:anywhere;white-space:pre-wrap}\n"
    ".facts{font-variant-numeric:tabular-nums}\n"
    ".bad{color:var(--bad)}\n"
    ".thumbs{display:grid;grid-template-columns:repeat(6,1fr);gap:4px;"
    "margin:.5em 0 0}\n"
    ".thumbs img{width:100%;display:block;border-radius:3px}\n"
    "svg{width:100%;height:72px;display:block;margin-top:4px;"
    "background:var(--line);border-radius:3px}\n"
    ".key{display:flex;flex-wrap:wrap;gap:.2em 1.2em;font-size:.85em}\n"
    ".key i{display:inline-block;width:.8em;height:.8em;border-radius:2px;"
    "margin-right:.4em}\n"
    "</style></head><body>\n";

typedef struct {
  GString *body;
  guint counts[BATCH_OPEN + 1];
  guint64 frames;
  gdouble work, video; /* seconds */
  guint pictured;
} Page;

/* ---- one recording ------------------------------------------------------ */

static void
add_thumbnails (Page *page, const gchar *folder)
{
  gboolean any = FALSE;

  for (guint i = 0; i < BATCH_N_THUMBNAILS; i++) {
    g_autofree gchar *name = g_strdup_printf ("%u.jpg", i);
    g_autofree gchar *path = g_build_filename (folder, ".report", name, NULL);
    g_autofree gchar *data = NULL, *text = NULL;
    gsize size;

    if (!g_file_get_contents (path, &data, &size, NULL))
      break;
    text = g_base64_encode ((const guchar *) data, size);
    g_string_append_printf (page->body,
        "%s<img alt=\"\" loading=\"lazy\" "
        "src=\"data:image/jpeg;base64,%s\">",
        any ? "" : "<div class=\"thumbs\">", text);
    any = TRUE;
  }
  if (any)
    g_string_append (page->body, "</div>\n");
}

/* Returns the scale of a timeline: 1, 2, 5, 10, 20, 50 or 100 %. */
static gdouble
find_scale (JsonArray *classes)
{
  static const gdouble scales[] = { .01, .02, .05, .1, .2, .5, 1 };
  gdouble most = 0;

  for (guint c = 0; c < json_array_get_length (classes); c++) {
    JsonObject *class = tool_json_get_element (classes, c);
    JsonArray *areas = tool_json_get_array (class, "area");

    for (guint i = 0; i < json_array_get_length (areas); i++)
      most = MAX (most, tool_json_get_number (areas, i));
  }
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++)
    if (most <= scales[i])
      return scales[i];
  return 1;
}

/* Returns a class's colour as 0xRRGGBB. */
static guint32
color_of (JsonObject *class)
{
  guint32 argb = unet_palette_default (tool_json_get_int (class, "class", 0));

  unet_color_parse (tool_json_get_string (class, "color", ""), &argb);
  return argb & 0xffffff;
}

static void
add_curve (GString *body, JsonObject *class, gdouble scale)
{
  JsonArray *areas = tool_json_get_array (class, "area");
  guint n = json_array_get_length (areas);
  guint32 color = color_of (class);
  GString *points = g_string_new (NULL);
  gchar x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];

  for (guint i = 0; i < n; i++) {
    gdouble area = tool_json_get_number (areas, i);

    g_string_append_printf (points, "%s,%s ",
        g_ascii_formatd (x, sizeof x, "%.1f", (i + .5) * 1000 / n),
        g_ascii_formatd (y, sizeof y, "%.1f", 100 - 96 * area / scale));
  }
  if (n == 1) /* a picture has a level line */
    g_string_append_printf (points, "1000,%s ", y);
  g_string_append_printf (body,
      "<polygon fill=\"#%06x\" fill-opacity=\".25\" "
      "points=\"0,100 %s1000,100\"/><polyline fill=\"none\" stroke=\"#%06x\" "
      "stroke-width=\"2\" vector-effect=\"non-scaling-stroke\" "
      "points=\"%s\"/>",
      color, points->str, color, points->str);
  g_string_free (points, TRUE);
}

static void
add_key (GString *body, JsonObject *class)
{
  const gchar *label = tool_json_get_string (class, "label", NULL);
  guint id = tool_json_get_int (class, "class", 0);
  JsonArray *areas = tool_json_get_array (class, "area");
  guint n = json_array_get_length (areas);
  g_autofree gchar *name = NULL;
  gdouble sum = 0;

  for (guint i = 0; i < n; i++)
    sum += tool_json_get_number (areas, i);
  name = label ? g_markup_escape_text (label, -1)
               : g_strdup_printf ("class %u", id);
  g_string_append_printf (body,
      "<span><i style=\"background:#%06x\"></i>%s "
      "%.1f %% of the picture</span>",
      color_of (class), name, n > 0 ? 100 * sum / n : 0);
}

static void
add_timeline (Page *page, const gchar *folder)
{
  g_autoptr (JsonArray) classes = batch_timeline_read (folder);
  gdouble scale;

  if (classes == NULL)
    return;
  if (json_array_get_length (classes) == 0) {
    g_string_append (page->body,
        "<div class=\"facts\">nothing but "
        "background</div>\n");
    return;
  }
  scale = find_scale (classes);
  g_string_append_printf (page->body,
      "<svg viewBox=\"0 0 1000 100\" "
      "preserveAspectRatio=\"none\" role=\"img\"><title>Area over time, up to "
      "%.0f %% of the picture</title>",
      scale * 100);
  for (guint c = 0; c < json_array_get_length (classes); c++)
    add_curve (page->body, tool_json_get_element (classes, c), scale);
  g_string_append (page->body, "</svg>\n<div class=\"key\">");
  for (guint c = 0; c < json_array_get_length (classes); c++)
    add_key (page->body, tool_json_get_element (classes, c));
  g_string_append_printf (page->body,
      "<span class=\"facts\">full height: "
      "%.0f %%</span></div>\n",
      scale * 100);
}

static void
add_facts (Page *page, JsonObject *entry)
{
  const gchar *status = tool_json_get_string (entry, "status", NULL);
  const gchar *reason = tool_json_get_string (entry, "reason", NULL);
  gint64 duration = tool_json_get_int (entry, "duration", 0);
  gdouble seconds = tool_json_get_double (entry, "seconds", 0);
  guint64 frames = tool_json_get_int (entry, "frames", 0);

  g_string_append (page->body, "<div class=\"facts\">");
  if (reason != NULL) {
    g_autofree gchar *text = g_markup_escape_text (reason, -1);

    g_string_append_printf (
        page->body, "<span class=\"bad\">%s: %s</span> ", status, text);
  }
  if (frames > 0)
    g_string_append_printf (page->body,
        "%" G_GINT64_FORMAT "×%" G_GINT64_FORMAT ", %" G_GUINT64_FORMAT
        " frame%s",
        tool_json_get_int (entry, "width", 0),
        tool_json_get_int (entry, "height", 0), frames, frames > 1 ? "s" : "");
  if (frames > 0 && duration > 0)
    g_string_append_printf (page->body, ", %.1f s", duration / 1e9);
  if (frames > 0 && seconds > 0) {
    g_string_append_printf (page->body, ", %.1f frames/s", frames / seconds);
    if (duration > 0)
      g_string_append_printf (
          page->body, ", %.2f× real time", duration / 1e9 / seconds);
  }
  g_string_append (page->body, "</div>\n");
}

static BatchStatus
count (Page *page, JsonObject *entry)
{
  BatchStatus status =
      batch_status_from_name (tool_json_get_string (entry, "status", NULL));

  page->counts[status]++;
  if (status <= BATCH_SHORT) {
    page->frames += tool_json_get_int (entry, "frames", 0);
    page->work += tool_json_get_double (entry, "seconds", 0);
    page->video += MAX (tool_json_get_int (entry, "duration", 0), 0) / 1e9;
  }
  return status;
}

static void
add_entry (
    Page *page, const BatchItem *item, JsonObject *entry, const gchar *folder)
{
  g_autofree gchar *shown = g_filename_display_name (item->name);
  g_autofree gchar *label = batch_item_get_label (item);
  g_autofree gchar *text =
      g_markup_escape_text (item->n_segments > 0 ? label : shown, -1);
  BatchStatus status = count (page, entry);

  if (status == BATCH_SKIPPED)
    return;
  g_string_append_printf (page->body, "<article><h2>%s</h2>\n", text);
  add_facts (page, entry);
  if (status <= BATCH_SHORT && page->pictured++ < MAX_PICTURED) {
    add_thumbnails (page, folder);
    add_timeline (page, folder);
  }
  g_string_append (page->body, "</article>\n");
}

/* A recording that was joined has one entry, which its first segment shows. */
static void
add_item (Page *page, const BatchManifest *manifest, const BatchItem *item)
{
  BatchItem whole = *item;
  const BatchItem *shown = &whole;
  g_autoptr (JsonObject) entry = NULL;
  g_autofree gchar *folder = NULL;

  whole.n_segments = 0;
  entry = batch_manifest_read_done (manifest, &whole);
  if (entry != NULL && item->segment > 0)
    return;
  if (entry == NULL) {
    shown = item;
    entry = batch_manifest_read_done (manifest, item);
  }
  if (entry == NULL)
    entry = batch_manifest_read_failure (manifest, item);
  folder = batch_item_get_folder (shown, manifest->folder);
  if (entry != NULL)
    add_entry (page, shown, entry, folder);
  else
    page->counts[BATCH_OPEN]++;
}

/* ---- the page ----------------------------------------------------------- */

static void
add_sum (GString *all, const gchar *number, const gchar *what)
{
  g_string_append_printf (
      all, "<div><b>%s</b><span>%s</span></div>", number, what);
}

static void
add_count (GString *all, guint number, const gchar *what)
{
  g_autofree gchar *text = g_strdup_printf ("%u", number);

  if (number > 0)
    add_sum (all, text, what);
}

static void
add_sums (GString *all, const Page *page)
{
  g_autofree gchar *frames =
      g_strdup_printf ("%" G_GUINT64_FORMAT, page->frames);
  g_autofree gchar *video = g_strdup_printf ("%u:%02u:%02u",
      (guint) page->video / 3600, (guint) page->video / 60 % 60,
      (guint) page->video % 60);
  g_autofree gchar *rate =
      g_strdup_printf ("%.1f", page->work > 0 ? page->frames / page->work : 0);

  g_string_append (all, "<div class=\"sums\">");
  add_count (all, page->counts[BATCH_DONE], "complete");
  add_count (all, page->counts[BATCH_SHORT], "ended early");
  add_count (all, page->counts[BATCH_FAILED], "failed");
  add_count (all, page->counts[BATCH_SKIPPED], "not recordings");
  add_count (all, page->counts[BATCH_OPEN], "not done yet");
  add_sum (all, frames, "frames");
  add_sum (all, video, "of video");
  add_sum (all, rate, "frames/s per file at work");
  g_string_append (all, "</div>\n");
}

gboolean
batch_report_write (
    const BatchManifest *manifest, GPtrArray *items, GError **error)
{
  g_autofree gchar *path =
      g_build_filename (manifest->folder, "report.html", NULL);
  g_autofree gchar *title = g_filename_display_basename (manifest->folder);
  g_autofree gchar *text = g_markup_escape_text (title, -1);
  g_autofree gchar *identity = g_markup_escape_text (manifest->identity, -1);
  g_autoptr (GString) all = g_string_new (head);
  Page page = { .body = g_string_new (NULL) };
  g_autoptr (GError) local = NULL;
  gboolean ok;

  for (guint i = 0; i < items->len; i++)
    add_item (&page, manifest, g_ptr_array_index (items, i));
  g_string_append_printf (all, "<h1>%s</h1>\n", text);
  add_sums (all, &page);
  g_string_append (all, page.body->str);
  g_string_append_printf (all,
      "<article class=\"facts\">unetseg %s, %s<br>"
      "%s</article>\n</body></html>\n",
      UNETSEG_VERSION, unet_session_get_engine_name (), identity);
  ok = g_file_set_contents_full (
      path, all->str, all->len, G_FILE_SET_CONTENTS_CONSISTENT, 0666, &local);
  if (!ok)
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT,
        "the report cannot be written: %s: %s", path, local->message);
  g_string_free (page.body, TRUE);
  return ok;
}
