/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/zip.h"
#include <string.h>

/* Sizes of the fixed parts of records (APPNOTE.TXT of PKWARE, 4.3). */
#define END_SIZE   22
#define ENTRY_SIZE 46
#define LOCAL_SIZE 30
#define MAX_SEARCH (END_SIZE + 65535)

static const gchar end_mark[] = "PK\5\6", entry_mark[] = "PK\1\2";
static const gchar local_mark[] = "PK\3\4";

static gsize
read_le (const guint8 *data, guint size)
{
  gsize value = 0;

  for (guint i = 0; i < size; i++)
    value |= (gsize) data[i] << 8 * i;
  return value;
}

/* Returns whether a record of @n bytes is at @at. */
static gboolean
is_record (const guint8 *data, gsize size, gsize at, const gchar *mark, gsize n)
{
  return at <= size && n <= size - at && !memcmp (data + at, mark, 4);
}

static gboolean
find_end (const guint8 *data, gsize size, gsize *at)
{
  if (size < END_SIZE)
    return FALSE;
  for (gsize i = size - END_SIZE;; i--) {
    if (is_record (data, size, i, end_mark, END_SIZE)) {
      *at = i;
      return TRUE;
    }
    if (i == 0 || size - i >= MAX_SEARCH)
      return FALSE;
  }
}

/* Returns the bytes of the file whose entry is at @at. @base: where the archive
 * begins, from which its offsets count */
static const gchar *
open_entry (const guint8 *data, gsize size, gsize at, gsize base, gsize *n)
{
  const gsize local = base + read_le (data + at + 42, 4);
  gsize start;

  *n = read_le (data + at + 20, 4);
  if (read_le (data + at + 10, 2) != 0
      || !is_record (data, size, local, local_mark, LOCAL_SIZE))
    return NULL;
  start = local + LOCAL_SIZE + read_le (data + local + 26, 2)
      + read_le (data + local + 28, 2);
  return start <= size && *n <= size - start ? (const gchar *) data + start
                                             : NULL;
}

const gchar *
unet_litert_find_file (
    const guint8 *data, gsize size, const gchar *name, gsize *n)
{
  const gsize length = strlen (name);
  gsize end, at, base;

  if (!find_end (data, size, &end))
    return NULL;
  at = end - MIN (end, read_le (data + end + 12, 4));
  base = at - MIN (at, read_le (data + end + 16, 4));
  for (gsize i = 0; i < read_le (data + end + 10, 2); i++) {
    gsize own;
    if (!is_record (data, size, at, entry_mark, ENTRY_SIZE))
      return NULL;
    own = read_le (data + at + 28, 2);
    if (own == length && own <= size - at - ENTRY_SIZE
        && !memcmp (data + at + ENTRY_SIZE, name, own))
      return open_entry (data, size, at, base, n);
    at += ENTRY_SIZE + own + read_le (data + at + 30, 2)
        + read_le (data + at + 32, 2);
  }
  return NULL;
}
