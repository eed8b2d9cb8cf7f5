/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "background-list.h"

#include <gst/base/gsttypefindhelper.h>
#include <stdio.h>
#include <string.h>

#define STILL_DURATION (5 * GST_SECOND)
/* GStreamer's functions know most types from as many bytes. */
#define HEAD_SIZE 65536
/* A list takes a few hundred bytes for each file. */
#define MAX_LIST_SIZE (1024 * 1024)

/* ---- types ------------------------------------------------------------ */

static gboolean
is_playlist (const gchar *path)
{
  g_autofree gchar *lower = g_ascii_strdown (path, -1);

  return g_str_has_suffix (lower, ".m3u") || g_str_has_suffix (lower, ".m3u8");
}

/* Returns (transfer full) (nullable). */
static GstCaps *
find_type (const gchar *path)
{
  g_autofree guint8 *head = g_malloc (HEAD_SIZE);
  FILE *file = g_file_test (path, G_FILE_TEST_IS_REGULAR) ? fopen (path, "rbe")
                                                          : NULL;
  gsize n;

  if (file == NULL)
    return NULL;
  n = fread (head, 1, HEAD_SIZE, file);
  fclose (file);
  return n > 0 ? gst_type_find_helper_for_data (NULL, head, n, NULL) : NULL;
}

static gboolean
has_type (const gchar *path, gboolean picture)
{
  g_autoptr (GstCaps) caps = find_type (path);
  const gchar *name;

  if (caps == NULL || gst_caps_get_size (caps) == 0)
    return FALSE;
  name = gst_structure_get_name (gst_caps_get_structure (caps, 0));
  return picture
      == (g_str_has_prefix (name, "image/")
          && !g_str_equal (name, "image/gif"));
}

gboolean
gst_unet_background_is_moving (const gchar *path)
{
  return is_playlist (path) || has_type (path, FALSE);
}

gboolean
gst_unet_background_is_picture (const gchar *path)
{
  return has_type (path, TRUE);
}

/* ---- lists ------------------------------------------------------------ */

static void
free_entry (gpointer data)
{
  GstUnetBackgroundEntry *entry = data;

  g_free (entry->path);
  g_free (entry);
}

/* @path: (transfer full) */
static void
add_entry (GPtrArray *list, gchar *path, GstClockTime duration)
{
  GstUnetBackgroundEntry *entry = g_new0 (GstUnetBackgroundEntry, 1);

  entry->path = path;
  entry->duration = duration;
  g_ptr_array_add (list, entry);
}

static GstClockTime
parse_duration (const gchar *line)
{
  gdouble seconds = g_ascii_strtod (line + strlen ("#EXTINF:"), NULL);

  return seconds > 0 && seconds < 1e6 ? (GstClockTime) (seconds * GST_SECOND)
                                      : STILL_DURATION;
}

static gchar *
resolve (const gchar *folder, const gchar *line)
{
  if (g_str_has_prefix (line, "file://"))
    return g_filename_from_uri (line, NULL, NULL);
  if (g_path_is_absolute (line))
    return g_strdup (line);
  return g_build_filename (folder, line, NULL);
}

static void
parse_list (GPtrArray *list, const gchar *path, const gchar *text)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GstClockTime duration = STILL_DURATION;

  for (guint i = 0; lines[i] != NULL; i++) {
    const gchar *line = g_strstrip (lines[i]);
    gchar *file;

    if (g_str_has_prefix (line, "#EXTINF:"))
      duration = parse_duration (line);
    if (*line == '#' || *line == '\0')
      continue;
    file = resolve (folder, line);
    if (file != NULL)
      add_entry (list, file, duration);
    duration = STILL_DURATION;
  }
}

GPtrArray *
gst_unet_background_list_read (const gchar *path, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (free_entry);
  g_autoptr (GError) local = NULL;
  g_autofree gchar *text = NULL;
  gsize size;

  if (!is_playlist (path)) {
    add_entry (list, g_strdup (path), STILL_DURATION);
    return g_steal_pointer (&list);
  }
  if (!g_file_get_contents (path, &text, &size, &local)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "%s",
        local->message);
    return NULL;
  }
  if (size <= MAX_LIST_SIZE)
    parse_list (list, path, text);
  if (list->len > 0)
    return g_steal_pointer (&list);
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
      "%s: the playlist names no file", path);
  return NULL;
}
