/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/progress.h"

#include "lib/json.h"
#include "lib/print.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef enum { SHOW_NOTHING, SHOW_LINES, SHOW_BARS, SHOW_JSON } Show;

typedef struct {
  gchar *label; /* (nullable): the slot is free */
  BatchTask *task;
  guint64 weight;
  gint64 start;
  guint64 frames; /* at the last tick */
  gdouble fps;    /* smoothed */
} Slot;

struct _BatchProgress {
  const BatchOptions *options;
  Show show;
  guint n_items, n_slots, threads;
  Slot *slots;
  gint64 start, last_tick;

  GMutex mutex;
  guint counts[BATCH_OPEN + 1], known;
  guint64 weight, done; /* bytes of all, and of those that have ended */
  guint64 done_now;     /* of those that ended in this run */
  guint64 frames;       /* of those that have ended */
  GPtrArray *failures;  /* of gchar: `name: reason` */
  guint lines;          /* of bars on the terminal, to be overwritten */
};

static Show
choose_show (const BatchOptions *options)
{
  if (options->json)
    return SHOW_JSON;
  if (options->verbosity == BATCH_QUIET)
    return SHOW_NOTHING;
  return isatty (STDOUT_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0
      ? SHOW_BARS
      : SHOW_LINES;
}

static void
print_event (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *text = NULL;

  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  g_print ("%s\n", text);
  fflush (stdout);
}

static JsonBuilder *
new_event (const gchar *name)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  tool_json_string (builder, "event", name);
  return builder;
}

BatchProgress *
batch_progress_new (
    const BatchOptions *options, GPtrArray *items, guint jobs, guint threads)
{
  BatchProgress *progress = g_new0 (BatchProgress, 1);

  progress->options = options;
  progress->show = choose_show (options);
  progress->n_items = items->len;
  progress->n_slots = jobs;
  progress->threads = threads;
  progress->slots = g_new0 (Slot, jobs);
  progress->start = progress->last_tick = g_get_monotonic_time ();
  progress->failures = g_ptr_array_new_with_free_func (g_free);
  g_mutex_init (&progress->mutex);
  for (guint i = 0; i < items->len; i++)
    progress->weight += batch_item_get_weight (g_ptr_array_index (items, i));
  if (progress->show == SHOW_JSON) {
    g_autoptr (JsonBuilder) b = new_event ("start");

    tool_json_int (b, "inputs", items->len);
    tool_json_int (b, "jobs", jobs);
    tool_json_int (b, "threads", threads);
    print_event (b);
  } else if (progress->show != SHOW_NOTHING) {
    g_print ("%u input%s, %u at a time, %u thread%s each\n", items->len,
        tool_plural (items->len), jobs, threads, tool_plural (threads));
  }
  return progress;
}

void
batch_progress_free (BatchProgress *progress)
{
  if (progress == NULL)
    return;
  for (guint i = 0; i < progress->n_slots; i++)
    g_free (progress->slots[i].label);
  g_free (progress->slots);
  g_ptr_array_unref (progress->failures);
  g_mutex_clear (&progress->mutex);
  g_free (progress);
}

/* ---- bars --------------------------------------------------------------- */

static guint
terminal_width (void)
{
  struct winsize size;

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
    return size.ws_col;
  return 80;
}

static void
add_bar (GString *line, gdouble fraction)
{
  guint full = CLAMP (fraction, 0, 1) * 20 + .5;

  g_string_append_c (line, '[');
  for (guint i = 0; i < 20; i++)
    g_string_append (line, fraction < 0 ? "·" : i < full ? "█" : "░");
  g_string_append_c (line, ']');
}

/* Writes minutes and seconds, with hours where there are any: 3:07, 1:02:09. */
static gchar *
format_time (gdouble seconds)
{
  guint s = CLAMP (seconds, 0, 3.6e6);

  if (s >= 3600)
    return g_strdup_printf ("%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
  return g_strdup_printf ("%u:%02u", s / 60, s % 60);
}

/* A long name keeps its end, which differs more than its start. */
static gchar *
fit_label (const gchar *label, guint width)
{
  glong length = g_utf8_strlen (label, -1);
  g_autofree gchar *tail = NULL;

  if (length <= width)
    return g_strdup_printf ("%s%*s", label, (int) (width - length), "");
  tail = g_utf8_substring (label, length - width + 1, length);
  return g_strconcat ("…", tail, NULL);
}

static void
add_slot (GString *text, const Slot *slot, guint width)
{
  g_autofree gchar *label = fit_label (slot->label, width - 46);
  guint64 frames;
  gdouble fraction;

  batch_task_get_progress (slot->task, &frames, &fraction);
  g_string_append_printf (text, "\033[K%s ", label);
  add_bar (text, fraction);
  if (fraction >= 0)
    g_string_append_printf (text, " %3.0f%%", fraction * 100);
  else
    g_string_append (text, "    ?");
  g_string_append_printf (text, " %7.1f fps\n", slot->fps);
}

/* ---- all of it ---------------------------------------------------------- */

typedef struct {
  guint ended;
  gdouble fraction, fps, eta;
  guint64 frames;
} Total;

static void
compute (BatchProgress *p, Total *total)
{
  gdouble elapsed = (g_get_monotonic_time () - p->start) / 1e6;
  gdouble done = p->done, now = p->done_now;

  memset (total, 0, sizeof *total);
  total->frames = p->frames;
  for (BatchStatus status = 0; status < BATCH_OPEN; status++)
    total->ended += p->counts[status];
  for (guint i = 0; i < p->n_slots; i++) {
    gdouble fraction;
    guint64 frames;

    if (p->slots[i].label == NULL)
      continue;
    batch_task_get_progress (p->slots[i].task, &frames, &fraction);
    total->frames += frames;
    done += MAX (fraction, 0) * p->slots[i].weight;
    now += MAX (fraction, 0) * p->slots[i].weight;
  }
  total->fraction = p->weight > 0 ? MIN (done / p->weight, 1) : 1;
  total->fps = elapsed > 0 ? total->frames / elapsed : 0;
  total->eta = now > 0 ? (p->weight - done) / now * elapsed : -1;
}

static void
update_rates (BatchProgress *p)
{
  gint64 now = g_get_monotonic_time ();
  gdouble seconds = (now - p->last_tick) / 1e6;

  p->last_tick = now;
  for (guint i = 0; i < p->n_slots; i++) {
    Slot *slot = &p->slots[i];
    gdouble fraction, fps, weight;
    guint64 frames;

    if (slot->label == NULL || seconds <= 0)
      continue;
    batch_task_get_progress (slot->task, &frames, &fraction);
    fps = (frames - slot->frames) / seconds;
    weight = slot->frames == 0 ? 1 : MIN (seconds / 3, 1);
    slot->fps += (fps - slot->fps) * weight;
    slot->frames = frames;
  }
}

static void
clear_bars (BatchProgress *p)
{
  if (p->lines > 0)
    g_print ("\033[%uA\033[J", p->lines);
  p->lines = 0;
}

static void
draw_bars (BatchProgress *p)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint width = terminal_width () - 1, shown = 0;
  g_autofree gchar *label = NULL, *eta = NULL;
  Total total;

  compute (p, &total);
  for (guint i = 0; i < p->n_slots && shown < 16; i++)
    if (p->slots[i].label != NULL) {
      add_slot (text, &p->slots[i], width);
      shown++;
    }
  label = g_strdup_printf ("%u of %u", total.ended, p->n_items);
  eta = total.eta >= 0 ? format_time (total.eta) : g_strdup ("?");
  g_string_append_printf (text, "\033[K%s ", label);
  add_bar (text, total.fraction);
  g_string_append_printf (text, " %3.0f%% %7.1f fps, %s left",
      total.fraction * 100, total.fps, eta);
  if (p->counts[BATCH_FAILED] > 0)
    g_string_append_printf (text, ", %u failed", p->counts[BATCH_FAILED]);
  clear_bars (p);
  g_print ("%s\n", text->str);
  p->lines = shown + 1;
}

static void
print_total (BatchProgress *p)
{
  g_autofree gchar *eta = NULL;
  Total total;

  compute (p, &total);
  eta = total.eta >= 0 ? format_time (total.eta) : g_strdup ("?");
  g_print ("%u of %u, %.0f%%, %" G_GUINT64_FORMAT " frame%s, %.1f fps, %s "
           "left\n",
      total.ended, p->n_items, total.fraction * 100, total.frames,
      tool_plural (total.frames), total.fps, eta);
}

static void
print_progress_event (BatchProgress *p)
{
  g_autoptr (JsonBuilder) b = new_event ("progress");
  Total total;

  compute (p, &total);
  tool_json_int (b, "ended", total.ended);
  tool_json_int (b, "inputs", p->n_items);
  tool_json_double (b, "fraction", total.fraction);
  tool_json_int (b, "frames", total.frames);
  tool_json_double (b, "fps", total.fps);
  if (total.eta >= 0)
    tool_json_double (b, "eta", total.eta);
  json_builder_set_member_name (b, "files");
  json_builder_begin_array (b);
  for (guint i = 0; i < p->n_slots; i++) {
    const Slot *slot = &p->slots[i];
    gdouble fraction;
    guint64 frames;

    if (slot->label == NULL)
      continue;
    batch_task_get_progress (slot->task, &frames, &fraction);
    json_builder_begin_object (b);
    tool_json_string (b, "name", slot->label);
    tool_json_int (b, "frames", frames);
    if (fraction >= 0)
      tool_json_double (b, "fraction", fraction);
    tool_json_double (b, "fps", slot->fps);
    json_builder_end_object (b);
  }
  json_builder_end_array (b);
  print_event (b);
}

guint
batch_progress_get_interval (const BatchProgress *progress)
{
  switch (progress->show) {
    case SHOW_BARS:
      return 200;
    case SHOW_JSON:
      return 1000;
    default:
      return 10000;
  }
}

void
batch_progress_tick (BatchProgress *progress)
{
  g_mutex_lock (&progress->mutex);
  update_rates (progress);
  if (progress->show == SHOW_BARS)
    draw_bars (progress);
  else if (progress->show == SHOW_JSON)
    print_progress_event (progress);
  else if (progress->show == SHOW_LINES)
    print_total (progress);
  g_mutex_unlock (&progress->mutex);
}

/* ---- inputs ------------------------------------------------------------- */

void
batch_progress_begin (
    BatchProgress *p, guint slot, const BatchItem *item, BatchTask *task)
{
  g_autofree gchar *label = batch_item_get_label (item);

  g_mutex_lock (&p->mutex);
  if (p->show == SHOW_JSON) {
    g_autoptr (JsonBuilder) b = new_event ("begin");

    tool_json_string (b, "name", label);
    print_event (b);
  }
  p->slots[slot] = (Slot){ .label = g_steal_pointer (&label),
    .task = task,
    .weight = batch_item_get_weight (item),
    .start = g_get_monotonic_time () };
  g_mutex_unlock (&p->mutex);
}

void
batch_progress_pause (BatchProgress *p, guint slot)
{
  g_mutex_lock (&p->mutex);
  g_clear_pointer (&p->slots[slot].label, g_free);
  p->slots[slot].task = NULL;
  g_mutex_unlock (&p->mutex);
}

static void
print_end_event (
    const gchar *label, const BatchOutcome *outcome, gboolean known)
{
  g_autoptr (JsonBuilder) b = new_event ("end");

  tool_json_string (b, "name", label);
  tool_json_string (b, "status", batch_status_get_name (outcome->status));
  if (outcome->reason != NULL)
    tool_json_string (b, "reason", outcome->reason);
  tool_json_int (b, "frames", outcome->frames);
  tool_json_double (b, "seconds", outcome->seconds);
  json_builder_set_member_name (b, "known");
  json_builder_add_boolean_value (b, known);
  print_event (b);
}

static void
print_end (BatchProgress *p, const gchar *label, const BatchOutcome *outcome,
    gboolean known)
{
  gboolean bad = outcome->status != BATCH_DONE;

  if (p->show == SHOW_NOTHING || outcome->status == BATCH_OPEN
      || (known && p->options->verbosity != BATCH_VERBOSE))
    return;
  if (p->show == SHOW_BARS)
    clear_bars (p);
  if (bad)
    g_print ("%s: %s, %s\n", label, batch_status_get_name (outcome->status),
        outcome->reason);
  else if (known)
    g_print ("%s: done before\n", label);
  else
    g_print ("%s: %" G_GUINT64_FORMAT " frame%s in %.1f s, %.1f fps\n", label,
        outcome->frames, tool_plural (outcome->frames), outcome->seconds,
        outcome->frames / MAX (outcome->seconds, 1e-3));
}

void
batch_progress_end (BatchProgress *p, const BatchItem *item,
    const BatchOutcome *outcome, gboolean known)
{
  g_autofree gchar *label = batch_item_get_label (item);

  g_mutex_lock (&p->mutex);
  p->counts[outcome->status]++;
  p->known += known;
  p->done += batch_item_get_weight (item);
  if (!known) {
    p->done_now += batch_item_get_weight (item);
    p->frames += outcome->frames;
  }
  if (outcome->status == BATCH_FAILED || outcome->status == BATCH_SHORT)
    g_ptr_array_add (
        p->failures, g_strdup_printf ("%s: %s", label, outcome->reason));
  if (p->show == SHOW_JSON)
    print_end_event (label, outcome, known);
  else
    print_end (p, label, outcome, known);
  g_mutex_unlock (&p->mutex);
}

guint
batch_progress_count (const BatchProgress *progress, BatchStatus status)
{
  return progress->counts[status];
}

/* ---- the end ------------------------------------------------------------ */

static void
print_summary_event (BatchProgress *p, const GError *fatal)
{
  g_autoptr (JsonBuilder) b = new_event ("summary");
  gdouble seconds = (g_get_monotonic_time () - p->start) / 1e6;

  for (BatchStatus status = 0; status <= BATCH_OPEN; status++)
    tool_json_int (b, batch_status_get_name (status), p->counts[status]);
  tool_json_int (b, "known", p->known);
  tool_json_int (b, "frames", p->frames);
  tool_json_double (b, "seconds", seconds);
  tool_json_double (b, "fps", p->frames / MAX (seconds, 1e-3));
  if (fatal != NULL)
    tool_json_string (b, "fatal", fatal->message);
  json_builder_set_member_name (b, "failures");
  json_builder_begin_array (b);
  for (guint i = 0; i < p->failures->len; i++)
    json_builder_add_string_value (b, g_ptr_array_index (p->failures, i));
  json_builder_end_array (b);
  print_event (b);
}

static void
print_summary (BatchProgress *p)
{
  gdouble seconds = (g_get_monotonic_time () - p->start) / 1e6;
  g_autofree gchar *time = format_time (seconds);
  guint bad = p->counts[BATCH_FAILED] + p->counts[BATCH_SHORT];

  g_print ("%u done", p->counts[BATCH_DONE]);
  if (p->known > 0)
    g_print (" (%u before)", p->known);
  if (bad > 0)
    g_print (", %u not complete", bad);
  if (p->counts[BATCH_SKIPPED] > 0)
    g_print (", %u not recordings", p->counts[BATCH_SKIPPED]);
  g_print ("; %" G_GUINT64_FORMAT " frame%s in %s, %.1f fps\n", p->frames,
      tool_plural (p->frames), time, p->frames / MAX (seconds, 1e-3));
}

void
batch_progress_finish (BatchProgress *p, const GError *fatal)
{
  g_mutex_lock (&p->mutex);
  if (p->show == SHOW_BARS)
    clear_bars (p);
  if (p->show == SHOW_JSON)
    print_summary_event (p, fatal);
  else if (p->show != SHOW_NOTHING)
    print_summary (p);
  for (guint i = 0; i < p->failures->len && p->show != SHOW_JSON; i++)
    g_printerr ("%s%s\n", i == 0 ? "Not complete:\n  " : "  ",
        (gchar *) g_ptr_array_index (p->failures, i));
  g_mutex_unlock (&p->mutex);
}
