/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of `unetseg batch`: options of its own, every property of
 * the elements as an option, and preset files that hold either. */

#include "batch/types.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const gchar text[] =
    "INPUT is a file, a folder (searched through), a pattern, a URI, or - for "
    "a\n"
    "list on standard input (a name a line, or ended by NUL with --null). For\n"
    "each recording or picture FOLDER gets a folder of the same name, "
    "complete\n"
    "or not at all.\n"
    "\n"
    "Outputs (--to, several separated by commas; overlay,results,report):\n"
    "  overlay[:h264|vp9|vp8|ffv1]  the recording with the mask drawn in\n"
    "  cutout[:prores|ffv1|png]     what the mask covers, the rest "
    "transparent\n"
    "  mask[:ffv1|h264]             the mask as a video\n"
    "  masks                        a PNG for each frame, classes as a "
    "palette\n"
    "  results                      JSON Lines: areas, boxes, centroids, RLE\n"
    "  report                       a page about all of it, report.html\n"
    "\n"
    "A preset file has the long options as keys, in a group [batch] or\n"
    "[unetseg]. The command line goes before it.\n"
    "\n"
    "Examples:\n"
    "  unetseg batch recordings -o masks --to masks,results,report\n"
    "  unetseg batch '*.mp4' -o out --model street.onnx --colors car=red\n"
    "  find . -name '*.mov' -print0 | unetseg batch --null - -o out --resume\n"
    "  unetseg batch tapes -o out --shard $SLURM_ARRAY_TASK_ID/8 --segment 60\n"
    "\n"
    "Exit status: 0 if every recording is complete, 1 if some are not (they "
    "are\n"
    "named at the end), 2 if the command line is wrong, 3 if the batch had to\n"
    "stop (disk full, model unusable), 130 after an interruption.\n";

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
  { BATCH_CUTOUT, "ffv1", "mkv" },
  { BATCH_CUTOUT, "png", "" },
  { BATCH_MASK, "ffv1", "mkv" },
  { BATCH_MASK, "h264", "mp4 mkv" },
};

/* Not for users: what a batch decides itself, and what every element has. */
static const gchar *const own_properties[] = { "name", "parent", "qos",
  "output", "late", "threads", "stats", "async", NULL };

/* What the options' texts become before they are understood. */
typedef struct {
  BatchOptions *options;
  gchar *to, *jobs, *shard, *preset;
  gint threads;
  gboolean null, quiet, verbose;
} Raw;

#define FAIL(...)                                                              \
  (g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE, __VA_ARGS__), FALSE)

/* ---- properties of the elements ----------------------------------------- */

static GObjectClass *
element_class (const gchar *name)
{
  GstElementFactory *factory = gst_element_factory_find (name);
  GstPluginFeature *loaded;
  GObjectClass *class = NULL;

  if (factory == NULL)
    return NULL;
  loaded = gst_plugin_feature_load (GST_PLUGIN_FEATURE (factory));
  if (loaded != NULL) {
    class = g_type_class_ref (
        gst_element_factory_get_element_type (GST_ELEMENT_FACTORY (loaded)));
    gst_object_unref (loaded);
  }
  gst_object_unref (factory);
  return class;
}

static GParamSpec *
find_property (const gchar *name)
{
  const gchar *const elements[] = { "unetseg", "unetsegdraw" };
  GParamSpec *found = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (elements) && found == NULL; i++) {
    GObjectClass *class = element_class (elements[i]);

    if (class == NULL)
      continue;
    found = g_object_class_find_property (class, name);
    g_type_class_unref (class);
  }
  return found;
}

/* Text property values are judged when an element gets them. */
static gboolean
check_value (GParamSpec *pspec, const gchar *value, GError **error)
{
  g_auto (GValue) parsed = G_VALUE_INIT;
  g_autofree gchar *kept = NULL;
  GstElement *element;
  gboolean ok;

  g_value_init (&parsed, pspec->value_type);
  if (!gst_value_deserialize_with_pspec (&parsed, value, pspec)
      || g_param_value_validate (pspec, &parsed))
    return FAIL ("--%s=%s: not a value for it (%s)", pspec->name, value,
        g_param_spec_get_blurb (pspec));
  if (pspec->value_type != G_TYPE_STRING
      || (element = gst_element_factory_make ("unetseg", NULL)) == NULL)
    return TRUE;
  ok = TRUE;
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), pspec->name)
      != NULL) {
    g_object_set (element, pspec->name, value, NULL);
    g_object_get (element, pspec->name, &kept, NULL);
    ok = g_strcmp0 (kept, value) == 0;
  }
  gst_object_unref (element);
  return ok
      || FAIL ("--%s=%s: not a value for it (%s)", pspec->name, value,
          g_param_spec_get_blurb (pspec));
}

static gboolean
take_property (
    const gchar *option, const gchar *value, gpointer data, GError **error)
{
  Raw *raw = data;
  const gchar *name = option + 2;
  GParamSpec *pspec = find_property (name);

  if (pspec == NULL)
    return FAIL ("%s: no such property", option);
  if (!check_value (pspec, value, error))
    return FALSE;
  g_hash_table_replace (
      raw->options->properties, g_strdup (pspec->name), g_strdup (value));
  return TRUE;
}

static gboolean
has_option (const GOptionEntry *entries, const gchar *name)
{
  for (; entries->long_name != NULL; entries++)
    if (g_str_equal (entries->long_name, name))
      return TRUE;
  return FALSE;
}

static void
add_properties (
    GArray *entries, const gchar *element, const GOptionEntry *taken)
{
  GObjectClass *class = element_class (element);
  guint n = 0;
  GParamSpec **specs;

  if (class == NULL)
    return;
  specs = g_object_class_list_properties (class, &n);
  for (guint i = 0; i < n; i++) {
    const gchar *name = specs[i]->name;
    GOptionEntry entry = { name, 0, 0, G_OPTION_ARG_CALLBACK,
      (gpointer) take_property, g_param_spec_get_blurb (specs[i]), "VALUE" };
    gboolean known = has_option (taken, name);

    for (guint k = 0; k < entries->len; k++)
      known |= g_str_equal (
          g_array_index (entries, GOptionEntry, k).long_name, name);
    if (!known && (specs[i]->flags & G_PARAM_WRITABLE)
        && !g_strv_contains (own_properties, name))
      g_array_append_val (entries, entry);
  }
  g_free (specs);
  /* Its strings stay: types of elements are never unloaded. */
}

static GOptionGroup *
property_group (Raw *raw, const GOptionEntry *taken)
{
  GOptionGroup *group = g_option_group_new ("unetseg",
      "Properties of the elements unetseg and unetsegdraw:",
      "Show every property of the elements as an option", raw, NULL);
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));

  add_properties (entries, "unetseg", taken);
  add_properties (entries, "unetsegdraw", taken);
  g_option_group_add_entries (group, (GOptionEntry *) entries->data);
  return group;
}

void
batch_options_apply (const BatchOptions *options, GstElement *element)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, options->properties);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), name))
      gst_util_set_object_arg (G_OBJECT (element), name, value);
}

/* ---- presets ------------------------------------------------------------ */

static gboolean
is_flag (const GOptionEntry *entries, const gchar *name)
{
  for (; entries->long_name != NULL; entries++)
    if (g_str_equal (entries->long_name, name))
      return entries->arg == G_OPTION_ARG_NONE;
  return FALSE;
}

static gboolean
add_preset_group (GKeyFile *file, const gchar *group,
    const GOptionEntry *entries, GPtrArray *words, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (file, group, NULL, NULL);

  for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
    g_autofree gchar *value = NULL;
    GError *local = NULL;

    if (is_flag (entries, keys[i])) {
      gboolean on = g_key_file_get_boolean (file, group, keys[i], &local);

      if (local != NULL) {
        g_propagate_error (error, local);
        return FALSE;
      }
      if (on)
        g_ptr_array_add (words, g_strdup_printf ("--%s", keys[i]));
      continue;
    }
    value = g_key_file_get_string (file, group, keys[i], error);
    if (value == NULL)
      return FALSE;
    g_ptr_array_add (words, g_strdup_printf ("--%s=%s", keys[i], value));
  }
  return TRUE;
}

static gboolean
add_preset (const gchar *path, const GOptionEntry *entries, GPtrArray *words,
    GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) groups = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i] != NULL; i++) {
    if (!g_str_equal (groups[i], "batch")
        && !g_str_equal (groups[i], "unetseg"))
      return FAIL (
          "%s: group [%s] is neither [batch] nor [unetseg]", path, groups[i]);
    if (!add_preset_group (file, groups[i], entries, words, error)) {
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }
  }
  return TRUE;
}

/* The words of the command line with those of presets before them. */
static GPtrArray *
expand_presets (
    gint argc, gchar **argv, const GOptionEntry *entries, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) rest = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (words, g_strdup (argv[0]));
  for (gint i = 1; i < argc; i++) {
    const gchar *path = NULL;

    if (g_str_has_prefix (argv[i], "--preset="))
      path = argv[i] + strlen ("--preset=");
    else if (g_str_equal (argv[i], "--preset") && i + 1 < argc)
      path = argv[++i];
    if (path == NULL)
      g_ptr_array_add (rest, g_strdup (argv[i]));
    else if (!add_preset (path, entries, words, error))
      return NULL;
  }
  for (guint i = 0; i < rest->len; i++)
    g_ptr_array_add (words, g_strdup (g_ptr_array_index (rest, i)));
  g_ptr_array_add (words, NULL);
  return g_steal_pointer (&words);
}

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
parse_output (BatchOptions *options, const gchar *word, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (word, ":", 2);

  for (BatchKind kind = 0; kind < BATCH_N_KINDS; kind++) {
    BatchOutput *output = &options->outputs[kind];

    if (parts[0] == NULL || !g_str_equal (kind_names[kind], parts[0]))
      continue;
    output->wanted = TRUE;
    output->codec = find_codec (kind, parts[1]);
    if (parts[1] != NULL && output->codec == NULL)
      return FAIL ("--to %s: '%s' has no '%s'", word, parts[0], parts[1]);
    return TRUE;
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
    return FAIL ("where to? Name a folder with -o");
  if (options->words == NULL || options->words[0] == NULL)
    return FAIL ("no inputs named");
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

static gboolean
parse_words (BatchOptions *o, Raw *raw, gint argc, gchar **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->folder,
        "Where the outputs go; made if need be", "FOLDER" },
    { "to", 'T', 0, G_OPTION_ARG_STRING, &raw->to,
        "What to make; overlay,results,report by default", "LIST" },
    { "container", 0, 0, G_OPTION_ARG_STRING, &o->container,
        "Of the overlay: mp4, mov, mkv or webm; as the input has it if it can",
        "NAME" },
    { "preset", 0, 0, G_OPTION_ARG_FILENAME, &raw->preset,
        "Options from a key file (repeatable)", "FILE" },
    { "resume", 'r', 0, G_OPTION_ARG_NONE, &o->resume,
        "Go on with a batch: what is complete and unchanged stays", NULL },
    { "retry", 0, 0, G_OPTION_ARG_NONE, &o->retry,
        "With --resume: try inputs again that failed", NULL },
    { "overwrite", 0, 0, G_OPTION_ARG_NONE, &o->overwrite,
        "Do everything anew, whatever is there", NULL },
    { "jobs", 'j', 0, G_OPTION_ARG_STRING, &raw->jobs,
        "Files at once; auto (default) finds what is quickest", "N" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &raw->threads,
        "Threads of an inference; 0 (default): goes with --jobs", "N" },
    { "shard", 0, 0, G_OPTION_ARG_STRING, &raw->shard,
        "Only the Kth of N parts of the batch", "K/N" },
    { "segment", 0, 0, G_OPTION_ARG_DOUBLE, &o->segment,
        "Cut recordings at keyframes into pieces of about that length; "
        "'unetseg join' puts them together",
        "SECONDS" },
    { "plan-only", 0, 0, G_OPTION_ARG_NONE, &o->plan_only,
        "Only list the inputs and pin the plan, for shards to come", NULL },
    { "patience", 0, 0, G_OPTION_ARG_DOUBLE, &o->patience,
        "Give an input up after that long without progress; 120", "SECONDS" },
    { "null", '0', 0, G_OPTION_ARG_NONE, &raw->null,
        "Names on standard input end with NUL, not with a line", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json,
        "Print an event a line as a JSON object", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &raw->quiet,
        "Print only what went wrong", NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &raw->verbose,
        "Print more of each input", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->words, NULL,
        NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("INPUT… -o FOLDER — recordings by the folder");
  g_autoptr (GPtrArray) words = expand_presets (argc, argv, entries, error);
  g_autofree gchar **rest = NULL;
  gint n;

  if (words == NULL)
    return FALSE;
  g_option_context_set_description (context, text);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, property_group (raw, entries));
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
