/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/timing-cache.h"
#include "engine/cost/timing.h"
#include "engine/onednn/engine.h"
#include "engine/onednn/max-isa.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The user's cache folder has one file for each network (operators and shapes,
 * not weights), number of threads, precision, kind of processor and version of
 * the libraries.
 *
 *   unetseg tuning cache 1
 *   library …, engine …, processor …, threads …, network …
 *   sha256 HEX
 *   the table as unet_tuning_save() writes it
 *
 * A file is read only if its first lines are exactly those that this process
 * would write, and its checksum is right. A file that holds all times that a
 * session needs is never written again, so that later runs make the same
 * choices as the first one. */

#define HEAD     "unetseg tuning cache 1\n"
#define MAX_SIZE (1 << 20) /* bytes of a file; a larger one is not read */

struct _UnetTimingCache {
  gchar *path;
  gchar *head;       /* all lines before the checksum's */
  GHashTable *known; /* times in the file */
  GHashTable *used;  /* times that the session used */
};

/* ---- conditions of a time ---------------------------------------------------
 */

/* Returns the name and numbers of the first processor; /proc/cpuinfo names them
 * differently on each architecture. */
static gchar *
describe_processor (void)
{
  static const gchar *const names[] = { "vendor_id", "cpu family", "model",
    "model name", "stepping", "CPU implementer", "CPU part", "CPU variant",
    "cache size" };
  GString *out = g_string_new (NULL);
  gchar *text = NULL, **lines;

  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL))
    return g_string_free (out, FALSE);
  lines = g_strsplit (text, "\n", 64);
  for (guint i = 0; lines[i] && *lines[i]; i++) {
    gchar *colon = strchr (lines[i], ':');

    if (!colon)
      continue;
    *colon = '\0';
    g_strstrip (lines[i]);
    for (guint k = 0; k < G_N_ELEMENTS (names); k++)
      if (g_str_equal (lines[i], names[k]))
        g_string_append_printf (out, "%s;", g_strstrip (colon + 1));
  }
  g_strfreev (lines);
  g_free (text);
  return g_string_free (out, FALSE);
}

static void
describe_value (GString *out, const UnetValue *value)
{
  g_string_append_c (out, value && value->constant ? 'c' : ' ');
  for (guint i = 0; value && i < value->n_dims; i++)
    g_string_append_printf (out, "%" G_GINT64_FORMAT ",", value->dims[i]);
}

gchar *
unet_timing_cache_describe (const UnetGraph *graph)
{
  GString *out = g_string_new (NULL);
  gchar *hash;

  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    gchar *name =
        unet_node_describe (node, node->post_ops ? node->post_ops->len : 0);

    g_string_append (out, name);
    for (guint k = 0; k < node->inputs->len; k++)
      describe_value (out, unet_node_input (node, k));
    g_string_append_c (out, '>');
    for (guint k = 0; k < node->outputs->len; k++)
      describe_value (out, unet_node_output (node, k));
    g_string_append_c (out, '\n');
    g_free (name);
  }
  hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, out->str, out->len);
  g_string_free (out, TRUE);
  return hash;
}

static gchar *
make_head (const UnetPlan *plan)
{
  gchar *processor = describe_processor ();
  gchar *network = unet_timing_cache_describe (plan->graph);
  gchar *head = g_strdup_printf (HEAD
      "library " UNET_LIBRARY_VERSION
      "\nengine %s\nprocessor %s isa %d\nthreads %u precision %d\n"
      "network %s\n",
      unet_engine_name (), processor, (gint) unet_dnnl_get_isa (),
      plan->options.threads, plan->options.precision, network);

  g_free (processor);
  g_free (network);
  return head;
}

/* ---- files --------------------------------------------------------------- */

/* Returns the folder (transfer full) (nullable) of the files.
 * UNETSEG_TUNING_CACHE names another folder, or is `off`. */
static gchar *
cache_folder (void)
{
  const gchar *given = g_getenv ("UNETSEG_TUNING_CACHE");

  if (given && (g_str_equal (given, "off") || g_str_equal (given, "0")))
    return NULL;
  if (given && *given)
    return g_strdup (given);
  return g_build_filename (g_get_user_cache_dir (), "unetseg", "tuning", NULL);
}

static gchar *
checksum_line (const gchar *body)
{
  gchar *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, body, -1);
  gchar *line = g_strdup_printf ("sha256 %s\n", sum);

  g_free (sum);
  return line;
}

/* Returns the table of @text, or %NULL if @text does not start with @head or is
 * damaged. */
static GHashTable *
parse_file (const gchar *text, const gchar *head)
{
  const gchar *line = text + strlen (head), *body;
  GHashTable *table = NULL;
  gchar *sum;

  if (!g_str_has_prefix (text, head) || !(body = strchr (line, '\n')))
    return NULL;
  body++;
  sum = checksum_line (body);
  if (g_str_has_prefix (line, sum) && strlen (sum) == (gsize) (body - line))
    table = unet_timing_table_parse (body);
  g_free (sum);
  return table;
}

/* Returns the file's bytes (transfer full) with a zero behind them, or %NULL:
 * only a regular file of this user that no other user can write. It is opened
 * once and looked at by its descriptor, so that nothing changes in between. */
static gchar *
read_own_file (const gchar *path, gsize *size)
{
  gint fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  gchar *text = NULL;
  struct stat info;
  gssize n = -1;

  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode)
      && info.st_uid == geteuid () && !(info.st_mode & (S_IWGRP | S_IWOTH))
      && info.st_size <= MAX_SIZE) {
    text = g_malloc0 (MAX_SIZE + 2);
    for (*size = 0; *size <= MAX_SIZE
         && (n = read (fd, text + *size, MAX_SIZE + 1 - *size)) > 0;
         *size += (gsize) n)
      ;
  }
  close (fd);
  if (n != 0)
    g_clear_pointer (&text, g_free);
  return text;
}

static GHashTable *
read_file (const gchar *path, const gchar *head)
{
  GHashTable *table = NULL;
  gsize size;
  gchar *text = read_own_file (path, &size);

  if (text && strlen (text) == size)
    table = parse_file (text, head);
  g_free (text);
  return table;
}

static void
write_file (const UnetTimingCache *cache, GHashTable *table)
{
  gchar *body = unet_timing_table_print (table), *sum = checksum_line (body);
  gchar *text = g_strconcat (cache->head, sum, body, NULL);
  gchar *folder = g_path_get_dirname (cache->path);
  GError *error = NULL;

  g_mkdir_with_parents (folder, 0700);
  /* Another process may write the same file: it must never be half a file. */
  if (!g_file_set_contents_full (cache->path, text, -1,
          G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error)) {
    g_debug ("times are not kept: %s", error->message);
    g_error_free (error);
  }
  g_free (folder);
  g_free (text);
  g_free (sum);
  g_free (body);
}

/* ---- use by a plan ------------------------------------------------------- */

UnetTimingCache *
unet_timing_cache_open (const UnetPlan *plan)
{
  gchar *folder = cache_folder (), *hash, *name;
  UnetTimingCache *cache;

  if (!folder)
    return NULL;
  cache = g_new0 (UnetTimingCache, 1);
  cache->head = make_head (plan);
  hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, cache->head, -1);
  name = g_strdup_printf ("%.32s.txt", hash);
  cache->path = g_build_filename (folder, name, NULL);
  cache->known = read_file (cache->path, cache->head);
  if (cache->known)
    unet_timing_remember_table (cache->known);
  else
    cache->known = unet_timing_table_new ();
  cache->used = unet_timing_table_new ();
  unet_timing_collect (cache->used);
  g_free (name);
  g_free (hash);
  g_free (folder);
  return cache;
}

void
unet_timing_cache_close (UnetTimingCache *cache, gboolean keep)
{
  GHashTableIter iter;
  gpointer key, ns;
  gboolean grown = FALSE;

  if (!cache)
    return;
  unet_timing_collect (NULL);
  g_hash_table_iter_init (&iter, cache->used);
  while (g_hash_table_iter_next (&iter, &key, &ns))
    if (!g_hash_table_contains (cache->known, key)) {
      unet_timing_table_set (cache->known, key, *(guint64 *) ns);
      grown = TRUE;
    }
  if (keep && grown)
    write_file (cache, cache->known);
  g_hash_table_unref (cache->known);
  g_hash_table_unref (cache->used);
  g_free (cache->path);
  g_free (cache->head);
  g_free (cache);
}
