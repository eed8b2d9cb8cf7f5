/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/metadata.h"
#include "litert/zip.h"
#include <math.h>
#include <string.h>

/* A buffer of the file has a FlatBuffer of its own, which MediaPipe and
 * TensorFlow's task library write
 * (https://ai.google.dev/edge/litert/models/metadata). Labels are text files in
 * a ZIP archive behind the network. */

#define NAME       "TFLITE_METADATA"
#define IDENTIFIER "M001"
#define MAX_NAME   256
#define MAX_LABELS 1024

/* Fields of tables, in the order of the schemas. */
enum { MODEL_METADATA = 6 };
enum { ENTRY_NAME, ENTRY_BUFFER };
enum { ABOUT_SUBGRAPHS = 3 };
enum { SUBGRAPH_INPUTS = 2, SUBGRAPH_OUTPUTS };
enum { TENSOR_UNITS = 4, TENSOR_FILES = 6 };
enum { UNIT_TYPE, UNIT_OPTIONS };
enum { FILE_NAME, FILE_TEXT, FILE_TYPE };
enum { MEAN, STD };
#define NORMALIZATION 1
#define AXIS_LABELS   2

static gboolean
find_metadata (UnetLitert *self, const UnetFlatTable *model, UnetFlat *out)
{
  UnetFlatVector entries, data;
  UnetFlatTable entry, buffer;

  unet_flat_vector (model, MODEL_METADATA, 4, &entries);
  for (gsize i = 0; i < entries.n; i++) {
    g_autofree gchar *name = NULL;
    guint64 index;
    if (!unet_flat_table_at (&entries, i, &entry))
      return FALSE;
    name = unet_flat_string (&entry, ENTRY_NAME, MAX_NAME);
    index = unet_flat_uint32 (&entry, ENTRY_BUFFER, 0);
    if (strcmp (name, NAME) || index >= self->buffers.n
        || !unet_flat_table_at (&self->buffers, (gsize) index, &buffer))
      continue;
    unet_flat_vector (&buffer, 0, 1, &data);
    *out = (UnetFlat){ self->flat->data + data.at, data.n, FALSE };
    return data.n >= 8 && !memcmp (out->data + 4, IDENTIFIER, 4);
  }
  return FALSE;
}

/* ---- the picture ------------------------------------------------------ */

/* Numbers are for samples of 0 to 255, and a contract's for 0 to 1. */
static gchar *
dup_numbers (const UnetFlatVector *numbers, gboolean divides)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < numbers->n; i++) {
    const gdouble number = unet_flat_float_at (numbers, i) / 255.0;
    gchar digits[G_ASCII_DTOSTR_BUF_SIZE];
    if (!isfinite (number) || (divides && number == 0)) {
      g_string_free (text, TRUE);
      return NULL;
    }
    g_ascii_formatd (digits, sizeof digits, "%.9g", number);
    g_string_append_printf (text, "%s%s", i ? "," : "", digits);
  }
  return g_string_free (text, FALSE);
}

static void
take_normalization (UnetLitert *self, const UnetFlatTable *options)
{
  UnetFlatVector mean, std;
  gchar *mean_text, *std_text;

  unet_flat_vector (options, MEAN, 4, &mean);
  unet_flat_vector (options, STD, 4, &std);
  if ((mean.n != 1 && mean.n != 3) || (std.n != 1 && std.n != 3))
    return;
  mean_text = dup_numbers (&mean, FALSE);
  std_text = dup_numbers (&std, TRUE);
  if (mean_text && std_text) {
    g_hash_table_insert (self->graph->metadata, g_strdup ("unetseg.mean"),
        g_steal_pointer (&mean_text));
    g_hash_table_insert (self->graph->metadata, g_strdup ("unetseg.std"),
        g_steal_pointer (&std_text));
  }
  g_free (mean_text);
  g_free (std_text);
}

static void
read_input (UnetLitert *self, const UnetFlatTable *tensor)
{
  UnetFlatTable unit, options;
  UnetFlatVector units;

  unet_flat_vector (tensor, TENSOR_UNITS, 4, &units);
  for (gsize i = 0; i < units.n; i++)
    if (unet_flat_table_at (&units, i, &unit)
        && unet_flat_uint8 (&unit, UNIT_TYPE, 0) == NORMALIZATION
        && unet_flat_table (&unit, UNIT_OPTIONS, &options))
      take_normalization (self, &options);
}

/* ---- the classes ------------------------------------------------------ */

/* Lines become a list. A comma in one would make two of it. */
static void
take_labels (UnetLitert *self, const gchar *text, gsize size)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, (gssize) size);
  g_auto (GStrv) lines = NULL;
  gsize n = 0;

  g_strdelimit (valid, ",", ' ');
  g_strdelimit (valid, "\r", '\n');
  lines = g_strsplit (valid, "\n", MAX_LABELS);
  for (gsize i = 0; lines[i]; i++)
    if (*g_strstrip (lines[i]))
      lines[n++] = lines[i];
    else
      g_free (lines[i]);
  lines[n] = NULL;
  if (n > 0)
    g_hash_table_insert (self->graph->metadata, g_strdup ("unetseg.labels"),
        g_strjoinv (",", lines));
}

static void
read_output (UnetLitert *self, const UnetFlatTable *tensor)
{
  UnetFlatVector files;
  UnetFlatTable file;

  unet_flat_vector (tensor, TENSOR_FILES, 4, &files);
  for (gsize i = 0; i < files.n; i++) {
    g_autofree gchar *name = NULL;
    const gchar *text;
    gsize size;
    if (!unet_flat_table_at (&files, i, &file)
        || unet_flat_int8 (&file, FILE_TYPE, 0) != AXIS_LABELS)
      continue;
    name = unet_flat_string (&file, FILE_NAME, MAX_NAME);
    text =
        unet_litert_find_file (self->flat->data, self->flat->size, name, &size);
    if (text)
      take_labels (self, text, size);
    return;
  }
}

/* Returns the only one of @values that may be a picture of floats, or -1. */
static gint
find_picture (const GPtrArray *values)
{
  gint found = -1;

  for (guint i = 0; i < values->len; i++) {
    const UnetValue *value = g_ptr_array_index (values, i);
    if (value->has_shape && value->n_dims == 4
        && value->dtype == UNET_DTYPE_F32)
      found = found < 0 ? (gint) i : G_MAXINT;
  }
  return found == G_MAXINT ? -1 : found;
}

void
unet_litert_read_metadata (UnetLitert *self, const UnetFlatTable *model)
{
  const gint picture = find_picture (self->graph->inputs);
  UnetFlatTable about, graph, tensor;
  UnetFlatVector graphs, tensors;
  UnetFlat flat;

  if (!find_metadata (self, model, &flat) || !unet_flat_root (&flat, &about))
    return;
  unet_flat_vector (&about, ABOUT_SUBGRAPHS, 4, &graphs);
  if (graphs.n == 0 || !unet_flat_table_at (&graphs, 0, &graph))
    return;
  unet_flat_vector (&graph, SUBGRAPH_INPUTS, 4, &tensors);
  if (picture >= 0 && (gsize) picture < tensors.n
      && unet_flat_table_at (&tensors, (gsize) picture, &tensor))
    read_input (self, &tensor);
  unet_flat_vector (&graph, SUBGRAPH_OUTPUTS, 4, &tensors);
  if (tensors.n == 1 && unet_flat_table_at (&tensors, 0, &tensor))
    read_output (self, &tensor);
}
