/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/options.h"

#include "batch/element-options.h"
#include "batch/preset.h"
#include "lib/status.h"

#include <stdio.h>
#include <string.h>

static const gchar text[] =
    "INPUT is a file, a folder (searched with the folders in it), a pattern, "
    "a\n"
    "URI, or - for a list on standard input (one name per line, or ended by\n"
    "NUL with --null). Each recording or picture gets a folder of the same\n"
    "name in FOLDER. It appears when it is complete.\n"
    "\n"
    "Outputs (--to, several separated by commas; overlay,results,report):\n"
    "  overlay[:h264|vp9|vp8|ffv1]  the recording with the mask drawn in\n"
    "  cutout[:prores|vp9|vp8|ffv1|png]\n"
    "                               the foreground, the rest transparent\n"
    "  mask[:ffv1|h264]             the mask as a video\n"
    "  masks                        a PNG for each frame, classes as a "
    "palette\n"
    "  results                      JSON Lines: areas, boxes, centroids, RLE\n"
    "  report                       a page about all inputs, report.html\n"
    "\n"
    "A preset file has the long options as keys, in a group [batch] or\n"
    "[unetseg]. The command line overrides it.\n"
    "\n"
    "Examples:\n"
    "  unetseg batch recordings -o masks --to masks,results,report\n"
    "  unetseg batch '*.mp4' -o out --model street.onnx --colors car=red\n"
    "  find . -name '*.mov' -print0 | unetseg batch --null - -o out --resume\n"
    "  unetseg batch tapes -o out --shard $SLURM_ARRAY_TASK_ID/8 --segment 60\n"
    "\n" TOOL_STATUS_HELP;

static const gchar *const kind_names[BATCH_N_KINDS] = {
  [BATCH_OVERLAY] = "overlay",
  [BATCH_CUTOUT] = "cutout",
  [BATCH_MASK] = "mask",
  [BATCH_MASKS] = "masks",
  [BATCH_RESULTS] = "results",
  [BATCH_REPORT] = "report",
};

/* The first one of a kind is its default. */
static const BatchCodec codecs[] = {
  { BATCH_OVERLAY, "h264", "mp4 mov mkv" },
  { BATCH_OVERLAY, "vp9", "webm mkv" },
  { BATCH_OVERLAY, "vp8", "webm mkv" },
  { BATCH_OVERLAY, "ffv1", "mkv" },
  { BATCH_CUTOUT, "prores", "mov" },
  { BATCH_CUTOUT, "vp9", "webm" },
  { BATCH_CUTOUT, "vp8", "webm" },
  { BATCH_CUTOUT, "ffv1", "mkv" },
  { BATCH_CUTOUT, "png", "" },
  { BATCH_MASK, "ffv1", "mkv" },
  { BATCH_MASK, "h264", "mp4 mkv" },
};

/* Options as texts, before they are parsed further. */
typedef struct {
  BatchOptions *options;
  gchar *to, *jobs, *shard, *preset;
  gint threads;
  gboolean null, quiet, verbose;
} Raw;

#define FAIL(...)                                                              \
  (g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE, __VA_ARGS__), FALSE)

/* ---- values ------------------------------------------------------------- */

static const BatchCodec *
find_codec (BatchKind kind, const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (codecs[i].kind == kind
        && (name == NULL || g_str_equal (codecs[i].name, name)))
      return &codecs[i];
  return NULL;
}

static gboolean
fail_codec (BatchKind kind, const gchar *word, GError **error)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (codecs[i].kind == kind)
      g_string_append_printf (
          names, "%s%s", names->len > 0 ? ", " : "", codecs[i].name);
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE, "--to %s: '%s' can be %s",
      word, kind_names[kind],
      names->len > 0 ? names->str : "written in one way only");
  g_string_free (names, TRUE);
  return FALSE;
}

static gboolean
parse_output (BatchOptions *options, const gchar *word, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (word, ":", 2);

  for (BatchKind kind = 0; kind < BATCH_N_KINDS; kind++) {
    BatchOutput *output = &options->outputs[kind];

    if (parts[0] == NULL || !g_str_equal (kind_names[kind], parts[0]))
      continue;
    output->wanted = TRUE;
    output->codec = find_codec (kind, parts[1]);
    return parts[1] == NULL || output->codec != NULL
        || fail_codec (kind, word, error);
  }
  return FAIL ("--to: '%s' is none of overlay, cutout, mask, masks, results, "
               "report",
      word);
}

static gboolean
parse_outputs (BatchOptions *options, const gchar *list, GError **error)
{
  g_auto (GStrv) words = g_strsplit (list, ",", -1);

  for (guint i = 0; words[i] != NULL; i++)
    if (!parse_output (options, g_strstrip (words[i]), error))
      return FALSE;
  return TRUE;
}

static gboolean
parse_number (const gchar *text, guint min, guint max, guint *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, min, max, &value, NULL))
    return FALSE;
  *number = value;
  return TRUE;
}

static gboolean
parse_shard (BatchOptions *options, const gchar *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", 2);

  if (g_strv_length (parts) == 2
      && parse_number (parts[1], 1, 1000000, &options->n_shards)
      && parse_number (parts[0], 1, options->n_shards, &options->shard))
    return TRUE;
  return FAIL ("--shard=%s: not K/N with K from 1 to N, such as 3/8", text);
}

static gboolean
check (BatchOptions *options, const Raw *raw, GError **error)
{
  if (options->folder == NULL)
    return FAIL ("-o FOLDER is missing");
  if (options->words == NULL || options->words[0] == NULL)
    return FAIL ("no inputs named");
  if (g_strv_contains ((const gchar *const *) options->words, ""))
    return FAIL ("the name of an input is empty");
  if (raw->threads < 0 || raw->threads > 1024)
    return FAIL ("--threads=%d: not within 0 to 1024", raw->threads);
  options->threads = raw->threads;
  if (raw->jobs != NULL && !g_str_equal (raw->jobs, "auto")
      && !parse_number (raw->jobs, 1, 1024, &options->jobs))
    return FAIL ("--jobs=%s: neither auto nor a number", raw->jobs);
  if (!(options->segment == 0
          || (options->segment >= 1 && options->segment <= 86400)))
    return FAIL ("--segment: not within 1 to 86400 seconds");
  if (!(options->patience >= 1 && options->patience <= 86400))
    return FAIL ("--patience: not within 1 to 86400 seconds");
  if (options->container != NULL
      && !g_strv_contains (
          (const gchar *const[]){ "mp4", "mov", "mkv", "webm", NULL },
          options->container))
    return FAIL (
        "--container=%s: not one of mp4, mov, mkv, webm", options->container);
  if (options->resume && options->overwrite)
    return FAIL ("--resume and --overwrite exclude each other");
  if (raw->shard != NULL && !parse_shard (options, raw->shard, error))
    return FALSE;
  options->verbosity = raw->quiet ? BATCH_QUIET
      : raw->verbose              ? BATCH_VERBOSE
                                  : BATCH_NORMAL;
  return parse_outputs (
      options, raw->to ? raw->to : "overlay,results,report", error);
}

/* ---- standard input ----------------------------------------------------- */

static gboolean
read_list (GPtrArray *words, gchar end, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);
  gchar buffer[65536];
  gsize n;

  while ((n = fread (buffer, 1, sizeof buffer, stdin)) > 0)
    g_string_append_len (all, buffer, n);
  for (gsize i = 0; i < all->len;) {
    const gchar *from = all->str + i;
    const gchar *to = memchr (from, end, all->len - i);
    gsize length = to != NULL ? (gsize) (to - from) : all->len - i;

    if (length > 0)
      g_ptr_array_add (words, g_strndup (from, length));
    i += length + 1;
  }
  return TRUE;
}

static gboolean
expand_list (BatchOptions *options, gboolean null, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  for (guint i = 0; options->words && options->words[i] != NULL; i++) {
    if (!g_str_equal (options->words[i], "-"))
      g_ptr_array_add (words, g_strdup (options->words[i]));
    else if (!read_list (words, null ? '\0' : '\n', error))
      return FALSE;
  }
  g_ptr_array_add (words, NULL);
  g_strfreev (options->words);
  options->words =
      (gchar **) g_ptr_array_free (g_steal_pointer (&words), FALSE);
  return TRUE;
}

/* ---- the command line --------------------------------------------------- */

/* Returns (transfer full): options that write to @o and @raw. */
static GOptionEntry *
make_entries (BatchOptions *o, Raw *raw)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->folder,
        "Folder of the outputs; created if missing", "FOLDER" },
    { "to", 'T', 0, G_OPTION_ARG_STRING, &raw->to,
        "Outputs; overlay,results,report by default", "LIST" },
    { "container", 0, 0, G_OPTION_ARG_STRING, &o->container,
        "Of the overlay: mp4, mov, mkv or webm; the input's where possible",
        "NAME" },
    { "preset", 0, 0, G_OPTION_ARG_FILENAME, &raw->preset,
        "Options from a key file (repeatable)", "FILE" },
    { "resume", 'r', 0, G_OPTION_ARG_NONE, &o->resume,
        "Continue a batch: complete and unchanged outputs stay", NULL },
    { "retry", 0, 0, G_OPTION_ARG_NONE, &o->retry,
        "With --resume: try failed inputs again", NULL },
    { "overwrite", 0, 0, G_OPTION_ARG_NONE, &o->overwrite,
        "Start again, and replace the outputs that exist", NULL },
    { "jobs", 'j', 0, G_OPTION_ARG_STRING, &raw->jobs,
        "Files at a time; auto (default) measures the best number", "N" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &raw->threads,
        "Threads of an inference; 0 (default): chosen with --jobs", "N" },
    { "shard", 0, 0, G_OPTION_ARG_STRING, &raw->shard,
        "Only the Kth of N parts of the batch", "K/N" },
    { "segment", 0, 0, G_OPTION_ARG_DOUBLE, &o->segment,
        "Cut recordings at keyframes into segments of about that length; "
        "'unetseg join' joins them",
        "SECONDS" },
    { "plan-only", 0, 0, G_OPTION_ARG_NONE, &o->plan_only,
        "Only write the list of inputs and the plan, for later shards", NULL },
    { "patience", 0, 0, G_OPTION_ARG_DOUBLE, &o->patience,
        "Give up on an input after that time without progress; 120",
        "SECONDS" },
    { "follow-links", 0, 0, G_OPTION_ARG_NONE, &o->follow_links,
        "Follow links in folders to files outside of the inputs", NULL },
    { "null", '0', 0, G_OPTION_ARG_NONE, &raw->null,
        "Names on standard input end with NUL instead of a line break", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json,
        "Print each event as a JSON object on a line", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &raw->quiet, "Print only errors",
        NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &raw->verbose,
        "Print more about each input", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->words, NULL,
        NULL },
    { NULL },
  };

  return g_memdup2 (entries, sizeof entries);
}

static gboolean
parse_words (BatchOptions *o, Raw *raw, gint argc, gchar **argv, GError **error)
{
  g_autofree GOptionEntry *entries = make_entries (o, raw);
  g_autoptr (GOptionContext) context = g_option_context_new (
      "INPUT… -o FOLDER — segment folders of recordings and pictures");
  g_autoptr (GPtrArray)
      words = batch_preset_expand (argc, argv, entries, error);
  g_autofree gchar **rest = NULL;
  gint n;

  if (words == NULL)
    return FALSE;
  g_option_context_set_description (context, text);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (
      context, batch_element_options_new_group (o->properties, entries));
  n = words->len - 1;
  rest = g_memdup2 (words->pdata, words->len * sizeof *rest);
  return g_option_context_parse (context, &n, &rest, error);
}

gboolean
batch_options_parse (
    BatchOptions *options, gint argc, gchar **argv, GError **error)
{
  Raw raw = { .options = options };
  gboolean ok;

  memset (options, 0, sizeof *options);
  options->patience = 120;
  options->properties =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  ok = parse_words (options, &raw, argc, argv, error)
      && expand_list (options, raw.null, error) && check (options, &raw, error);
  g_free (raw.to);
  g_free (raw.jobs);
  g_free (raw.shard);
  g_free (raw.preset);
  return ok;
}

void
batch_options_clear (BatchOptions *options)
{
  g_strfreev (options->words);
  g_free (options->folder);
  g_free (options->container);
  g_clear_pointer (&options->properties, g_hash_table_unref);
}

gchar *
batch_options_describe (const BatchOptions *options)
{
  GString *all = g_string_new (NULL);
  GList *names = g_list_sort (
      g_hash_table_get_keys (options->properties), (GCompareFunc) strcmp);
  gchar seconds[G_ASCII_DTOSTR_BUF_SIZE];

  for (BatchKind kind = 0; kind < BATCH_N_KINDS; kind++) {
    const BatchOutput *output = &options->outputs[kind];

    if (output->wanted)
      g_string_append_printf (all, "%s%s%s%s",
          all->len > 0 ? "," : "to=", kind_names[kind],
          output->codec ? ":" : "", output->codec ? output->codec->name : "");
  }
  if (options->container != NULL)
    g_string_append_printf (all, " container=%s", options->container);
  if (options->segment > 0)
    g_string_append_printf (all, " segment=%s",
        g_ascii_dtostr (seconds, sizeof seconds, options->segment));
  for (GList *l = names; l != NULL; l = l->next)
    g_string_append_printf (all, " %s=%s", (gchar *) l->data,
        (gchar *) g_hash_table_lookup (options->properties, l->data));
  g_list_free (names);
  return g_string_free (all, FALSE);
}
