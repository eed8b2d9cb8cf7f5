/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/litert.h"
#include "graph/fail.h"
#include "litert/importer.h"
#include "litert/metadata.h"
#include "litert/operators.h"
#include "litert/ops.h"
#include "litert/types.h"
#include <string.h>

#define IDENTIFIER "TFL3"
/* Nodes are written as of this operator set of ONNX. */
#define OPSET 20

/* GLib ends the process where memory is short. What it allocates for a file
 * stays below these limits. */
#define MAX_TENSORS     65536
#define MAX_OPERATORS   65536
#define MAX_NAME        4096
#define SPARE_BYTES     ((gsize) 64 << 20)
#define MEMORY_PER_BYTE 64 /* 8 bytes for an element of 4 bits, some twice */

/* Fields of tables, in the order of the schema. */
enum { MODEL_VERSION, MODEL_CODES, MODEL_SUBGRAPHS, MODEL_TEXT, MODEL_BUFFERS };
enum { CODE_OLD, CODE_CUSTOM };
enum { GRAPH_TENSORS, GRAPH_INPUTS, GRAPH_OUTPUTS, GRAPH_OPERATORS };
enum {
  TENSOR_SHAPE,
  TENSOR_TYPE,
  TENSOR_BUFFER,
  TENSOR_NAME,
  TENSOR_QUANTIZATION,
  TENSOR_IS_VARIABLE,
  TENSOR_SPARSITY,
  TENSOR_SIGNATURE
};
enum { SCALES = 2, ZEROS, DETAILS_TYPE, DETAILS, AXIS };
enum { BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE };

/* unet_litert_parse() says why. */
static gboolean
is_whole (const UnetLitert *self)
{
  return !self->flat->broken;
}

/* ---- tensors ---------------------------------------------------------- */

/* The signature says which of the dimensions are open. */
static gboolean
read_shape (const UnetLitert *self, UnetLitertTensor *tensor,
    const UnetFlatTable *table, GError **error)
{
  UnetFlatVector shape, signature;

  unet_flat_vector (table, TENSOR_SHAPE, 4, &shape);
  unet_flat_vector (table, TENSOR_SIGNATURE, 4, &signature);
  if (signature.n == shape.n)
    shape = signature;
  if (shape.n > UNET_MAX_DIMS)
    return unet_graph_fail (self->graph, error, UNET_ERROR_LIMIT,
        "tensor '%s': rank %" G_GSIZE_FORMAT " is above %d", tensor->name,
        shape.n, UNET_MAX_DIMS);
  tensor->n_dims = (guint) shape.n;
  for (guint i = 0; i < tensor->n_dims; i++) {
    tensor->dims[i] = unet_flat_int32_at (&shape, i);
    if (tensor->dims[i] < -1)
      return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
          "tensor '%s' has a negative dimension", tensor->name);
  }
  return TRUE;
}

static gboolean
read_quantization (const UnetLitert *self, UnetLitertTensor *tensor,
    const UnetFlatTable *table, GError **error)
{
  UnetFlatTable quantization;
  gint64 axis;

  if (!unet_flat_table (table, TENSOR_QUANTIZATION, &quantization))
    return TRUE;
  unet_flat_vector (&quantization, SCALES, 4, &tensor->scales);
  unet_flat_vector (&quantization, ZEROS, 8, &tensor->zeros);
  axis = unet_flat_int32 (&quantization, AXIS, 0);
  if (tensor->scales.n == 0 || unet_dtype_is_float (tensor->dtype))
    return TRUE;
  tensor->is_quantized = TRUE;
  for (gsize i = 0; i < tensor->scales.n; i++)
    if (!(unet_flat_float_at (&tensor->scales, i) >= 0))
      return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
          "tensor '%s' has a negative scale", tensor->name);
  if (axis < 0 || axis >= UNET_MAX_DIMS
      || (tensor->zeros.n > 1 && tensor->zeros.n != tensor->scales.n))
    return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
        "the scales of tensor '%s' make no sense", tensor->name);
  tensor->axis = (guint) axis;
  return TRUE;
}

/* Large files keep data behind the tables. */
static gboolean
read_data (const UnetLitert *self, UnetLitertTensor *tensor, guint64 index,
    GError **error)
{
  UnetFlatTable buffer;
  guint64 offset, size;

  if (index == 0)
    return TRUE;
  if (index >= self->buffers.n
      || !unet_flat_table_at (&self->buffers, (gsize) index, &buffer))
    return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
        "tensor '%s' has a buffer that is not there", tensor->name);
  unet_flat_vector (&buffer, BUFFER_DATA, 1, &tensor->data);
  offset = unet_flat_uint64 (&buffer, BUFFER_OFFSET, 0);
  size = unet_flat_uint64 (&buffer, BUFFER_SIZE, 0);
  if (offset <= 1)
    return TRUE;
  if (offset > self->flat->size || size > self->flat->size - offset)
    return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
        "the data of tensor '%s' are cut short", tensor->name);
  tensor->data = (UnetFlatVector){ self->flat, (gsize) offset, (gsize) size };
  return TRUE;
}

static gboolean
read_tensor (UnetLitert *self, UnetLitertTensor *tensor, guint index,
    const UnetFlatTable *table, GError **error)
{
  tensor->name = unet_flat_string (table, TENSOR_NAME, MAX_NAME);
  if (!*tensor->name) {
    g_free (tensor->name);
    tensor->name = g_strdup_printf ("tensor %u", index);
  }
  tensor->type = (gint) unet_flat_int8 (table, TENSOR_TYPE, 0);
  tensor->dtype = unet_litert_dtype (tensor->type);
  unet_flat_table (table, TENSOR_SPARSITY, &tensor->sparsity);
  return read_shape (self, tensor, table, error)
      && read_quantization (self, tensor, table, error)
      && read_data (
          self, tensor, unet_flat_uint32 (table, TENSOR_BUFFER, 0), error);
}

static gboolean
read_tensors (UnetLitert *self, const UnetFlatTable *graph, GError **error)
{
  UnetFlatVector tensors;
  UnetFlatTable table;

  unet_flat_vector (graph, GRAPH_TENSORS, 4, &tensors);
  if (tensors.n > MAX_TENSORS)
    return unet_graph_fail (self->graph, error, UNET_ERROR_LIMIT,
        "more than %d tensors", MAX_TENSORS);
  self->tensors = g_new0 (UnetLitertTensor, tensors.n + 1);
  for (guint i = 0; i < tensors.n; i++) {
    self->n_tensors = i + 1;
    unet_flat_table_at (&tensors, i, &table);
    if (!read_tensor (self, &self->tensors[i], i, &table, error))
      return FALSE;
  }
  return is_whole (self);
}

/* ---- inputs and outputs ----------------------------------------------- */

static UnetLitertTensor *
tensor_at (const UnetLitert *self, const UnetFlatVector *vector, gsize index)
{
  const gint64 at = unet_flat_int32_at (vector, index);

  return at >= 0 && at < self->n_tensors ? &self->tensors[at] : NULL;
}

static gboolean
read_inputs (UnetLitert *self, const UnetFlatTable *graph, GError **error)
{
  UnetFlatVector inputs;

  unet_flat_vector (graph, GRAPH_INPUTS, 4, &inputs);
  for (gsize i = 0; i < MIN (inputs.n, MAX_TENSORS); i++) {
    UnetLitertTensor *tensor = tensor_at (self, &inputs, i);
    if (!tensor || tensor->held || tensor->data.n)
      return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
          "input %" G_GSIZE_FORMAT " is no tensor of its own", i);
    if (tensor->dtype == UNET_DTYPE_NONE
        || (tensor->is_quantized && tensor->scales.n != 1))
      return unet_graph_fail (self->graph, error, UNET_ERROR_UNSUPPORTED,
          "input '%s': element type %s is not supported; convert the network "
          "to int8 or to float",
          tensor->name, unet_litert_type_name (tensor->type));
    tensor->held = unet_graph_add_value (self->graph, tensor->name);
    unet_value_set_shape (
        tensor->held, tensor->dtype, tensor->n_dims, tensor->dims);
    g_ptr_array_add (self->graph->inputs, tensor->held);
  }
  return TRUE;
}

/* A constant and an input may be outputs as well: then the name belongs to
 * the input. */
static gboolean
read_outputs (UnetLitert *self, const UnetFlatTable *graph, GError **error)
{
  UnetFlatVector outputs;

  unet_flat_vector (graph, GRAPH_OUTPUTS, 4, &outputs);
  for (gsize i = 0; i < MIN (outputs.n, MAX_TENSORS); i++) {
    UnetLitertTensor *tensor = tensor_at (self, &outputs, i);
    UnetValue *value;
    if (!tensor)
      return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
          "output %" G_GSIZE_FORMAT " is no tensor", i);
    value = unet_litert_tensor_real (self, tensor, error);
    if (!value)
      return FALSE;
    g_ptr_array_add (self->graph->outputs, value);
    if (!value->producer)
      continue;
    g_free (value->name);
    value->name = g_strdup (tensor->name);
  }
  if (outputs.n == 0)
    return unet_graph_fail (
        self->graph, error, UNET_ERROR_PARSE, "the graph has no output");
  return TRUE;
}

/* Several values have the name of the tensor that they hold. All but inputs
 * and outputs get a number, so that calibrations can name them. */
static void
number_names (UnetGraph *graph)
{
  g_autoptr (GHashTable)
      counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < graph->inputs->len + graph->outputs->len; i++) {
    const UnetValue *value = i < graph->inputs->len
        ? g_ptr_array_index (graph->inputs, i)
        : g_ptr_array_index (graph->outputs, i - graph->inputs->len);
    g_hash_table_insert (counts, g_strdup (value->name), GUINT_TO_POINTER (1));
  }
  for (guint i = 0; i < graph->values->len; i++) {
    UnetValue *value = g_ptr_array_index (graph->values, i);
    guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, value->name));
    if (g_ptr_array_find (graph->inputs, value, NULL)
        || g_ptr_array_find (graph->outputs, value, NULL))
      continue;
    g_hash_table_insert (
        counts, g_strdup (value->name), GUINT_TO_POINTER (n + 1));
    if (n > 0) {
      gchar *name = g_strdup_printf ("%s:%u", value->name, n);
      g_free (value->name);
      value->name = name;
    }
  }
}

/* ---- operators -------------------------------------------------------- */

/* Returns the name of the operator's type; the caller frees it. */
static gchar *
dup_type (const UnetLitertOp *op, const UnetFlatTable *code)
{
  if (op->code == UNET_LITERT_CUSTOM)
    return unet_flat_string (code, CODE_CUSTOM, MAX_NAME);
  if (unet_litert_op_name (op->code))
    return g_strdup (unet_litert_op_name (op->code));
  return g_strdup_printf ("code %d", op->code);
}

static gboolean
import_operator (UnetLitert *self, guint index, GError **error)
{
  UnetFlatTable code;
  UnetLitertOp op;
  gboolean ok;

  if (!unet_litert_read_operator (self, index, &op))
    return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
        "operator %u has a code that is not there", index);
  unet_flat_table_at (&self->codes, op.code_index, &code);
  op.type = dup_type (&op, &code);
  op.name = unet_litert_output (&op, 0) ? unet_litert_output (&op, 0)->name
                                        : "nothing";
  ok = is_whole (self) && unet_litert_import_operator (&op, error)
      && is_whole (self);
  g_free (op.type);
  return ok;
}

static void
count_uses (UnetLitert *self, const UnetFlatVector *tensors)
{
  for (gsize i = 0; i < tensors->n; i++) {
    UnetLitertTensor *tensor = tensor_at (self, tensors, i);
    if (tensor)
      tensor->n_uses++;
  }
}

static gboolean
read_operators (UnetLitert *self, const UnetFlatTable *graph, GError **error)
{
  UnetFlatVector outputs;
  UnetLitertOp op;

  unet_flat_vector (graph, GRAPH_OPERATORS, 4, &self->operators);
  unet_flat_vector (graph, GRAPH_OUTPUTS, 4, &outputs);
  if (self->operators.n > MAX_OPERATORS)
    return unet_graph_fail (self->graph, error, UNET_ERROR_LIMIT,
        "more than %d operators", MAX_OPERATORS);
  count_uses (self, &outputs);
  for (guint i = 0; i < self->operators.n; i++)
    if (unet_litert_read_operator (self, i, &op))
      count_uses (self, &op.inputs);
  for (guint i = 0; i < self->operators.n; i++)
    if (!import_operator (self, i, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_model (UnetLitert *self, GError **error)
{
  UnetFlatTable model, graph;
  UnetFlatVector graphs;

  if (!unet_flat_root (self->flat, &model))
    return FALSE;
  unet_flat_vector (&model, MODEL_CODES, 4, &self->codes);
  unet_flat_vector (&model, MODEL_BUFFERS, 4, &self->buffers);
  unet_flat_vector (&model, MODEL_SUBGRAPHS, 4, &graphs);
  if (!is_whole (self))
    return FALSE;
  if (graphs.n == 0)
    return unet_graph_fail (
        self->graph, error, UNET_ERROR_PARSE, "the file has no network");
  unet_flat_table_at (&graphs, 0, &graph);
  if (!is_whole (self) || !read_tensors (self, &graph, error)
      || !read_inputs (self, &graph, error)
      || !read_operators (self, &graph, error)
      || !read_outputs (self, &graph, error))
    return FALSE;
  unet_litert_read_metadata (self, &model);
  return is_whole (self);
}

gboolean
unet_litert_is_file (GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return size >= 8 && !memcmp (data + 4, IDENTIFIER, 4);
}

UnetGraph *
unet_litert_parse (GBytes *bytes, const gchar *name, GError **error)
{
  UnetFlat flat = { 0 };
  UnetLitert self = { unet_graph_new (name), &flat };
  GError *local = NULL;
  gboolean ok;

  flat.data = g_bytes_get_data (bytes, &flat.size);
  self.graph->opset = OPSET;
  self.bytes_left = SPARE_BYTES
      + MIN (flat.size, (G_MAXSIZE - SPARE_BYTES) / MEMORY_PER_BYTE)
          * MEMORY_PER_BYTE;
  ok = read_model (&self, &local);
  /* A default where the file ends may have led to another error. */
  if (flat.broken) {
    ok = FALSE;
    g_clear_error (&local);
    unet_graph_fail (self.graph, &local, UNET_ERROR_PARSE,
        "the LiteRT file is cut short or damaged");
  }
  if (local)
    g_propagate_error (error, local);
  for (guint i = 0; i < self.n_tensors; i++)
    g_free (self.tensors[i].name);
  g_free (self.tensors);
  if (ok)
    number_names (self.graph);
  else
    g_clear_pointer (&self.graph, unet_graph_free);
  return self.graph;
}
