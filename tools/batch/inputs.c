/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/inputs.h"

#include "batch/item-names.h"
#include "lib/status.h"

#include <glib/gstdio.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
  GPtrArray *items;
  GHashTable *folders;   /* `device:inode` of those being searched */
  GPtrArray *roots;      /* real paths of the folders that the user names */
  gboolean follow_links; /* also to files outside of the roots */
  guint n_outside;       /* links that were not followed */
  dev_t out_device;      /* of the outputs' folder, which is not searched */
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

/* Whether a link leads to a file or folder inside of the inputs. */
static gboolean
leads_inside (const Search *search, const gchar *path)
{
  g_autofree gchar *real = NULL;
  char *resolved = realpath (path, NULL);

  real = g_strdup (resolved);
  free (resolved);
  for (guint i = 0; real != NULL && i < search->roots->len; i++) {
    const gchar *root = g_ptr_array_index (search->roots, i);
    gsize n = strlen (root);

    if (strncmp (real, root, n) == 0
        && (real[n] == '\0' || real[n] == '/' || root[n - 1] == '/'))
      return TRUE;
  }
  return FALSE;
}

static void
add_member (Search *search, const gchar *folder, const gchar *prefix,
    const gchar *member)
{
  g_autofree gchar *path = g_build_filename (folder, member, NULL);
  g_autofree gchar *name = prefix ? g_build_filename (prefix, member, NULL)
                                  : g_strdup (member);
  struct stat st;

  if (lstat (path, &st) != 0)
    return;
  if (S_ISLNK (st.st_mode)) {
    if (stat (path, &st) != 0)
      return; /* the link leads nowhere */
    if (!search->follow_links && !leads_inside (search, path)) {
      search->n_outside++;
      return;
    }
  }
  if (S_ISDIR (st.st_mode))
    add_folder (search, path, name);
  else if (S_ISREG (st.st_mode))
    add_path (search, path, name, TRUE);
}

/* Links may form a circle: a folder inside of itself is not searched again. */
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
  /* The name is without query and fragment. */
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
  } else { /* the batch reports the name as missing */
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

/* ---- all of them -------------------------------------------------------- */

/* A folder that a word, a pattern or a URI names is a root. */
static void
add_root (Search *search, const gchar *path)
{
  char *real = realpath (path, NULL);

  if (real != NULL && g_file_test (real, G_FILE_TEST_IS_DIR))
    g_ptr_array_add (search->roots, g_strdup (real));
  free (real);
}

static void
add_roots (Search *search, const gchar *word)
{
  g_autofree gchar *path = g_filename_from_uri (word, NULL, NULL);
  glob_t found = { 0 };

  if (g_file_test (word, G_FILE_TEST_EXISTS)) {
    add_root (search, word);
  } else if (path != NULL) {
    add_root (search, path);
  } else if (glob (word, GLOB_BRACE, NULL, &found) == 0) {
    for (gsize i = 0; i < found.gl_pathc; i++)
      add_root (search, found.gl_pathv[i]);
  }
  globfree (&found);
}

static void
search_init (Search *search, const BatchOptions *options)
{
  struct stat st;

  memset (search, 0, sizeof *search);
  search->follow_links = options->follow_links;
  search->items =
      g_ptr_array_new_with_free_func ((GDestroyNotify) batch_item_free);
  search->roots = g_ptr_array_new_with_free_func (g_free);
  search->folders =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (stat (options->folder, &st) == 0) {
    search->out_device = st.st_dev;
    search->out_inode = st.st_ino;
  }
}

GPtrArray *
batch_inputs_find (
    const BatchOptions *options, guint *n_outside, GError **error)
{
  Search search;

  search_init (&search, options);
  for (guint i = 0; options->words[i] != NULL; i++)
    add_roots (&search, options->words[i]);
  for (guint i = 0; options->words[i] != NULL; i++)
    add_word (&search, options->words[i]);
  g_hash_table_unref (search.folders);
  g_ptr_array_unref (search.roots);
  batch_item_names_make_unique (search.items);
  *n_outside = search.n_outside;
  if (search.items->len > 0)
    return search.items;
  g_ptr_array_unref (search.items);
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_FILE,
      "the inputs hold no recording%s",
      search.n_outside > 0 ? "; links out of them need --follow-links" : "");
  return NULL;
}
