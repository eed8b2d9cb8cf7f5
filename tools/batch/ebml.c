/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/ebml.h"

/* The number of bytes of a variable-size integer is that of the leading zeros
 * of its first byte, and 1. */
static guint
vint_length (guint8 first, guint most)
{
  for (guint n = 1; n <= most; n++)
    if (first & (0x100 >> n))
      return n;
  return 0;
}

static gboolean
read_vint (EbmlReader *reader, guint most, gboolean keep, guint64 *value)
{
  guint n = reader->at < reader->end ? vint_length (*reader->at, most) : 0;

  if (n == 0 || (gsize) (reader->end - reader->at) < n)
    return FALSE;
  *value = keep ? *reader->at : *reader->at & (0xff >> n);
  for (guint i = 1; i < n; i++)
    *value = *value << 8 | reader->at[i];
  reader->at += n;
  return TRUE;
}

gboolean
ebml_read (EbmlReader *reader, EbmlElement *element)
{
  guint64 id, size;

  if (!read_vint (reader, 4, TRUE, &id) || !read_vint (reader, 8, FALSE, &size)
      || size > (guint64) (reader->end - reader->at))
    return FALSE;
  *element = (EbmlElement){ (guint32) id, reader->at, (gsize) size };
  reader->at += size;
  return TRUE;
}

EbmlReader
ebml_enter (const EbmlElement *element)
{
  return (EbmlReader){ element->data, element->data + element->size };
}

gboolean
ebml_find (EbmlReader reader, guint32 id, EbmlElement *element)
{
  while (ebml_read (&reader, element))
    if (element->id == id)
      return TRUE;
  return FALSE;
}

guint64
ebml_get_uint (const EbmlElement *element)
{
  guint64 value = 0;

  for (gsize i = 0; i < MIN (element->size, 8); i++)
    value = value << 8 | element->data[i];
  return value;
}

static void
write_big_endian (GByteArray *to, guint64 value, guint n)
{
  guint8 bytes[8];

  for (guint i = 0; i < n; i++)
    bytes[i] = (guint8) (value >> (8 * (n - 1 - i)));
  g_byte_array_append (to, bytes, n);
}

void
ebml_write_id (GByteArray *to, guint32 id)
{
  guint n = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;

  write_big_endian (to, id, n);
}

void
ebml_write_size (GByteArray *to, guint64 size)
{
  write_big_endian (to, size | G_GUINT64_CONSTANT (1) << 56, 8);
}

void
ebml_write (GByteArray *to, guint32 id, const guint8 *data, gsize size)
{
  ebml_write_id (to, id);
  if (size < 0x7f)
    write_big_endian (to, size | 0x80, 1);
  else if (size < 0xfffffff)
    write_big_endian (to, size | 0x10000000, 4);
  else
    ebml_write_size (to, size);
  g_byte_array_append (to, data, size);
}

void
ebml_write_uint (GByteArray *to, guint32 id, guint64 value)
{
  guint n = 1;

  while (n < 8 && value >> (8 * n) != 0)
    n++;
  ebml_write_id (to, id);
  write_big_endian (to, n | 0x80, 1);
  write_big_endian (to, value, n);
}

void
ebml_write_int (GByteArray *to, guint32 id, gint64 value)
{
  ebml_write_id (to, id);
  write_big_endian (to, 4 | 0x80, 1);
  write_big_endian (to, (guint32) (gint32) value, 4);
}
