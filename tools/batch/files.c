/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/files.h"

#include "batch/error.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* Open folders of a removal at the same time. */
#define MAX_OPEN 16

gboolean
batch_make_folder (const gchar *path, GError **error)
{
  return g_mkdir_with_parents (path, 0777) == 0
      || batch_fail_errno (error, path);
}

gboolean
batch_make_parent (const gchar *path, GError **error)
{
  g_autofree gchar *parent = g_path_get_dirname (path);

  return batch_make_folder (parent, error);
}

static int
remove_one (
    const char *path, const struct stat *st, int what, struct FTW *where)
{
  return remove (path);
}

gboolean
batch_remove_folder (const gchar *path)
{
  return nftw (path, remove_one, MAX_OPEN, FTW_DEPTH | FTW_PHYS) == 0
      || errno == ENOENT;
}

gboolean
batch_replace_folder (const gchar *from, const gchar *to, GError **error)
{
  g_autofree gchar *old = NULL;
  gboolean ok;

  if (rename (from, to) == 0)
    return TRUE;
  if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
    return batch_fail_errno (error, to);
  old = g_strconcat (from, ".old", NULL);
  batch_remove_folder (old);
  ok = rename (to, old) == 0 && rename (from, to) == 0;
  if (!ok)
    batch_fail_errno (error, to);
  batch_remove_folder (old);
  return ok;
}

void
batch_sync_folder (const gchar *path)
{
  gint fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);

  if (fd < 0)
    return;
  syncfs (fd);
  close (fd);
}

static gboolean
write_json (const gchar *path, JsonBuilder *builder,
    GFileSetContentsFlags flags, GError **error)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree gchar *text = json_to_string (root, TRUE);
  g_autoptr (GError) local = NULL;

  if (g_file_set_contents_full (path, text, -1, flags, 0666, &local))
    return TRUE;
  g_set_error (
      error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path, local->message);
  return FALSE;
}

gboolean
batch_write_json (const gchar *path, JsonBuilder *builder, GError **error)
{
  return write_json (path, builder,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, error);
}

gboolean
batch_write_json_later (const gchar *path, JsonBuilder *builder, GError **error)
{
  return write_json (path, builder, G_FILE_SET_CONTENTS_NONE, error);
}
