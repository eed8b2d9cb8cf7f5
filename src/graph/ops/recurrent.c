/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include <string.h>

/* RNN, GRU (Cho et al. 2014, "Learning Phrase Representations using RNN
 * Encoder-Decoder") and LSTM (Hochreiter and Schmidhuber 1997, "Long Short-Term
 * Memory") as one product of matrices for all inputs and a few nodes for each
 * step of each direction (https://onnx.ai/onnx/operators/onnx__LSTM.html). */

/* Steps of all directions; each one becomes up to 30 nodes of about 1 KiB. */
#define MAX_STEPS  1024
#define STEP_BYTES (30 << 10)

typedef struct {
  UnetExpansion e;
  UnetOp op;
  UnetDType dtype;
  gint64 length, batch, size; /* steps, sequences, hidden numbers */
  guint gates, n_directions;
  gboolean backward;    /* the only direction, or the first */
  gboolean batch_first; /* attribute `layout` */
  gboolean reset_after, coupled;
  gdouble clip;
  gchar **activations; /* names for each direction, or empty */
  /* of one direction */
  UnetValue *x, *r, *r_bias, *p; /* r_bias, p: (nullable) */
  UnetOp functions[3];
} Recurrent;

static gboolean
fail (const Recurrent *self, UnetError code, const gchar *what, GError **error)
{
  unet_node_set_error (error, self->e.graph, self->e.node, code, "%s", what);
  return FALSE;
}

/* ---- attributes ------------------------------------------------------- */

/* Functions whose defaults are those of the operators of the same name. */
static gboolean
find_function (const gchar *name, UnetOp *op)
{
  static const struct {
    const gchar *name;
    UnetOp op;
  } functions[] = {
    { "Sigmoid", UNET_OP_Sigmoid },
    { "Tanh", UNET_OP_Tanh },
    { "Relu", UNET_OP_Relu },
    { "HardSigmoid", UNET_OP_HardSigmoid },
    { "LeakyRelu", UNET_OP_LeakyRelu },
    { "ThresholdedRelu", UNET_OP_ThresholdedRelu },
    { "Elu", UNET_OP_Elu },
    { "Softsign", UNET_OP_Softsign },
    { "Softplus", UNET_OP_Softplus },
  };

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    if (!g_ascii_strcasecmp (name, functions[i].name)) {
      *op = functions[i].op;
      return TRUE;
    }
  return FALSE;
}

static guint
count_functions (UnetOp op)
{
  return op == UNET_OP_LSTM ? 3 : op == UNET_OP_GRU ? 2 : 1;
}

static gboolean
choose_functions (Recurrent *self, guint direction, GError **error)
{
  const guint n = count_functions (self->op);

  self->functions[0] = self->op == UNET_OP_RNN ? UNET_OP_Tanh : UNET_OP_Sigmoid;
  self->functions[1] = self->functions[2] = UNET_OP_Tanh;
  if (g_strv_length (self->activations) == 0)
    return TRUE;
  if (g_strv_length (self->activations) != n * self->n_directions)
    return fail (self, UNET_ERROR_SHAPE,
        "'activations' does not name one function for each use", error);
  for (guint i = 0; i < n; i++)
    if (!find_function (
            self->activations[direction * n + i], &self->functions[i]))
      return fail (self, UNET_ERROR_UNSUPPORTED,
          "an activation function is not supported", error);
  return TRUE;
}

static gboolean
read_attributes (Recurrent *self, GError **error)
{
  const UnetNode *node = self->e.node;
  const gchar *direction = unet_node_attr_string (node, "direction", "forward");

  self->op = node->op;
  self->gates = self->op == UNET_OP_LSTM ? 4 : self->op == UNET_OP_GRU ? 3 : 1;
  self->backward = !strcmp (direction, "reverse");
  self->n_directions = !strcmp (direction, "bidirectional") ? 2 : 1;
  self->batch_first = unet_node_attr_int (node, "layout", 0) != 0;
  self->reset_after = unet_node_attr_int (node, "linear_before_reset", 0) != 0;
  self->coupled = unet_node_attr_int (node, "input_forget", 0) != 0;
  self->clip = unet_node_attr_float (node, "clip", 0);
  self->activations =
      g_strsplit (unet_node_attr_string (node, "activations", ""), "\n", 0);
  if (unet_node_attr (node, "activation_alpha")
      || unet_node_attr (node, "activation_beta"))
    return fail (self, UNET_ERROR_UNSUPPORTED,
        "parameters of the activation functions are not supported; export with "
        "the defaults",
        error);
  return TRUE;
}

/* ---- pieces of values ------------------------------------------------- */

static UnetValue *
slice (Recurrent *self, UnetValue *x, gint64 axis, gint64 from, gint64 to)
{
  UnetGraph *graph = self->e.graph;
  const gchar *name = self->e.node->name;
  UnetValue *in[] = { x,
    unet_graph_add_constant (graph, name, unet_tensor_new_ints (&from, 1)),
    unet_graph_add_constant (graph, name, unet_tensor_new_ints (&to, 1)),
    unet_graph_add_constant (graph, name, unet_tensor_new_ints (&axis, 1)) };

  return unet_expansion_insert (&self->e, UNET_OP_Slice, in, 4);
}

/* Returns part @i of @x along its first axis, which goes. */
static UnetValue *
pick (Recurrent *self, UnetValue *x, gint64 i)
{
  UnetValue *y = unet_expansion_binary (&self->e, UNET_OP_Gather, x,
      unet_expansion_number (&self->e, UNET_DTYPE_I64, (gdouble) i));

  unet_node_set_attr_int (y->producer, "axis", 0);
  return y;
}

static UnetValue *
permute (Recurrent *self, UnetValue *x, const gint64 *perm, guint n)
{
  UnetValue *y = unet_expansion_unary (&self->e, UNET_OP_Transpose, x);

  unet_node_set_attr_ints (y->producer, "perm", perm, n);
  return y;
}

static UnetValue *
join (Recurrent *self, GPtrArray *parts, gint64 axis)
{
  UnetValue *y = unet_expansion_insert (
      &self->e, UNET_OP_Concat, (UnetValue *const *) parts->pdata, parts->len);

  unet_node_set_attr_int (y->producer, "axis", axis);
  return y;
}

static UnetValue *
add_axes (Recurrent *self, UnetValue *x, guint n)
{
  static const gint64 axes[] = { 0, 1 };
  UnetValue *y = unet_expansion_unary (&self->e, UNET_OP_Unsqueeze, x);

  unet_node_set_attr_ints (y->producer, "axes", axes, n);
  return y;
}

static UnetValue *
add (Recurrent *self, UnetValue *a, UnetValue *b)
{
  return unet_expansion_binary (&self->e, UNET_OP_Add, a, b);
}

static UnetValue *
multiply (Recurrent *self, UnetValue *a, UnetValue *b)
{
  return unet_expansion_binary (&self->e, UNET_OP_Mul, a, b);
}

static UnetValue *
complement (Recurrent *self, UnetValue *x)
{
  return unet_expansion_binary (&self->e, UNET_OP_Sub,
      unet_expansion_number (&self->e, self->dtype, 1), x);
}

static UnetValue *
gate (Recurrent *self, UnetValue *x, guint index)
{
  return slice (self, x, -1, index * self->size, (index + 1) * self->size);
}

static UnetValue *
activate (Recurrent *self, UnetValue *x, guint function)
{
  if (self->clip > 0) {
    UnetValue *in[] = { x,
      unet_expansion_number (&self->e, self->dtype, -self->clip),
      unet_expansion_number (&self->e, self->dtype, self->clip) };
    x = unet_expansion_insert (&self->e, UNET_OP_Clip, in, 3);
    x->producer->since = 13;
  }
  return unet_expansion_unary (&self->e, self->functions[function], x);
}

/* ---- one step --------------------------------------------------------- */

/* Adds the weighted cell, if the network looks at it. */
static UnetValue *
peep (Recurrent *self, UnetValue *x, guint index, UnetValue *cell)
{
  return self->p
      ? add (self, x, multiply (self, gate (self, self->p, index), cell))
      : x;
}

static UnetValue *
step_lstm (Recurrent *self, UnetValue *sum, UnetValue **cell)
{
  UnetValue *in, *forget, *out, *c;

  in = activate (self, peep (self, gate (self, sum, 0), 0, *cell), 0);
  forget = self->coupled
      ? complement (self, in)
      : activate (self, peep (self, gate (self, sum, 2), 2, *cell), 0);
  c = add (self, multiply (self, forget, *cell),
      multiply (self, in, activate (self, gate (self, sum, 3), 1)));
  out = activate (self, peep (self, gate (self, sum, 1), 1, c), 0);
  *cell = c;
  return multiply (
      self, out, unet_expansion_unary (&self->e, self->functions[2], c));
}

/* @x: products of the input; @h: of the last step, for the first two gates or
 * all of them. */
static UnetValue *
step_gru (Recurrent *self, UnetValue *x, UnetValue *hidden)
{
  const gint64 n = self->size;
  UnetValue *update, *reset, *candidate, *h, *in_x = gate (self, x, 2);
  UnetValue *first = slice (self, self->r, 1, 0, 2 * n);
  UnetValue *last = slice (self, self->r, 1, 2 * n, 3 * n);

  h = unet_expansion_binary (&self->e, UNET_OP_MatMul, hidden, first);
  h = add (self, slice (self, x, -1, 0, 2 * n), h);
  if (self->r_bias)
    h = add (self, h, slice (self, self->r_bias, 0, 0, 2 * n));
  update = activate (self, gate (self, h, 0), 0);
  reset = activate (self, gate (self, h, 1), 0);
  candidate = unet_expansion_binary (&self->e, UNET_OP_MatMul,
      self->reset_after ? hidden : multiply (self, reset, hidden), last);
  if (self->r_bias)
    candidate = add (self, candidate, gate (self, self->r_bias, 2));
  if (self->reset_after)
    candidate = multiply (self, reset, candidate);
  candidate = activate (self, add (self, in_x, candidate), 1);
  return add (self, multiply (self, complement (self, update), candidate),
      multiply (self, update, hidden));
}

static UnetValue *
step (Recurrent *self, gint64 time, UnetValue *hidden, UnetValue **cell)
{
  UnetValue *x = pick (self, self->x, time), *sum;

  if (self->op == UNET_OP_GRU)
    return step_gru (self, x, hidden);
  sum = add (self, x,
      unet_expansion_binary (&self->e, UNET_OP_MatMul, hidden, self->r));
  if (self->r_bias)
    sum = add (self, sum, self->r_bias);
  return self->op == UNET_OP_LSTM ? step_lstm (self, sum, cell)
                                  : activate (self, sum, 0);
}

/* ---- all of it -------------------------------------------------------- */

/* Returns state @index of a direction, or zeros. */
static UnetValue *
find_state (Recurrent *self, guint index, guint direction)
{
  const gint64 dims[2] = { self->batch, self->size };
  UnetValue *given = unet_node_input (self->e.node, index);

  if (!given)
    return unet_graph_add_constant (self->e.graph, self->e.node->name,
        unet_tensor_new (self->dtype, 2, dims));
  if (self->batch_first)
    given = permute (self, given, (const gint64[]){ 1, 0, 2 }, 3);
  return pick (self, given, direction);
}

/* Multiplies the inputs of all steps. */
static void
prepare_direction (Recurrent *self, UnetValue *x, guint direction)
{
  static const gint64 transposed[] = { 1, 0 };
  const UnetNode *node = self->e.node;
  const gint64 n = self->gates * self->size;
  UnetValue *w = pick (self, unet_node_input (node, 1), direction);
  UnetValue *bias = unet_node_input (node, 3), *p = unet_node_input (node, 7);

  self->x = unet_expansion_binary (
      &self->e, UNET_OP_MatMul, x, permute (self, w, transposed, 2));
  self->r = permute (
      self, pick (self, unet_node_input (node, 2), direction), transposed, 2);
  self->r_bias = NULL;
  if (bias) {
    bias = pick (self, bias, direction);
    self->x = add (self, self->x, slice (self, bias, 0, 0, n));
    self->r_bias = slice (self, bias, 0, n, 2 * n);
  }
  self->p = p ? pick (self, p, direction) : NULL;
}

/* Appends what a direction gives: all steps, and the last states. */
static void
run_direction (Recurrent *self, guint direction, GPtrArray **results)
{
  const gboolean backward = self->backward || direction == 1;
  UnetValue *hidden = find_state (self, 5, direction), *cell = NULL;
  g_autoptr (GPtrArray) steps = g_ptr_array_new ();

  if (self->op == UNET_OP_LSTM)
    cell = find_state (self, 6, direction);
  for (gint64 t = 0; t < self->length; t++) {
    hidden = step (self, backward ? self->length - 1 - t : t, hidden, &cell);
    g_ptr_array_insert (steps, backward ? 0 : -1, add_axes (self, hidden, 2));
  }
  g_ptr_array_add (results[0], join (self, steps, 0));
  g_ptr_array_add (results[1], add_axes (self, hidden, 1));
  if (cell)
    g_ptr_array_add (results[2], add_axes (self, cell, 1));
}

/* Makes output @index of the node the last state. */
static void
give_state (Recurrent *self, guint index, GPtrArray *parts)
{
  UnetValue *output = unet_node_output (self->e.node, index), *y;

  if (!output || parts->len == 0)
    return;
  y = join (self, parts, 0);
  if (self->batch_first)
    y = permute (self, y, (const gint64[]){ 1, 0, 2 }, 3);
  y = unet_expansion_unary (&self->e, UNET_OP_Identity, y);
  unet_node_set_output (self->e.node, index, NULL);
  unet_node_set_output (y->producer, 0, output);
}

static gboolean
expand (Recurrent *self, GError **error)
{
  GPtrArray *results[3] = { g_ptr_array_new (), g_ptr_array_new (),
    g_ptr_array_new () };
  UnetValue *x = unet_node_input (self->e.node, 0), *y;
  gboolean ok = TRUE;

  if (self->batch_first)
    x = permute (self, x, (const gint64[]){ 1, 0, 2 }, 3);
  for (guint d = 0; ok && d < self->n_directions; d++) {
    ok = choose_functions (self, d, error);
    if (!ok)
      break;
    prepare_direction (self, x, d);
    run_direction (self, d, results);
  }
  if (ok) {
    give_state (self, 1, results[1]);
    give_state (self, 2, results[2]);
    y = join (self, results[0], 1);
    if (self->batch_first)
      y = permute (self, y, (const gint64[]){ 2, 0, 1, 3 }, 4);
    g_ptr_array_set_size (self->e.node->outputs, 1);
    unet_expansion_become (&self->e, UNET_OP_Identity, &y, 1);
  }
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    g_ptr_array_unref (results[i]);
  return ok;
}

/* ---- inference -------------------------------------------------------- */

static gboolean
has_dims (const UnetValue *value, guint rank, const gint64 *dims)
{
  gboolean ok = !value || value->n_dims == rank;

  for (guint i = 0; value && ok && i < rank; i++)
    ok = value->dims[i] == dims[i];
  return ok;
}

static gboolean
check_shapes (Recurrent *self, GError **error)
{
  const UnetNode *node = self->e.node;
  const UnetValue *x = unet_node_input (node, 0);
  const gint64 d = self->n_directions, n = self->gates * self->size;
  const gint64 state[2][3] = { { d, self->batch, self->size },
    { self->batch, d, self->size } };

  if (self->size >= 1 && self->size <= G_MAXINT16
      && has_dims (
          unet_node_input (node, 1), 3, (const gint64[]){ d, n, x->dims[2] })
      && has_dims (
          unet_node_input (node, 2), 3, (const gint64[]){ d, n, self->size })
      && has_dims (unet_node_input (node, 3), 2, (const gint64[]){ d, 2 * n })
      && has_dims (unet_node_input (node, 5), 3, state[self->batch_first])
      && has_dims (unet_node_input (node, 6), 3, state[self->batch_first])
      && has_dims (
          unet_node_input (node, 7), 2, (const gint64[]){ d, 3 * self->size }))
    return TRUE;
  return fail (self, UNET_ERROR_SHAPE,
      "weights, biases and states do not fit the input", error);
}

static gboolean
check_lengths (const Recurrent *self, GError **error)
{
  UnetArgs args = { self->e.graph, self->e.node, NULL, 0 };
  UnetTensorView lengths;

  if (!unet_arg (&args, 4, &lengths))
    return TRUE;
  for (gsize i = 0; i < unet_view_count (&lengths); i++)
    if (unet_view_int (&lengths, i) != self->length)
      return fail (self, UNET_ERROR_UNSUPPORTED,
          "sequences of different lengths are not supported; export without "
          "'sequence_lens'",
          error);
  return TRUE;
}

/* Returns whether shapes, and the lengths of sequences, are known. */
static gboolean
is_ready (const UnetNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *value = unet_node_input (node, i);
    if (value && !unet_expansion_knows_dims (value))
      return FALSE;
  }
  return !unet_node_input (node, 4) || unet_node_input (node, 4)->constant;
}

static gboolean
infer (UnetGraph *graph, UnetNode *node, GError **error)
{
  Recurrent self = { .e = { graph, node } };
  const UnetValue *x = unet_node_input (node, 0);
  const UnetValue *r = unet_node_input (node, 2);
  gboolean ok;

  for (guint i = 0; i < node->outputs->len; i++)
    if (unet_node_output (node, i)) {
      unet_node_output (node, i)->dtype = x->dtype;
      unet_node_output (node, i)->has_shape = FALSE;
    }
  if (!is_ready (node))
    return TRUE;
  ok = read_attributes (&self, error);
  if (ok
      && (x->n_dims != 3 || r->n_dims != 3 || !unet_dtype_is_float (x->dtype)))
    ok = fail (
        &self, UNET_ERROR_SHAPE, "input or weights have no rank of 3", error);
  if (ok) {
    self.dtype = x->dtype;
    self.length = x->dims[self.batch_first ? 1 : 0];
    self.batch = x->dims[self.batch_first ? 0 : 1];
    self.size = r->dims[2];
    ok = check_shapes (&self, error) && check_lengths (&self, error);
  }
  if (ok && (self.length < 1 || self.length * self.n_directions > MAX_STEPS))
    ok = fail (&self, UNET_ERROR_LIMIT, "sequences are too long", error);
  ok = ok
      && unet_expansion_claim (&self.e,
          (gsize) (self.length * self.n_directions) * STEP_BYTES, error)
      && expand (&self, error);
  g_strfreev (self.activations);
  return ok;
}

#define RECURRENT(op)                                                          \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return infer (graph, node, error);                                         \
  }

RECURRENT (RNN)
RECURRENT (GRU)
RECURRENT (LSTM)
