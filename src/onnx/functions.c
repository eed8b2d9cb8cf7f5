/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/functions.h"
#include "onnx/subgraphs.h"
#include <stdlib.h>
#include <string.h>
#include <unetseg/unet-types.h>

/* Calls inside calls; exporters nest them by the modules of a network. */
#define MAX_DEPTH 64
/* Field of FunctionProto with the attributes that have a default. Releases of
 * ONNX before 1.13 do not name it. */
#define DEFAULTS_FIELD 11
/* Bytes that copies of functions may take in the file's form: these, and so
 * often the functions' own. Names of one letter take ten times as much in
 * memory. */
#define SPARE_BYTES ((gsize) 16 << 20)
#define CALLS       4

typedef struct {
  Onnx__ModelProto *model;
  GHashTable *functions; /* "domain name" -> Onnx__FunctionProto */
  GPtrArray *nodes;      /* of the graph or sub-graph so far */
  const gchar *name;
  gsize n_nodes, max_nodes; /* of the graph and all sub-graphs */
  gsize bytes_left;
  guint calls;
} Inliner;

/* One call, while its nodes are copied. */
typedef struct {
  const Onnx__NodeProto *call;
  const Onnx__FunctionProto *function;
  GPtrArray *defaults; /* of Onnx__AttributeProto, owned */
  GHashTable *names;   /* name in the function -> name outside, owned */
  gchar *prefix;
} Call;

static const gchar *
text (const char *string)
{
  return string ? string : "";
}

static gboolean
fail (const Inliner *self, const Onnx__FunctionProto *function, UnetError code,
    const gchar *what, GError **error)
{
  g_autofree gchar *name = g_utf8_make_valid (text (function->name), -1);

  g_set_error (error, UNET_ERROR, (gint) code, "%s: function '%.200s' %s",
      self->name, name, what);
  return FALSE;
}

static gchar *
key_of (const char *domain, const char *name)
{
  return g_strdup_printf ("%s %s", text (domain), text (name));
}

/* ---- copies ---------------------------------------------------------------
 */

/* Packing and unpacking copies a message with all that it holds. */
static ProtobufCMessage *
copy_message (const ProtobufCMessage *from)
{
  gsize size = protobuf_c_message_get_packed_size (from);
  g_autofree guint8 *packed = g_malloc (MAX (size, 1));

  protobuf_c_message_pack (from, packed);
  return protobuf_c_message_unpack (from->descriptor, NULL, size, packed);
}

/* The model's strings are freed by free(). */
static void
set_string (char **string, const gchar *value)
{
  free (*string);
  *string = strdup (value);
}

static void
free_attribute (gpointer attribute)
{
  onnx__attribute_proto__free_unpacked (attribute, NULL);
}

/* ---- defaults of attributes -----------------------------------------------
 */

/* Reads a field of a release that the program was not built with: a length,
 * then the message. */
static Onnx__AttributeProto *
unpack_unknown (const ProtobufCMessageUnknownField *field)
{
  gsize at = 0;

  while (at < field->len && field->data[at] & 0x80)
    at++;
  if (at >= field->len)
    return NULL;
  return onnx__attribute_proto__unpack (
      NULL, field->len - at - 1, field->data + at + 1);
}

static GPtrArray *
read_defaults (const Onnx__FunctionProto *function)
{
  const ProtobufCMessage *base = &function->base;
  const ProtobufCFieldDescriptor *field =
      protobuf_c_message_descriptor_get_field (
          base->descriptor, DEFAULTS_FIELD);
  GPtrArray *defaults = g_ptr_array_new_with_free_func (free_attribute);

  if (field) {
    gsize n =
        *(const gsize *) ((const gchar *) function + field->quantifier_offset);
    ProtobufCMessage *const *all =
        *(ProtobufCMessage *const *const *) ((const gchar *) function
            + field->offset);
    for (gsize i = 0; i < n; i++)
      g_ptr_array_add (defaults, copy_message (all[i]));
  }
  for (guint i = 0; i < base->n_unknown_fields; i++)
    if (base->unknown_fields[i].tag == DEFAULTS_FIELD) {
      Onnx__AttributeProto *attribute =
          unpack_unknown (&base->unknown_fields[i]);
      if (attribute)
        g_ptr_array_add (defaults, attribute);
    }
  return defaults;
}

/* Returns what the call gives for the attribute @name of its function, or the
 * default, or %NULL. */
static const Onnx__AttributeProto *
find_attribute (const Call *call, const gchar *name)
{
  for (gsize i = 0; i < call->call->n_attribute; i++)
    if (!strcmp (text (call->call->attribute[i]->name), name))
      return call->call->attribute[i];
  for (guint i = 0; i < call->defaults->len; i++) {
    const Onnx__AttributeProto *attribute =
        g_ptr_array_index (call->defaults, i);
    if (!strcmp (text (attribute->name), name))
      return attribute;
  }
  return NULL;
}

static gboolean set_attributes (const Call *call, Onnx__NodeProto *node);

static gboolean
set_subgraph_attributes (const Call *call, Onnx__GraphProto *graph)
{
  for (gsize i = 0; graph && i < graph->n_node; i++)
    if (!set_attributes (call, graph->node[i]))
      return FALSE;
  return TRUE;
}

/* Attributes that refer to one of the function take its value, or go. */
static gboolean
set_attributes (const Call *call, Onnx__NodeProto *node)
{
  gsize kept = 0;

  for (gsize i = 0; i < node->n_attribute; i++)
    if (!set_subgraph_attributes (call, node->attribute[i]->g))
      return FALSE;

  for (gsize i = 0; i < node->n_attribute; i++) {
    Onnx__AttributeProto *attribute = node->attribute[i];
    const Onnx__AttributeProto *given;
    if (!*text (attribute->ref_attr_name)) {
      node->attribute[kept++] = attribute;
      continue;
    }
    given = find_attribute (call, attribute->ref_attr_name);
    if (given) {
      Onnx__AttributeProto *copy =
          (Onnx__AttributeProto *) copy_message (&given->base);
      if (!copy) {
        memmove (&node->attribute[kept], &node->attribute[i],
            (node->n_attribute - i) * sizeof *node->attribute);
        node->n_attribute -= i - kept;
        return FALSE;
      }
      set_string (&copy->name, text (attribute->name));
      node->attribute[kept++] = copy;
    }
    free_attribute (attribute);
  }
  node->n_attribute = kept;
  return TRUE;
}

/* ---- one call --------------------------------------------------------------
 */

/* Formal names are those of the call's values, an empty one where it has none.
 * Values inside get names of their own when they come up. */
static void
begin_call (Inliner *self, Call *call, const Onnx__NodeProto *node,
    const Onnx__FunctionProto *function)
{
  call->call = node;
  call->function = function;
  call->defaults = read_defaults (function);
  call->names = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  call->prefix = g_strdup_printf ("%.200s.%u",
      text (*text (node->name) ? node->name : function->name), self->calls++);
  for (gsize i = 0; i < function->n_input; i++)
    g_hash_table_insert (call->names, function->input[i],
        g_strdup (i < node->n_input ? text (node->input[i]) : ""));
  for (gsize i = 0; i < function->n_output; i++)
    if (i < node->n_output && *text (node->output[i]))
      g_hash_table_insert (
          call->names, function->output[i], g_strdup (node->output[i]));
}

static void
end_call (Call *call)
{
  g_ptr_array_unref (call->defaults);
  g_hash_table_unref (call->names);
  g_free (call->prefix);
}

static void
rename_value (const Call *call, char **value)
{
  const gchar *outer;
  g_autofree gchar *inner = NULL;

  if (!*text (*value))
    return;
  outer = g_hash_table_lookup (call->names, *value);
  if (!outer)
    outer = inner = g_strdup_printf ("%s/%s", call->prefix, *value);
  set_string (value, outer);
}

/* Returns a copy of the function's node as it is in the graph, %NULL without
 * memory. */
static Onnx__NodeProto *
copy_node (const Call *call, const Onnx__NodeProto *from)
{
  Onnx__NodeProto *node = (Onnx__NodeProto *) copy_message (&from->base);
  g_autofree gchar *name = NULL;

  if (!node || !set_attributes (call, node)) {
    if (node)
      onnx__node_proto__free_unpacked (node, NULL);
    return NULL;
  }
  name = g_strdup_printf ("%s/%s", call->prefix,
      text (*text (from->name) ? from->name : from->op_type));
  set_string (&node->name, name);
  for (gsize i = 0; i < node->n_input; i++)
    rename_value (call, &node->input[i]);
  for (gsize i = 0; i < node->n_output; i++)
    rename_value (call, &node->output[i]);
  return node;
}

static gint64
main_version (Onnx__OperatorSetIdProto *const *sets, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (!*text (sets[i]->domain) || !strcmp (sets[i]->domain, "ai.onnx"))
      return sets[i]->version;
  return 0;
}

static gboolean
check_function (const Inliner *self, const Onnx__FunctionProto *function,
    const Onnx__NodeProto *call, GError **error)
{
  gint64 ours =
      main_version (self->model->opset_import, self->model->n_opset_import);
  gint64 its = main_version (function->opset_import, function->n_opset_import);

  if (its != 0 && its != ours)
    return fail (self, function, UNET_ERROR_UNSUPPORTED,
        "is of another operator set than the graph; export both for one",
        error);
  if (call->n_input > function->n_input || call->n_output > function->n_output)
    return fail (self, function, UNET_ERROR_PARSE,
        "is called with more values than it has", error);
  for (gsize i = 0; i < function->n_output; i++)
    for (gsize k = 0; k < function->n_input; k++)
      if (!strcmp (function->output[i], function->input[k]))
        return fail (self, function, UNET_ERROR_UNSUPPORTED,
            "has an input that is an output", error);
  if (self->calls > self->max_nodes)
    return fail (self, function, UNET_ERROR_LIMIT,
        "is called more often than a graph has nodes", error);
  return TRUE;
}

/* Returns a copy of node @index of the function, or %NULL with an error. */
static Onnx__NodeProto *
take_node (Inliner *self, const Call *call, gsize index, GError **error)
{
  const Onnx__NodeProto *from = call->function->node[index];
  gsize size = protobuf_c_message_get_packed_size (&from->base);
  Onnx__NodeProto *copy;

  if (size > self->bytes_left) {
    fail (self, call->function, UNET_ERROR_LIMIT,
        "takes too much memory in all calls together", error);
    return NULL;
  }
  self->bytes_left -= size;
  copy = copy_node (call, from);
  if (!copy)
    fail (self, call->function, UNET_ERROR_LIMIT, "has no memory", error);
  return copy;
}

static gboolean add_node (
    Inliner *self, Onnx__NodeProto *node, guint depth, GError **error);

/* Frees @node, the call. */
static gboolean
add_call (Inliner *self, Onnx__NodeProto *node,
    const Onnx__FunctionProto *function, guint depth, GError **error)
{
  Call call;
  gboolean ok;

  ok = check_function (self, function, node, error);
  if (ok && depth == MAX_DEPTH)
    ok = fail (self, function, UNET_ERROR_LIMIT,
        "calls functions too deeply, or itself", error);
  begin_call (self, &call, node, function);
  for (gsize i = 0; ok && i < function->n_node; i++) {
    Onnx__NodeProto *copy = take_node (self, &call, i, error);
    ok = copy && add_node (self, copy, depth + 1, error);
  }
  end_call (&call);
  onnx__node_proto__free_unpacked (node, NULL);
  return ok;
}

/* Gives @graph the nodes so far, and those after @done as they are. */
static void
set_nodes (Inliner *self, Onnx__GraphProto *graph, gsize done)
{
  gsize rest = graph->n_node - done, n = self->nodes->len;
  Onnx__NodeProto **nodes = malloc (MAX (n + rest, 1) * sizeof *nodes);

  g_assert (nodes); /* at most twice the limit of nodes */
  for (gsize i = 0; i < n; i++)
    nodes[i] = g_ptr_array_index (self->nodes, i);
  for (gsize i = 0; i < rest; i++)
    nodes[n + i] = graph->node[done + i];
  free (graph->node);
  graph->node = nodes;
  graph->n_node = n + rest;
}

static gboolean
inline_graph (
    Inliner *self, Onnx__GraphProto *graph, guint depth, GError **error)
{
  GPtrArray *outer = self->nodes;
  gboolean ok = TRUE;
  gsize i;

  self->nodes = g_ptr_array_new ();
  for (i = 0; ok && i < graph->n_node; i++)
    ok = add_node (self, graph->node[i], depth, error);
  set_nodes (self, graph, i);
  g_ptr_array_unref (self->nodes);
  self->nodes = outer;
  return ok;
}

/* Takes @node. */
static gboolean
add_node (Inliner *self, Onnx__NodeProto *node, guint depth, GError **error)
{
  g_autofree gchar *key = key_of (node->domain, node->op_type);
  const Onnx__FunctionProto *function =
      g_hash_table_lookup (self->functions, key);

  if (function)
    return add_call (self, node, function, depth, error);
  g_ptr_array_add (self->nodes, node);
  for (gsize i = 0; i < node->n_attribute; i++)
    if (unet_onnx_has_subgraphs (node) && node->attribute[i]->g
        && !inline_graph (self, node->attribute[i]->g, depth, error))
      return FALSE;
  if (++self->n_nodes <= self->max_nodes)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "%s: functions unfold to more than %" G_GSIZE_FORMAT " nodes", self->name,
      self->max_nodes);
  return FALSE;
}

/* ---- the model -------------------------------------------------------------
 */

static gboolean
collect_functions (Inliner *self, GError **error)
{
  const Onnx__ModelProto *model = self->model;

  for (gsize i = 0; i < model->n_functions; i++) {
    Onnx__FunctionProto *function = model->functions[i];
    gchar *key = key_of (function->domain, function->name);
    self->bytes_left +=
        CALLS * protobuf_c_message_get_packed_size (&function->base);
    if (!g_hash_table_insert (self->functions, key, function))
      return fail (self, function, UNET_ERROR_UNSUPPORTED,
          "is there more than once; overloads are not supported", error);
  }
  return TRUE;
}

gboolean
unet_onnx_inline_functions (
    Onnx__ModelProto *model, gsize max_nodes, const gchar *name, GError **error)
{
  Inliner self = { .model = model,
    .name = name,
    .max_nodes = max_nodes,
    .bytes_left = SPARE_BYTES };
  gboolean ok;

  if (model->n_functions == 0)
    return TRUE;
  self.functions =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  ok = collect_functions (&self, error)
      && inline_graph (&self, model->graph, 0, error);
  g_hash_table_unref (self.functions);
  return ok;
}
