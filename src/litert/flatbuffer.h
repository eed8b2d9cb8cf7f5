/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads FlatBuffers (https://flatbuffers.dev/internals/) from untrusted bytes.
 * Each access checks its bounds. One that leaves the file gives a default and
 * marks the file as broken, so that a caller checks once. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const guint8 *data;
  gsize size;
  gboolean broken; /* a reference led out of the file */
} UnetFlat;

/* A table that lies within its file. One of zeros has no fields. */
typedef struct {
  UnetFlat *flat;
  gsize at, vtable;
  guint n_vtable, n_table; /* bytes */
} UnetFlatTable;

/* A vector that lies within its file: @n elements from @at on. */
typedef struct {
  UnetFlat *flat;
  gsize at, n;
} UnetFlatVector;

/* Sets *@table to the root of the file. Returns %FALSE if it is broken. */
gboolean unet_flat_root (UnetFlat *flat, UnetFlatTable *table);

/* These return @def where the field is absent. */
gint64 unet_flat_int8 (const UnetFlatTable *table, guint field, gint64 def);
guint64 unet_flat_uint8 (const UnetFlatTable *table, guint field, guint64 def);
gint64 unet_flat_int32 (const UnetFlatTable *table, guint field, gint64 def);
guint64 unet_flat_uint32 (const UnetFlatTable *table, guint field, guint64 def);
guint64 unet_flat_uint64 (const UnetFlatTable *table, guint field, guint64 def);
gdouble unet_flat_float (const UnetFlatTable *table, guint field, gdouble def);
/* Returns %FALSE, with a table that has no fields, where there is none. */
gboolean unet_flat_table (
    const UnetFlatTable *table, guint field, UnetFlatTable *out);
/* Sets an empty vector where there is none. @size: bytes of an element */
void unet_flat_vector (
    const UnetFlatTable *table, guint field, gsize size, UnetFlatVector *out);
/* Returns valid UTF-8 of at most @max bytes, "" where there is none. */
gchar *unet_flat_string (const UnetFlatTable *table, guint field, gsize max);

/* These read element @index, which is below the number of elements. */
gboolean unet_flat_table_at (
    const UnetFlatVector *vector, gsize index, UnetFlatTable *out);
gint64 unet_flat_int32_at (const UnetFlatVector *vector, gsize index);
gint64 unet_flat_int64_at (const UnetFlatVector *vector, gsize index);
guint64 unet_flat_uint16_at (const UnetFlatVector *vector, gsize index);
gfloat unet_flat_float_at (const UnetFlatVector *vector, gsize index);

G_END_DECLS
