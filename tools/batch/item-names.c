/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/item-names.h"

#include <string.h>

static gint
compare_items (gconstpointer a, gconstpointer b)
{
  const BatchItem *x = *(const BatchItem *const *) a;
  const BatchItem *y = *(const BatchItem *const *) b;
  gint order = strcmp (x->name, y->name);

  return order != 0 ? order : strcmp (x->uri, y->uri);
}

/* A batch writes report.html and .unetseg itself, and keeps the outputs of an
 * interrupted NAME in NAME.part, which it removes later. */
static gboolean
is_reserved (const gchar *name)
{
  g_auto (GStrv) parts = g_strsplit (name, G_DIR_SEPARATOR_S, -1);

  if (g_strcmp0 (parts[0], "report.html") == 0
      || g_strcmp0 (parts[0], ".unetseg") == 0)
    return TRUE;
  for (guint i = 0; parts[i] != NULL; i++)
    if (g_str_has_suffix (parts[i], ".part"))
      return TRUE;
  return FALSE;
}

/* Whether a folder above @name is the folder of another item. Items are sorted:
 * that one has its name already. */
static gboolean
is_inside (GHashTable *names, const gchar *name)
{
  g_autofree gchar *above = g_strdup (name);
  gchar *slash;

  while ((slash = strrchr (above, G_DIR_SEPARATOR)) != NULL) {
    *slash = '\0';
    if (g_hash_table_contains (names, above))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_free (GHashTable *names, const gchar *name)
{
  return !is_reserved (name) && !g_hash_table_contains (names, name)
      && !is_inside (names, name);
}

/* The folders above the name are dropped where one of them is the problem. */
static gchar *
make_name (const BatchItem *item, GHashTable *names, guint length)
{
  g_autofree gchar *hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, item->uri, -1);
  g_autofree gchar *base = g_path_get_basename (item->name);
  gchar *name = g_strdup_printf ("%s~%.*s", item->name, (int) length, hash);

  if (is_free (names, name))
    return name;
  g_free (name);
  return g_strdup_printf ("%s~%.*s", base, (int) length, hash);
}

static void
make_unique (BatchItem *item, GHashTable *names)
{
  for (guint length = 8; !is_free (names, item->name) && length <= 64;
       length += 8) {
    gchar *name = make_name (item, names, length);

    if (is_free (names, name) || length == 64) {
      g_free (item->name);
      item->name = name;
      break;
    }
    g_free (name);
  }
  g_hash_table_add (names, item->name);
}

void
batch_item_names_make_unique (GPtrArray *items)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  const gchar *last = NULL;

  g_ptr_array_sort (items, compare_items);
  for (guint i = 0; i < items->len; i++) {
    BatchItem *item = g_ptr_array_index (items, i);

    if (g_strcmp0 (last, item->uri) == 0) {
      g_ptr_array_remove_index (items, i--);
      continue;
    }
    last = item->uri;
    make_unique (item, names);
  }
}

gboolean
batch_item_name_is_safe (const gchar *name)
{
  g_auto (GStrv) parts = g_strsplit (name, G_DIR_SEPARATOR_S, -1);

  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] == '\0' || g_str_equal (parts[i], ".")
        || g_str_equal (parts[i], ".."))
      return FALSE;
  return *name != '\0';
}
