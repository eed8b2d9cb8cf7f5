/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/flatbuffer.h"
#include <string.h>

/* The smallest table: its reference to a vtable, and a vtable's two sizes. */
#define TABLE_HEAD  4
#define VTABLE_HEAD 4

static gboolean
is_inside (UnetFlat *flat, gsize at, gsize n)
{
  if (at <= flat->size && n <= flat->size - at)
    return TRUE;
  flat->broken = TRUE;
  return FALSE;
}

/* Numbers are little-endian whatever the machine, and need no alignment here.
 * The caller has checked the bounds. */
static guint64
read_uint (const UnetFlat *flat, gsize at, gsize size)
{
  guint64 value = 0;

  for (gsize i = 0; i < size; i++)
    value |= (guint64) flat->data[at + i] << 8 * i;
  return value;
}

static gint64
read_int (const UnetFlat *flat, gsize at, gsize size)
{
  const guint64 value = read_uint (flat, at, size);
  const guint64 sign = (guint64) 1 << (8 * size - 1);

  return (gint64) ((value ^ sign) - sign);
}

/* Follows the 32-bit offset at @at, which counts from there. */
static gboolean
follow (UnetFlat *flat, gsize at, gsize *to)
{
  if (!is_inside (flat, at, 4))
    return FALSE;
  *to = at + (gsize) read_uint (flat, at, 4);
  return is_inside (flat, *to, 4);
}

static gboolean
open_table (UnetFlat *flat, gsize at, UnetFlatTable *table)
{
  gint64 vtable;

  memset (table, 0, sizeof *table);
  if (!is_inside (flat, at, TABLE_HEAD))
    return FALSE;
  vtable = (gint64) at - read_int (flat, at, 4);
  if (vtable < 0 || !is_inside (flat, (gsize) vtable, VTABLE_HEAD)) {
    flat->broken = TRUE;
    return FALSE;
  }
  table->n_vtable = (guint) read_uint (flat, (gsize) vtable, 2);
  table->n_table = (guint) read_uint (flat, (gsize) vtable + 2, 2);
  if (table->n_vtable < VTABLE_HEAD || table->n_table < TABLE_HEAD
      || !is_inside (flat, (gsize) vtable, table->n_vtable)
      || !is_inside (flat, at, table->n_table)) {
    flat->broken = TRUE;
    memset (table, 0, sizeof *table);
    return FALSE;
  }
  table->flat = flat;
  table->at = at;
  table->vtable = (gsize) vtable;
  return TRUE;
}

gboolean
unet_flat_root (UnetFlat *flat, UnetFlatTable *table)
{
  gsize at;

  memset (table, 0, sizeof *table);
  return follow (flat, 0, &at) && open_table (flat, at, table);
}

/* Sets *@at to the place of a field of @size bytes. Returns %FALSE where the
 * table lacks it. */
static gboolean
find_field (const UnetFlatTable *table, guint field, gsize size, gsize *at)
{
  const guint slot = VTABLE_HEAD + 2 * field;
  gsize offset;

  if (slot + 2 > table->n_vtable)
    return FALSE;
  offset = (gsize) read_uint (table->flat, table->vtable + slot, 2);
  if (offset == 0)
    return FALSE;
  if (offset + size > table->n_table) {
    table->flat->broken = TRUE;
    return FALSE;
  }
  *at = table->at + offset;
  return TRUE;
}

gint64
unet_flat_int8 (const UnetFlatTable *table, guint field, gint64 def)
{
  gsize at;

  return find_field (table, field, 1, &at) ? read_int (table->flat, at, 1)
                                           : def;
}

guint64
unet_flat_uint8 (const UnetFlatTable *table, guint field, guint64 def)
{
  gsize at;

  return find_field (table, field, 1, &at) ? read_uint (table->flat, at, 1)
                                           : def;
}

gint64
unet_flat_int32 (const UnetFlatTable *table, guint field, gint64 def)
{
  gsize at;

  return find_field (table, field, 4, &at) ? read_int (table->flat, at, 4)
                                           : def;
}

guint64
unet_flat_uint32 (const UnetFlatTable *table, guint field, guint64 def)
{
  gsize at;

  return find_field (table, field, 4, &at) ? read_uint (table->flat, at, 4)
                                           : def;
}

guint64
unet_flat_uint64 (const UnetFlatTable *table, guint field, guint64 def)
{
  gsize at;

  return find_field (table, field, 8, &at) ? read_uint (table->flat, at, 8)
                                           : def;
}

static gfloat
read_float (const UnetFlat *flat, gsize at)
{
  const guint32 bits = (guint32) read_uint (flat, at, 4);
  gfloat value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

gdouble
unet_flat_float (const UnetFlatTable *table, guint field, gdouble def)
{
  gsize at;

  return find_field (table, field, 4, &at) ? read_float (table->flat, at) : def;
}

gboolean
unet_flat_table (const UnetFlatTable *table, guint field, UnetFlatTable *out)
{
  gsize at, to;

  memset (out, 0, sizeof *out);
  return find_field (table, field, 4, &at) && follow (table->flat, at, &to)
      && open_table (table->flat, to, out);
}

void
unet_flat_vector (
    const UnetFlatTable *table, guint field, gsize size, UnetFlatVector *out)
{
  gsize at, to, n;

  memset (out, 0, sizeof *out);
  if (!find_field (table, field, 4, &at) || !follow (table->flat, at, &to))
    return;
  n = (gsize) read_uint (table->flat, to, 4);
  if (n > table->flat->size / size
      || !is_inside (table->flat, to + 4, n * size)) {
    table->flat->broken = TRUE;
    return;
  }
  *out = (UnetFlatVector){ table->flat, to + 4, n };
}

gchar *
unet_flat_string (const UnetFlatTable *table, guint field, gsize max)
{
  UnetFlatVector text;
  const gchar *start;

  unet_flat_vector (table, field, 1, &text);
  if (text.n == 0)
    return g_strdup ("");
  start = (const gchar *) text.flat->data + text.at;
  return g_utf8_make_valid (start, (gssize) strnlen (start, MIN (text.n, max)));
}

gboolean
unet_flat_table_at (
    const UnetFlatVector *vector, gsize index, UnetFlatTable *out)
{
  gsize to;

  memset (out, 0, sizeof *out);
  return follow (vector->flat, vector->at + 4 * index, &to)
      && open_table (vector->flat, to, out);
}

gint64
unet_flat_int32_at (const UnetFlatVector *vector, gsize index)
{
  return read_int (vector->flat, vector->at + 4 * index, 4);
}

gint64
unet_flat_int64_at (const UnetFlatVector *vector, gsize index)
{
  return read_int (vector->flat, vector->at + 8 * index, 8);
}

guint64
unet_flat_uint16_at (const UnetFlatVector *vector, gsize index)
{
  return read_uint (vector->flat, vector->at + 2 * index, 2);
}

gfloat
unet_flat_float_at (const UnetFlatVector *vector, gsize index)
{
  return read_float (vector->flat, vector->at + 4 * index);
}
