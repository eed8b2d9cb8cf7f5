/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes small ONNX files, sound and unsound ones, field by field, so that
 * tests need no other library. */

#include <glib.h>

/* ONNX's numbers of element types. */
enum {
  W_FLOAT = 1,
  W_UINT8 = 2,
  W_INT8 = 3,
  W_INT32 = 6,
  W_INT64 = 7,
  W_BOOL = 9,
  W_FLOAT16 = 10,
  W_DOUBLE = 11,
  W_STRING = 8
};

typedef struct {
  GByteArray *graph, *model;
  gint opset;
} Writer;

/* ---- protobuf --------------------------------------------------------- */

void pb_int (GByteArray *to, guint field, gint64 value);
void pb_bytes (GByteArray *to, guint field, gconstpointer data, gsize size);
void pb_string (GByteArray *to, guint field, const gchar *string);
/* Takes over @message. */
void pb_message (GByteArray *to, guint field, GByteArray *message);

/* ---- ONNX ------------------------------------------------------------- */

Writer writer_new (gint opset);
/* Dimensions are a text such as "1,3,H,8", where names are open dimensions. */
void writer_input (
    Writer *self, const gchar *name, gint type, const gchar *dims);
void writer_output (
    Writer *self, const gchar *name, gint type, const gchar *dims);
void writer_metadata (Writer *self, const gchar *key, const gchar *value);
/* @data: raw values, @size bytes */
void writer_initializer (Writer *self, const gchar *name, gint type,
    const gchar *dims, gconstpointer data, gsize size);
void writer_floats (
    Writer *self, const gchar *name, const gchar *dims, const gfloat *data);
void writer_ints (Writer *self, const gchar *name, guint n, const gint64 *data);
/* Adds reproducible noise with a standard deviation of about @scale. */
void writer_noise (Writer *self, const gchar *name, const gchar *dims,
    guint32 seed, gdouble scale);
GByteArray *writer_tensor (const gchar *name, gint type, const gchar *dims,
    gconstpointer data, gsize size);

/* Starts a node. Names are separated by commas. The caller adds attributes to
 * the result and passes it to writer_add(), which takes it over. */
GByteArray *writer_node (const gchar *op, const gchar *name,
    const gchar *inputs, const gchar *outputs);
void node_int (GByteArray *node, const gchar *name, gint64 value);
void node_float (GByteArray *node, const gchar *name, gfloat value);
void node_string (GByteArray *node, const gchar *name, const gchar *value);
/* @ints: a text such as "1,1,0,0" */
void node_ints (GByteArray *node, const gchar *name, const gchar *ints);
void writer_add (Writer *self, GByteArray *node);
/* Adds a node without attributes. */
void writer_op (Writer *self, const gchar *op, const gchar *name,
    const gchar *inputs, const gchar *outputs);

/* Ends the file and frees the writer's memory. */
GBytes *writer_end (Writer *self);
