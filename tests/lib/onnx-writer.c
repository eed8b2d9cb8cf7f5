/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/onnx-writer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- protobuf --------------------------------------------------------- */

static void
put_varint (GByteArray *to, guint64 value)
{
  do {
    guint8 byte = (guint8) (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
    g_byte_array_append (to, &byte, 1);
    value >>= 7;
  } while (value);
}

void
pb_int (GByteArray *to, guint field, gint64 value)
{
  put_varint (to, field << 3);
  put_varint (to, (guint64) value);
}

void
pb_bytes (GByteArray *to, guint field, gconstpointer data, gsize size)
{
  put_varint (to, field << 3 | 2);
  put_varint (to, size);
  if (size)
    g_byte_array_append (to, data, (guint) size);
}

void
pb_string (GByteArray *to, guint field, const gchar *string)
{
  pb_bytes (to, field, string, strlen (string));
}

void
pb_message (GByteArray *to, guint field, GByteArray *message)
{
  pb_bytes (to, field, message->data, message->len);
  g_byte_array_unref (message);
}

/* ---- values ----------------------------------------------------------- */

static GByteArray *
shape_message (const gchar *dims)
{
  g_auto (GStrv) parts = g_strsplit (dims, ",", -1);
  GByteArray *shape = g_byte_array_new ();

  for (guint i = 0; parts[i]; i++) {
    GByteArray *dim = g_byte_array_new ();
    if (g_ascii_isdigit (*parts[i]) || *parts[i] == '-')
      pb_int (dim, 1, g_ascii_strtoll (parts[i], NULL, 10));
    else
      pb_string (dim, 2, parts[i]);
    pb_message (shape, 1, dim);
  }
  return shape;
}

static void
value_info (
    Writer *self, guint field, const gchar *name, gint type, const gchar *dims)
{
  GByteArray *tensor = g_byte_array_new (), *holder = g_byte_array_new ();
  GByteArray *info = g_byte_array_new ();

  pb_int (tensor, 1, type);
  if (dims)
    pb_message (tensor, 2, shape_message (dims));
  pb_message (holder, 1, tensor);
  pb_string (info, 1, name);
  pb_message (info, 2, holder);
  pb_message (self->graph, field, info);
}

Writer
writer_new (gint opset)
{
  return (Writer){ g_byte_array_new (), g_byte_array_new (), opset };
}

void
writer_input (Writer *self, const gchar *name, gint type, const gchar *dims)
{
  value_info (self, 11, name, type, dims);
}

void
writer_output (Writer *self, const gchar *name, gint type, const gchar *dims)
{
  value_info (self, 12, name, type, dims);
}

void
writer_metadata (Writer *self, const gchar *key, const gchar *value)
{
  GByteArray *entry = g_byte_array_new ();

  pb_string (entry, 1, key);
  pb_string (entry, 2, value);
  pb_message (self->model, 14, entry);
}

GByteArray *
writer_tensor (const gchar *name, gint type, const gchar *dims,
    gconstpointer data, gsize size)
{
  g_auto (GStrv) parts = g_strsplit (dims, ",", -1);
  GByteArray *tensor = g_byte_array_new ();

  for (guint i = 0; parts[i]; i++)
    pb_int (tensor, 1, g_ascii_strtoll (parts[i], NULL, 10));
  pb_int (tensor, 2, type);
  pb_string (tensor, 8, name);
  if (data)
    pb_bytes (tensor, 9, data, size);
  return tensor;
}

void
writer_initializer (Writer *self, const gchar *name, gint type,
    const gchar *dims, gconstpointer data, gsize size)
{
  pb_message (self->graph, 5, writer_tensor (name, type, dims, data, size));
}

static gsize
count_dims (const gchar *dims)
{
  g_auto (GStrv) parts = g_strsplit (dims, ",", -1);
  gsize n = 1;

  for (guint i = 0; parts[i]; i++)
    n *= (gsize) g_ascii_strtoll (parts[i], NULL, 10);
  return n;
}

void
writer_floats (
    Writer *self, const gchar *name, const gchar *dims, const gfloat *data)
{
  writer_initializer (
      self, name, W_FLOAT, dims, data, count_dims (dims) * sizeof *data);
}

void
writer_ints (Writer *self, const gchar *name, guint n, const gint64 *data)
{
  g_autofree gchar *dims = g_strdup_printf ("%u", n);

  writer_initializer (self, name, W_INT64, dims, data, n * sizeof *data);
}

void
writer_noise (Writer *self, const gchar *name, const gchar *dims, guint32 seed,
    gdouble scale)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  gsize n = count_dims (dims);
  g_autofree gfloat *data = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    data[i] = (gfloat) g_rand_double_range (
        rand, -sqrt (3) * scale, sqrt (3) * scale);
  writer_floats (self, name, dims, data);
}

/* ---- nodes ------------------------------------------------------------ */

static void
put_names (GByteArray *node, guint field, const gchar *names)
{
  g_auto (GStrv) parts = g_strsplit (names, ",", -1);

  for (guint i = 0; parts[i]; i++)
    pb_string (node, field, parts[i]);
}

GByteArray *
writer_node (const gchar *op, const gchar *name, const gchar *inputs,
    const gchar *outputs)
{
  GByteArray *node = g_byte_array_new ();

  put_names (node, 1, inputs);
  put_names (node, 2, outputs);
  if (name)
    pb_string (node, 3, name);
  pb_string (node, 4, op);
  return node;
}

static GByteArray *
attribute (const gchar *name, gint type)
{
  GByteArray *attr = g_byte_array_new ();

  pb_string (attr, 1, name);
  pb_int (attr, 20, type);
  return attr;
}

void
node_int (GByteArray *node, const gchar *name, gint64 value)
{
  GByteArray *attr = attribute (name, 2);

  pb_int (attr, 3, value);
  pb_message (node, 5, attr);
}

void
node_float (GByteArray *node, const gchar *name, gfloat value)
{
  GByteArray *attr = attribute (name, 1);

  put_varint (attr, 2 << 3 | 5);
  g_byte_array_append (attr, (const guint8 *) &value, sizeof value);
  pb_message (node, 5, attr);
}

void
node_string (GByteArray *node, const gchar *name, const gchar *value)
{
  GByteArray *attr = attribute (name, 3);

  pb_string (attr, 4, value);
  pb_message (node, 5, attr);
}

void
node_ints (GByteArray *node, const gchar *name, const gchar *ints)
{
  g_auto (GStrv) parts = g_strsplit (ints, ",", -1);
  GByteArray *attr = attribute (name, 7);

  for (guint i = 0; parts[i]; i++)
    pb_int (attr, 8, g_ascii_strtoll (parts[i], NULL, 10));
  pb_message (node, 5, attr);
}

void
writer_add (Writer *self, GByteArray *node)
{
  pb_message (self->graph, 1, node);
}

void
writer_op (Writer *self, const gchar *op, const gchar *name,
    const gchar *inputs, const gchar *outputs)
{
  writer_add (self, writer_node (op, name, inputs, outputs));
}

GBytes *
writer_end (Writer *self)
{
  GByteArray *set = g_byte_array_new ();

  pb_int (self->model, 1, 7);
  pb_int (set, 2, self->opset);
  pb_message (self->model, 8, set);
  pb_message (self->model, 7, self->graph);
  return g_byte_array_free_to_bytes (self->model);
}
