/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From words of the command line to a list of inputs. */

#include "batch/types.h"

#include <glib/gstdio.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

/* ---- items -------------------------------------------------------------- */

BatchItem *
batch_item_new (const gchar *uri, const gchar *name)
{
  BatchItem *item = g_new0 (BatchItem, 1);
  g_autofree gchar *path = g_filename_from_uri (uri, NULL, NULL);
  struct stat st;

  item->uri = g_strdup (uri);
  item->name = g_strdup (name);
  item->begin = item->end = GST_CLOCK_TIME_NONE;
  if (path != NULL && stat (path, &st) == 0) {
    item->size = st.st_size;
    item->mtime =
        st.st_mtim.tv_sec * G_USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
  }
  return item;
}

BatchItem *
batch_item_copy (const BatchItem *item)
{
  BatchItem *copy = g_memdup2 (item, sizeof *item);

  copy->uri = g_strdup (item->uri);
  copy->name = g_strdup (item->name);
  return copy;
}

void
batch_item_free (BatchItem *item)
{
  g_free (item->uri);
  g_free (item->name);
  g_free (item);
}

gchar *
batch_item_label (const BatchItem *item)
{
  g_autofree gchar *shown = g_filename_display_name (item->name);
  g_autofree gchar *name = g_strescape (shown, NULL);
  g_autofree gchar *plain = NULL;

  /* A name in several lines or with colours of its own would garble the
   * display; other letters stay as they are. */
  if (strpbrk (shown, "\n\r\t\033\b\f\v") == NULL)
    plain = g_strdup (shown);
  if (item->n_segments == 0)
    return g_strdup (plain ? plain : name);
  return g_strdup_printf (
      "%s [%u/%u]", plain ? plain : name, item->segment + 1, item->n_segments);
}

gchar *
batch_item_folder (const BatchItem *item, const gchar *folder)
{
  g_autofree gchar *segment = NULL;

  if (item->n_segments == 0)
    return g_build_filename (folder, item->name, NULL);
  segment = g_strdup_printf ("%05u", item->segment);
  return g_build_filename (
      folder, ".unetseg", "segments", item->name, segment, NULL);
}

/* On the same file system, so that it can be renamed; of a name that is short
 * and has no folders in it. */
gchar *
batch_item_work_folder (const BatchItem *item, const gchar *folder)
{
  g_autofree gchar *hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, item->name, -1);
  g_autofree gchar *name = g_strdup_printf ("%.20s-%05u", hash, item->segment);

  return g_build_filename (folder, ".unetseg", "work", name, NULL);
}

/* ---- looking for them --------------------------------------------------- */

typedef struct {
  GPtrArray *items;
  GHashTable *folders; /* `device:inode` of those being searched */
  dev_t out_device;    /* of the outputs' folder, which is not searched */
  ino_t out_inode;
} Search;

static void
add_path (Search *search, const gchar *path, const gchar *name, gboolean listed)
{
  g_autofree gchar *whole = g_canonicalize_filename (path, NULL);
  g_autofree gchar *uri = g_filename_to_uri (whole, NULL, NULL);
  BatchItem *item = batch_item_new (uri, name);

  item->listed = listed;
  g_ptr_array_add (search->items, item);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

static GPtrArray *
folder_names (const gchar *path)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GDir *dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (name[0] != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_clear_pointer (&dir, g_dir_close);
  g_ptr_array_sort (names, compare_names);
  return names;
}

static void add_folder (Search *search, const gchar *path, const gchar *prefix);

static void
add_member (Search *search, const gchar *folder, const gchar *prefix,
    const gchar *member)
{
  g_autofree gchar *path = g_build_filename (folder, member, NULL);
  g_autofree gchar *name = prefix ? g_build_filename (prefix, member, NULL)
                                  : g_strdup (member);
  struct stat st;

  if (stat (path, &st) != 0)
    return; /* a link to nowhere */
  if (S_ISDIR (st.st_mode))
    add_folder (search, path, name);
  else if (S_ISREG (st.st_mode))
    add_path (search, path, name, TRUE);
}

/* Links may lead in a circle; a folder above itself is not searched again. */
static void
add_folder (Search *search, const gchar *path, const gchar *prefix)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autofree gchar *key = NULL;
  struct stat st;

  if (stat (path, &st) != 0
      || (st.st_dev == search->out_device && st.st_ino == search->out_inode))
    return;
  key = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
      (guint64) st.st_dev, (guint64) st.st_ino);
  if (!g_hash_table_add (search->folders, g_strdup (key)))
    return;
  names = folder_names (path);
  for (guint i = 0; i < names->len; i++)
    add_member (search, path, prefix, g_ptr_array_index (names, i));
  g_hash_table_remove (search->folders, key);
}

static void
add_existing (Search *search, const gchar *path)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR)) {
    add_folder (search, path, NULL);
  } else {
    g_autofree gchar *name = g_path_get_basename (path);

    add_path (search, path, name, FALSE);
  }
}

static void
add_uri (Search *search, const gchar *uri)
{
  g_autofree gchar *path = g_filename_from_uri (uri, NULL, NULL);
  g_autofree gchar *plain = NULL, *name = NULL;

  if (path != NULL) {
    add_existing (search, path);
    return;
  }
  /* Without query and fragment. */
  plain = g_strndup (uri, strcspn (uri, "?#"));
  name = g_path_get_basename (plain);
  g_ptr_array_add (search->items, batch_item_new (uri, name));
}

static void
add_pattern (Search *search, const gchar *pattern)
{
  glob_t found = { 0 };

  if (glob (pattern, GLOB_BRACE, NULL, &found) == 0) {
    for (gsize i = 0; i < found.gl_pathc; i++)
      add_existing (search, found.gl_pathv[i]);
  } else { /* the name will be reported as missing */
    add_existing (search, pattern);
  }
  globfree (&found);
}

static void
add_word (Search *search, const gchar *word)
{
  if (g_file_test (word, G_FILE_TEST_EXISTS))
    add_existing (search, word);
  else if (gst_uri_is_valid (word))
    add_uri (search, word);
  else
    add_pattern (search, word);
}

/* ---- names -------------------------------------------------------------- */

static gint
compare_items (gconstpointer a, gconstpointer b)
{
  const BatchItem *x = *(const BatchItem *const *) a;
  const BatchItem *y = *(const BatchItem *const *) b;
  gint order = strcmp (x->name, y->name);

  return order != 0 ? order : strcmp (x->uri, y->uri);
}

/* Two recordings of one name: the second gets a suffix that follows from
 * where it lies, so that it stays the same from call to call. */
static void
make_unique (BatchItem *item, GHashTable *names)
{
  if (!g_hash_table_contains (names, item->name)) {
    g_hash_table_add (names, item->name);
    return;
  }
  for (guint length = 8; length <= 64; length += 8) {
    g_autofree gchar *hash =
        g_compute_checksum_for_string (G_CHECKSUM_SHA256, item->uri, -1);
    g_autofree gchar *name =
        g_strdup_printf ("%s~%.*s", item->name, (int) length, hash);

    if (g_hash_table_contains (names, name))
      continue;
    g_free (item->name);
    item->name = g_steal_pointer (&name);
    g_hash_table_add (names, item->name);
    return;
  }
}

GPtrArray *
batch_inputs_find (gchar **words, const gchar *folder, GError **error)
{
  Search search = { .items = g_ptr_array_new_with_free_func (
                        (GDestroyNotify) batch_item_free) };
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  const gchar *last = NULL;
  struct stat st;

  search.folders =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (stat (folder, &st) == 0) {
    search.out_device = st.st_dev;
    search.out_inode = st.st_ino;
  }
  for (; *words != NULL; words++)
    add_word (&search, *words);
  g_hash_table_unref (search.folders);

  g_ptr_array_sort (search.items, compare_items);
  for (guint i = 0; i < search.items->len; i++) {
    BatchItem *item = g_ptr_array_index (search.items, i);

    if (g_strcmp0 (last, item->uri) == 0) { /* named twice */
      g_ptr_array_remove_index (search.items, i--);
      continue;
    }
    last = item->uri;
    make_unique (item, names);
  }
  if (search.items->len == 0)
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_FILE,
        "there is nothing in what was named");
  return search.items;
}
