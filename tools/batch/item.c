/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/item.h"

#include <string.h>
#include <sys/stat.h>

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
batch_item_get_label (const BatchItem *item)
{
  g_autofree gchar *shown = g_filename_display_name (item->name);
  g_autofree gchar *name = g_strescape (shown, NULL);
  g_autofree gchar *plain = NULL;

  /* Line breaks and escape sequences of a name would garble the display. */
  if (strpbrk (shown, "\n\r\t\033\b\f\v") == NULL)
    plain = g_strdup (shown);
  if (item->n_segments == 0)
    return g_strdup (plain ? plain : name);
  return g_strdup_printf (
      "%s [%u/%u]", plain ? plain : name, item->segment + 1, item->n_segments);
}

gchar *
batch_item_get_folder (const BatchItem *item, const gchar *folder)
{
  g_autofree gchar *segment = NULL;

  if (item->n_segments == 0)
    return g_build_filename (folder, item->name, NULL);
  segment = g_strdup_printf ("%05u", item->segment);
  return g_build_filename (
      folder, ".unetseg", "segments", item->name, segment, NULL);
}

/* The hash makes a name that is short and has no folders in it. */
gchar *
batch_item_get_work_folder (const BatchItem *item, const gchar *folder)
{
  g_autofree gchar *hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, item->name, -1);
  g_autofree gchar *name = g_strdup_printf ("%.20s-%05u", hash, item->segment);

  return g_build_filename (folder, ".unetseg", "work", name, NULL);
}

guint64
batch_item_get_weight (const BatchItem *item)
{
  return item->size / MAX (item->n_segments, 1) + 1;
}
