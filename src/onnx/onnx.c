/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/onnx.h"
#include "graph/fail.h"
#include "graph/ops/table.h"
#include "onnx/data.h"
#include "onnx/functions.h"
#include "onnx/node-order.h"
#include "onnx/subgraphs.h"
#include "onnx/unpack.h"
#include <stdlib.h>
#include <string.h>

/* Operator sets whose definitions the operator table follows. Before the first
 * one, only operators with the trait FROM_SET_1 are taken. */
#define OPSET_MIN 6
#define OPSET_MAX 24

/* GLib ends the process where memory is short. Memory that it allocates for a
 * file stays below these limits; larger blocks are allocated so that they may
 * fail. */
#define MAX_NODES     65536
#define MAX_NAME      4096
#define MAX_TEXT      (1 << 20) /* of metadata */
#define MAX_ATTRIBUTE 65536     /* numbers in one */

typedef struct {
  UnetGraph *graph;
  GHashTable *values; /* name in the file -> UnetValue */
  const gchar *folder;
  gboolean inner; /* a sub-graph */
} Importer;

static gboolean
is_empty (const char *string)
{
  return !string || !*string;
}

static gchar *
valid_name (const char *name)
{
  return g_utf8_make_valid (
      name ? name : "", (gssize) strnlen (name ? name : "", MAX_NAME));
}

static void
define (Importer *self, const char *name, UnetValue *value)
{
  g_hash_table_insert (self->values, (gpointer) name, value);
}

/* ---- initialisers, inputs --------------------------------------------- */

/* Raw data are most of a large model: free them before the next tensor. */
static void
drop_raw_data (Onnx__TensorProto *proto)
{
  free (proto->raw_data.data);
  proto->raw_data.data = NULL;
  proto->raw_data.len = 0;
}

static gboolean
import_initializer (Importer *self, Onnx__TensorProto *proto, GError **error)
{
  g_autofree gchar *name = valid_name (proto->name);
  g_autofree gchar *where =
      g_strdup_printf ("%s: initializer '%s'", self->graph->name, name);
  UnetTensor *tensor;

  if (is_empty (proto->name)
      || g_hash_table_contains (self->values, proto->name))
    return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
        "initializer '%s' has no name of its own", name);
  tensor = unet_onnx_tensor (proto, self->folder, where, error);
  if (!tensor)
    return FALSE;
  drop_raw_data (proto);
  define (
      self, proto->name, unet_graph_add_constant (self->graph, name, tensor));
  return TRUE;
}

static gint64
import_dim (const Onnx__TensorShapeProto__Dimension *dim)
{
  if (dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
    return -1;
  /* Some exporters write 0 or -1 for an open dimension. */
  return dim->dim_value > 0 ? dim->dim_value : -1;
}

static gboolean
import_type (Importer *self, UnetValue *value, const Onnx__TypeProto *type,
    GError **error)
{
  const Onnx__TypeProto__Tensor *tensor;
  gint64 dims[UNET_MAX_DIMS];
  UnetDType dtype;

  if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    return unet_graph_fail (self->graph, error, UNET_ERROR_UNSUPPORTED,
        "'%s' is not declared as a tensor, as sequences and optional values "
        "are not; export each tensor as an input or output of its own",
        value->name);
  tensor = type->tensor_type;
  dtype = unet_onnx_dtype (tensor->elem_type);
  if (dtype == UNET_DTYPE_NONE)
    return unet_graph_fail (self->graph, error, UNET_ERROR_UNSUPPORTED,
        "'%s': element type %s (%d) is not supported%s", value->name,
        unet_onnx_type_name (tensor->elem_type), tensor->elem_type,
        tensor->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__STRING
            ? "; export the network without its text"
            : "; export the value as float");
  value->dtype = dtype;
  if (!tensor->shape)
    return TRUE;
  if (tensor->shape->n_dim > UNET_MAX_DIMS)
    return unet_graph_fail (self->graph, error, UNET_ERROR_LIMIT,
        "'%s': rank %" G_GSIZE_FORMAT " is above %d", value->name,
        tensor->shape->n_dim, UNET_MAX_DIMS);
  for (gsize i = 0; i < tensor->shape->n_dim; i++)
    if (tensor->shape->dim[i]->dim_value < -1)
      return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
          "'%s' has a negative dimension", value->name);
  for (gsize i = 0; i < tensor->shape->n_dim; i++)
    dims[i] = import_dim (tensor->shape->dim[i]);
  unet_value_set_shape (value, dtype, (guint) tensor->shape->n_dim, dims);
  return TRUE;
}

/* Before IR version 4, initialisers are listed among the inputs too. */
static gboolean
import_input (Importer *self, const Onnx__ValueInfoProto *proto, GError **error)
{
  g_autofree gchar *name = valid_name (proto->name);
  UnetValue *value;

  if (is_empty (proto->name))
    return unet_graph_fail (
        self->graph, error, UNET_ERROR_PARSE, "an input has no name");
  value = g_hash_table_lookup (self->values, proto->name);
  if (value && value->constant)
    return TRUE;
  if (value)
    return unet_graph_fail (
        self->graph, error, UNET_ERROR_PARSE, "two inputs '%s'", name);
  value = unet_graph_add_value (self->graph, name);
  define (self, proto->name, value);
  g_ptr_array_add (self->graph->inputs, value);
  /* A sub-graph takes what is around it. */
  return self->inner || import_type (self, value, proto->type, error);
}

/* ---- nodes ------------------------------------------------------------ */

static Onnx__AttributeProto__AttributeType
attribute_type (const Onnx__AttributeProto *proto)
{
  if (proto->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED)
    return proto->type;
  /* Files of IR version 1 have no type field. */
  if (proto->has_f)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
  if (proto->has_i)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
  if (proto->has_s)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
  if (proto->t)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
  if (proto->g)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
  if (proto->n_floats)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
  return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
}

static void
copy_string (UnetAttr *attr, const ProtobufCBinaryData *data)
{
  attr->type = UNET_ATTR_STRING;
  attr->s = g_utf8_make_valid (data->len ? (const gchar *) data->data : "",
      (gssize) MIN (data->len, MAX_NAME));
}

/* Strings become one, with a line for each. */
static void
join_strings (UnetAttr *attr, const Onnx__AttributeProto *proto)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (gsize i = 0; i < proto->n_strings && all->len < MAX_NAME; i++) {
    const ProtobufCBinaryData *data = &proto->strings[i];
    if (i)
      g_string_append_c (all, '\n');
    g_string_append_len (all, data->len ? (const gchar *) data->data : "",
        (gssize) MIN (data->len, MAX_NAME));
  }
  attr->type = UNET_ATTR_STRING;
  attr->s = g_utf8_make_valid (all->str, (gssize) all->len);
}

static gboolean import_graph (
    Importer *self, Onnx__GraphProto *proto, GError **error);

static gboolean
import_subgraph (
    Importer *self, UnetAttr *attr, Onnx__GraphProto *proto, GError **error)
{
  Importer inner = { unet_graph_new (self->graph->name),
    g_hash_table_new (g_str_hash, g_str_equal), self->folder, TRUE };
  gboolean ok;

  inner.graph->opset = self->graph->opset;
  unet_attr_set_graph (attr, inner.graph, unet_graph_free);
  ok = import_graph (&inner, proto, error);
  g_hash_table_unref (inner.values);
  return ok;
}

/* Kinds of attributes that no operator of the table has are ignored. */
static gboolean
fill_attr (Importer *self, UnetAttr *attr, const Onnx__AttributeProto *proto,
    const gchar *where, gboolean *known, GError **error)
{
  *known = TRUE;
  if (MAX (proto->n_floats, proto->n_ints) > MAX_ATTRIBUTE) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "%s: more than %d numbers", where, MAX_ATTRIBUTE);
    return FALSE;
  }
  switch (attribute_type (proto)) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
      attr->type = UNET_ATTR_FLOAT;
      attr->f = proto->f;
      return TRUE;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
      attr->type = UNET_ATTR_INT;
      attr->i = proto->i;
      return TRUE;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
      copy_string (attr, &proto->s);
      return TRUE;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS:
      join_strings (attr, proto);
      return TRUE;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
      attr->type = UNET_ATTR_FLOATS;
      attr->n = (guint) proto->n_floats;
      attr->floats = g_memdup2 (proto->floats, attr->n * sizeof (gfloat));
      return TRUE;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
      attr->type = UNET_ATTR_INTS;
      attr->n = (guint) proto->n_ints;
      attr->ints = g_memdup2 (proto->ints, attr->n * sizeof (gint64));
      return TRUE;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
      attr->type = UNET_ATTR_TENSOR;
      if (!proto->t)
        return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
            "attribute '%s' of node is empty", attr->name);
      attr->tensor = unet_onnx_tensor (proto->t, self->folder, where, error);
      return attr->tensor != NULL;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH:
      if (!proto->g)
        return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
            "attribute '%s' of node is empty", attr->name);
      return import_subgraph (self, attr, proto->g, error);
    default:
      *known = FALSE;
      return TRUE;
  }
}

static gboolean
import_attr (Importer *self, UnetNode *node, const Onnx__AttributeProto *proto,
    GError **error)
{
  UnetAttr *attr = g_new0 (UnetAttr, 1);
  g_autofree gchar *where = NULL;
  gboolean known;

  attr->name = valid_name (proto->name);
  where = g_strdup_printf ("%s: node '%s' (%s): attribute '%s'",
      self->graph->name, node->name, unet_op_name (node->op), attr->name);
  if (!fill_attr (self, attr, proto, where, &known, error)) {
    unet_attr_free (attr);
    return FALSE;
  }
  if (known)
    unet_node_add_attr (node, attr);
  else
    unet_attr_free (attr);
  return TRUE;
}

static gboolean
import_node_inputs (Importer *self, UnetNode *node,
    const Onnx__NodeProto *proto, GError **error)
{
  const UnetOpDef *def = unet_op_def (node->op);
  gsize n = proto->n_input;

  while (n > 0 && is_empty (proto->input[n - 1]))
    n--;
  if (n < def->min_inputs || n > def->max_inputs) {
    unet_node_set_error (error, self->graph, node, UNET_ERROR_PARSE,
        "has %" G_GSIZE_FORMAT " inputs", n);
    return FALSE;
  }
  for (gsize i = 0; i < n; i++) {
    UnetValue *value = NULL;
    if (!is_empty (proto->input[i])) {
      value = g_hash_table_lookup (self->values, proto->input[i]);
      if (!value) {
        g_autofree gchar *name = valid_name (proto->input[i]);
        unet_node_set_error (error, self->graph, node, UNET_ERROR_PARSE,
            "input '%s' is made by no node and is no input or initializer",
            name);
        return FALSE;
      }
    } else if (i < def->min_inputs) {
      unet_node_set_error (error, self->graph, node, UNET_ERROR_PARSE,
          "input %" G_GSIZE_FORMAT " is missing", i);
      return FALSE;
    }
    unet_node_add_input (node, value);
  }
  return TRUE;
}

static gboolean
import_node_outputs (Importer *self, UnetNode *node,
    const Onnx__NodeProto *proto, GError **error)
{
  const UnetOpDef *def = unet_op_def (node->op);
  gboolean named = FALSE;

  for (gsize i = 0; i < proto->n_output; i++)
    named = named || !is_empty (proto->output[i]);
  if (proto->n_output < def->min_outputs || proto->n_output > def->max_outputs
      || !named) {
    unet_node_set_error (error, self->graph, node, UNET_ERROR_PARSE,
        "has %" G_GSIZE_FORMAT " outputs", proto->n_output);
    return FALSE;
  }
  for (gsize i = 0; i < proto->n_output; i++) {
    g_autofree gchar *name = valid_name (proto->output[i]);
    UnetValue *value = NULL;
    if (!is_empty (proto->output[i])) {
      if (g_hash_table_contains (self->values, proto->output[i])) {
        unet_node_set_error (error, self->graph, node, UNET_ERROR_PARSE,
            "output '%s' exists already", name);
        return FALSE;
      }
      value = unet_graph_add_value (self->graph, name);
      define (self, proto->output[i], value);
    } else if (i == 0) {
      /* Recurrent layers may leave their first output out. Every node of a
       * graph has one. */
      value = unet_graph_add_value (self->graph, node->name);
    }
    unet_node_add_output (node, value);
  }
  return TRUE;
}

/* Replaces ONNX's numbers of types by those of the graph. A type that the
 * graph lacks becomes NONE, and inference refuses it. */
static void
translate_types (UnetNode *node)
{
  static const gchar *const names[] = { "to", "output_dtype", "dtype",
    "output_datatype" };

  switch (node->op) {
    case UNET_OP_Cast:
    case UNET_OP_QuantizeLinear:
    case UNET_OP_EyeLike:
    case UNET_OP_HannWindow:
    case UNET_OP_HammingWindow:
    case UNET_OP_BlackmanWindow:
    case UNET_OP_MelWeightMatrix:
      break;
    default:
      return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (unet_node_attr (node, names[i]))
      unet_node_set_attr_int (node, names[i],
          unet_onnx_dtype ((gint32) unet_node_attr_int (node, names[i], 0)));
}

/* ONNX Runtime's quantiser writes QuantizeLinear and DequantizeLinear in
 * either domain. */
static gboolean
is_in_domain (UnetOp op, const char *domain)
{
  gboolean contributed = unet_op_has (op, UNET_OP_CONTRIBUTED);

  if (unet_op_has (op, UNET_OP_INTERNAL))
    return FALSE;
  if (is_empty (domain) || !strcmp (domain, "ai.onnx"))
    return !contributed;
  return !strcmp (domain, "com.microsoft")
      && (contributed || op == UNET_OP_QuantizeLinear
          || op == UNET_OP_DequantizeLinear);
}

/* Returns why a family of operators is not supported. */
static const gchar *
explain_operator (const gchar *type)
{
  static const struct {
    const gchar *start, *why;
  } reasons[] = {
    { "Random", ": its numbers are random, so that no two masks are the same" },
    { "Bernoulli", ": its numbers are random" },
    { "Multinomial", ": its numbers are random" },
    { "Sequence", ": sequences of tensors are not supported" },
    { "SplitToSequence", ": sequences of tensors are not supported" },
    { "Optional",
        ": optional values are not supported; export with all inputs" },
    { "MaxRoiPool", ": export RoiAlign instead" },
    { "ImageDecoder",
        ": export the network with the decoded picture as input" },
    { "TfIdfVectorizer", ": it is for text; export the network without it" },
    { "String",
        ": strings are not supported; export the network without text" },
    { "Regex", ": strings are not supported; export the network without text" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (g_str_has_prefix (type, reasons[i].start))
      return reasons[i].why;
  return "";
}

static gboolean
import_node (Importer *self, const Onnx__NodeProto *proto, GError **error)
{
  g_autofree gchar *name = unet_onnx_node_name (proto);
  gboolean standard = is_empty (proto->domain)
      || !strcmp (proto->domain, "ai.onnx");
  UnetNode *node;
  UnetOp op;

  if (!proto->op_type || !unet_op_from_name (proto->op_type, &op)
      || !is_in_domain (op, proto->domain)) {
    g_autofree gchar *type = valid_name (proto->op_type);
    g_autofree gchar *domain = valid_name (proto->domain);
    return unet_graph_fail (self->graph, error, UNET_ERROR_UNSUPPORTED,
        "node '%s' (%s%s%s): operator is not supported%s", name,
        standard ? "" : domain, standard ? "" : ".", type,
        standard ? explain_operator (type) : "");
  }
  node = unet_graph_add_node (self->graph, op, name);
  if (self->graph->opset < OPSET_MIN && !unet_op_has (op, UNET_OP_FROM_SET_1)) {
    unet_node_set_error (error, self->graph, node, UNET_ERROR_UNSUPPORTED,
        "operator set %d is not from %d to %d", self->graph->opset, OPSET_MIN,
        OPSET_MAX);
    return FALSE;
  }
  for (gsize i = 0; i < proto->n_attribute; i++)
    if (!import_attr (self, node, proto->attribute[i], error))
      return FALSE;
  translate_types (node);
  return import_node_inputs (self, node, proto, error)
      && import_node_outputs (self, node, proto, error);
}

/* ---- graph ------------------------------------------------------------ */

static gboolean
import_output (
    Importer *self, const Onnx__ValueInfoProto *proto, GError **error)
{
  g_autofree gchar *name = valid_name (proto->name);
  UnetValue *value = is_empty (proto->name)
      ? NULL
      : g_hash_table_lookup (self->values, proto->name);

  if (!value)
    return unet_graph_fail (self->graph, error, UNET_ERROR_PARSE,
        "nothing gives output '%s'", name);
  g_ptr_array_add (self->graph->outputs, value);
  if (self->inner || value->has_shape || !proto->type
      || proto->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    return TRUE;
  return import_type (self, value, proto->type, error);
}

static gboolean
import_graph (Importer *self, Onnx__GraphProto *proto, GError **error)
{
  if (proto->n_sparse_initializer)
    return unet_graph_fail (self->graph, error, UNET_ERROR_UNSUPPORTED,
        "sparse initializers are not supported");
  if (MAX (proto->n_node, proto->n_initializer) > MAX_NODES
      || MAX (proto->n_input, proto->n_output) > MAX_NODES)
    return unet_graph_fail (self->graph, error, UNET_ERROR_LIMIT,
        "more than %d nodes or initializers", MAX_NODES);
  for (gsize i = 0; i < proto->n_initializer; i++)
    if (!import_initializer (self, proto->initializer[i], error))
      return FALSE;
  for (gsize i = 0; i < proto->n_input; i++)
    if (!import_input (self, proto->input[i], error))
      return FALSE;
  if (!unet_onnx_sort_nodes (proto, self->graph->name, error))
    return FALSE;
  for (gsize i = 0; i < proto->n_node; i++)
    if (!import_node (self, proto->node[i], error))
      return FALSE;
  for (gsize i = 0; i < proto->n_output; i++)
    if (!import_output (self, proto->output[i], error))
      return FALSE;
  if (!proto->n_output)
    return unet_graph_fail (
        self->graph, error, UNET_ERROR_PARSE, "the graph has no output");
  return TRUE;
}

static gboolean
import_opset (Importer *self, const Onnx__ModelProto *proto, GError **error)
{
  gboolean found = FALSE;
  gint64 version = 0;

  for (gsize i = 0; i < proto->n_opset_import; i++) {
    const Onnx__OperatorSetIdProto *set = proto->opset_import[i];
    if (is_empty (set->domain) || !strcmp (set->domain, "ai.onnx"))
      version = set->version, found = TRUE;
  }
  if (!found)
    return unet_graph_fail (self->graph, error, UNET_ERROR_UNSUPPORTED,
        "the file has no operator set of the domain ai.onnx; classical machine "
        "learning (ai.onnx.ml) and training steps are not supported");
  if (version < 1 || version > OPSET_MAX)
    return unet_graph_fail (self->graph, error, UNET_ERROR_UNSUPPORTED,
        "operator set %" G_GINT64_FORMAT " is not from %d to %d", version,
        OPSET_MIN, OPSET_MAX);
  self->graph->opset = (gint) version;
  return TRUE;
}

static void
import_metadata (Importer *self, const Onnx__ModelProto *proto)
{
  for (gsize i = 0; i < MIN (proto->n_metadata_props, MAX_NODES); i++) {
    const Onnx__StringStringEntryProto *entry = proto->metadata_props[i];
    const char *text = entry->value ? entry->value : "";
    gsize n = strnlen (text, MAX_TEXT + 1);
    if (n <= MAX_TEXT)
      g_hash_table_insert (self->graph->metadata, valid_name (entry->key),
          g_utf8_make_valid (text, (gssize) n));
  }
}

UnetGraph *
unet_onnx_parse (
    GBytes *bytes, const gchar *name, const gchar *folder, GError **error)
{
  Onnx__ModelProto *proto = unet_onnx_unpack (bytes, name, error);
  Importer self = { NULL, NULL, folder, FALSE };
  gboolean ok;

  if (!proto)
    return NULL;
  self.graph = unet_graph_new (name);
  self.values = g_hash_table_new (g_str_hash, g_str_equal);
  import_metadata (&self, proto);
  if (!proto->graph)
    ok = unet_graph_fail (self.graph, error, UNET_ERROR_PARSE,
        "not an ONNX model: it has no graph");
  else
    ok = import_opset (&self, proto, error)
        && unet_onnx_close_subgraphs (proto, MAX_NODES, name, error)
        && unet_onnx_inline_functions (proto, MAX_NODES, name, error)
        && import_graph (&self, proto->graph, error);
  g_hash_table_unref (self.values);
  onnx__model_proto__free_unpacked (proto, NULL);
  if (!ok)
    g_clear_pointer (&self.graph, unet_graph_free);
  return self.graph;
}
