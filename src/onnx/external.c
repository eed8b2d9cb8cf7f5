/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/external.h"
#include <unetseg/unet-types.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* External data (https://onnx.ai/onnx/repo-docs/ExternalData.html) is
 * confined to the model's own folder: a model from a stranger must not read
 * other files. */

typedef struct {
  const gchar *location;
  guint64 offset, length;
  gboolean has_length;
} External;

static gboolean
parse_external (const Onnx__TensorProto *proto, External *external)
{
  memset (external, 0, sizeof *external);
  for (gsize i = 0; i < proto->n_external_data; i++) {
    const Onnx__StringStringEntryProto *entry = proto->external_data[i];
    guint64 *number = NULL;
    if (!entry->key || !entry->value)
      return FALSE;
    if (!strcmp (entry->key, "location"))
      external->location = entry->value;
    else if (!strcmp (entry->key, "offset"))
      number = &external->offset;
    else if (!strcmp (entry->key, "length"))
      number = &external->length;
    if (number
        && !g_ascii_string_to_unsigned (
            entry->value, 10, 0, G_MAXINT64, number, NULL))
      return FALSE;
    external->has_length |= number == &external->length;
  }
  return external->location && *external->location;
}

static gboolean
is_confined (const gchar *location)
{
  g_auto (GStrv) parts = g_strsplit_set (location, "/\\", -1);

  if (g_path_is_absolute (location))
    return FALSE;
  for (guint i = 0; parts[i]; i++)
    if (!strcmp (parts[i], ".."))
      return FALSE;
  return TRUE;
}

/* Symbolic links on the way must not lead out of the folder, and the file
 * itself must be none. */
static int
open_inside (const gchar *folder, const gchar *location)
{
  g_autofree gchar *path = g_build_filename (folder, location, NULL);
  g_autofree gchar *parent = g_path_get_dirname (path);
  char *real_folder = realpath (folder, NULL);
  char *real_parent = realpath (parent, NULL);
  gsize n = real_folder ? strlen (real_folder) : 0;
  int fd = -1;

  if (n && real_parent && !strncmp (real_parent, real_folder, n)
      && (real_parent[n] == 0 || real_parent[n] == '/'
          || real_folder[n - 1] == '/'))
    fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  free (real_folder);
  free (real_parent);
  return fd;
}

static gboolean
read_all (int fd, guint8 *data, gsize size, guint64 offset)
{
  while (size > 0) {
    ssize_t n = pread (fd, data, size, (off_t) offset);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    data += n;
    offset += (guint64) n;
    size -= (gsize) n;
  }
  return TRUE;
}

static GBytes *
read_part (int fd, guint64 offset, gsize size)
{
  struct stat st;
  guint8 *data;

  if (fstat (fd, &st) || !S_ISREG (st.st_mode) || offset > (guint64) st.st_size
      || size > (guint64) st.st_size - offset)
    return NULL;
  data = g_try_malloc (size);
  if (!data)
    return NULL;
  if (!read_all (fd, data, size, offset)) {
    g_free (data);
    return NULL;
  }
  return g_bytes_new_take (data, size);
}

GBytes *
unet_onnx_read_external (const Onnx__TensorProto *proto, const gchar *folder,
    gsize size, const gchar *where, GError **error)
{
  External external;
  GBytes *bytes;
  int fd;

  if (!parse_external (proto, &external)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
        "%s: external data without a sound location", where);
    return NULL;
  }
  if (!folder || !is_confined (external.location)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "%s: external data '%s' lies outside the model's folder", where,
        external.location);
    return NULL;
  }
  if (external.has_length && external.length != size) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
        "%s: external data of %" G_GUINT64_FORMAT
        " bytes where the shape needs %" G_GSIZE_FORMAT,
        where, external.length, size);
    return NULL;
  }
  fd = open_inside (folder, external.location);
  bytes = fd >= 0 ? read_part (fd, external.offset, size) : NULL;
  if (fd >= 0)
    close (fd);
  if (!bytes)
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND,
        "%s: cannot read %" G_GSIZE_FORMAT
        " bytes of external data from '%s' beside the model",
        where, size, external.location);
  return bytes;
}
