/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Elements of EBML (RFC 8794), in and out. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint32 id;         /* with its length bits, as tables have it */
  const guint8 *data; /* of the content */
  gsize size;
} EbmlElement;

/* A part of a document whose elements are read one after another. */
typedef struct {
  const guint8 *at, *end;
} EbmlReader;

/* Returns FALSE at the end, and where the next element does not fit. */
gboolean ebml_read (EbmlReader *reader, EbmlElement *element);
EbmlReader ebml_enter (const EbmlElement *element);
/* Returns FALSE if @reader has no such element after its position. */
gboolean ebml_find (EbmlReader reader, guint32 id, EbmlElement *element);
/* An element whose content is an unsigned integer of at most 8 bytes. */
guint64 ebml_get_uint (const EbmlElement *element);

void ebml_write_id (GByteArray *to, guint32 id);
/* A size in 8 bytes, so that it can be set later. */
void ebml_write_size (GByteArray *to, guint64 size);
void ebml_write (GByteArray *to, guint32 id, const guint8 *data, gsize size);
void ebml_write_uint (GByteArray *to, guint32 id, guint64 value);
void ebml_write_int (GByteArray *to, guint32 id, gint64 value);

G_END_DECLS
