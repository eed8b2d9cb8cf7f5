/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include <math.h>
#include <string.h>

/* Attention (Vaswani et al. 2017, "Attention Is All You Need") and rotary
 * positions (Su et al. 2021, "RoFormer") as products of matrices, Softmax and
 * simple operators (https://onnx.ai/onnx/operators/onnx__Attention.html). */

static gboolean
fail (const UnetExpansion *e, UnetError code, const gchar *what, GError **error)
{
  unet_node_set_error (error, e->graph, e->node, code, "%s", what);
  return FALSE;
}

static UnetValue *
add_ints (UnetExpansion *e, const gint64 *ints, guint n)
{
  return unet_graph_add_constant (
      e->graph, e->node->name, unet_tensor_new_ints (ints, n));
}

static UnetValue *
add_int (UnetExpansion *e, gint64 number)
{
  return add_ints (e, &number, 1);
}

/* [batch, length, heads * size] becomes [batch, heads, length, size]. */
static UnetValue *
split_heads (UnetExpansion *e, UnetValue *x, gint64 heads)
{
  if (x->n_dims == 4)
    return x;
  x = unet_expansion_reshape (e, x, 4,
      (const gint64[]){
          x->dims[0], x->dims[1], heads, x->dims[2] / MAX (heads, 1) });
  return unet_expansion_transpose (e, x, (const gint64[]){ 0, 2, 1, 3 });
}

/* The node becomes @x, [batch, heads, length, size], as @rank asks for it. */
static void
join_heads (UnetExpansion *e, UnetValue *x, guint rank)
{
  const gint64 joined[3] = { x->dims[0], x->dims[2], x->dims[1] * x->dims[3] };
  UnetValue *in[2] = { x, NULL };

  if (rank == 4) {
    unet_expansion_become (e, UNET_OP_Identity, in, 1);
    return;
  }
  in[0] = unet_expansion_transpose (e, x, (const gint64[]){ 0, 2, 1, 3 });
  in[1] = add_ints (e, joined, 3);
  unet_expansion_become (e, UNET_OP_Reshape, in, 2);
}

static gboolean
check_heads (const UnetExpansion *e, const UnetValue *x, gint64 heads,
    const gchar *what, GError **error)
{
  if (x->n_dims == 4
      || (x->n_dims == 3 && heads > 0
          && (x->dims[2] < 0 || x->dims[2] % heads == 0)))
    return TRUE;
  return fail (e, UNET_ERROR_SHAPE, what, error);
}

/* ---- RotaryEmbedding -------------------------------------------------- */

static UnetValue *
slice_last (UnetExpansion *e, UnetValue *x, gint64 from, gint64 to, gint64 step)
{
  UnetValue *in[] = { x, add_int (e, from), add_int (e, to), add_int (e, 3),
    add_int (e, step) };

  return unet_expansion_insert (e, UNET_OP_Slice, in, 5);
}

/* Returns the cosines or sines of the positions, for broadcasting over heads.
 */
static UnetValue *
find_angles (UnetExpansion *e, UnetValue *table, UnetValue *positions)
{
  const gint64 heads = 1;

  if (positions)
    table = unet_expansion_binary (e, UNET_OP_Gather, table, positions);
  table = unet_expansion_unary (e, UNET_OP_Unsqueeze, table);
  unet_node_set_attr_ints (table->producer, "axes", &heads, 1);
  return table;
}

/* Returns @a * @p with @b * @q added or, by @op, taken away. */
static UnetValue *
combine (UnetExpansion *e, UnetOp op, UnetValue *a, UnetValue *p, UnetValue *b,
    UnetValue *q)
{
  return unet_expansion_binary (e, op,
      unet_expansion_binary (e, UNET_OP_Mul, a, p),
      unet_expansion_binary (e, UNET_OP_Mul, b, q));
}

/* Puts both halves of @n elements together, the one behind the other or in
 * turns. */
static UnetValue *
merge (UnetExpansion *e, UnetValue *real, UnetValue *imaginary, gint64 n,
    gboolean interleaved, const gint64 *dims)
{
  UnetValue *parts[2] = { real, imaginary }, *result;
  const gint64 last = 4, whole[4] = { dims[0], dims[1], dims[2], n };

  for (guint i = 0; interleaved && i < 2; i++) {
    parts[i] = unet_expansion_unary (e, UNET_OP_Unsqueeze, parts[i]);
    unet_node_set_attr_ints (parts[i]->producer, "axes", &last, 1);
  }
  result = unet_expansion_insert (e, UNET_OP_Concat, parts, 2);
  unet_node_set_attr_int (result->producer, "axis", -1);
  result->dtype = real->dtype;
  return interleaved ? unet_expansion_reshape (e, result, 4, whole) : result;
}

static void
rotate (UnetExpansion *e, UnetValue *x, gint64 n)
{
  const UnetNode *node = e->node;
  const gboolean turns = unet_node_attr_int (node, "interleaved", 0) != 0;
  const guint rank = unet_node_input (node, 0)->n_dims;
  UnetValue *positions = unet_node_input (node, 3);
  UnetValue *cosine = find_angles (e, unet_node_input (node, 1), positions);
  UnetValue *sine = find_angles (e, unet_node_input (node, 2), positions);
  UnetValue *a = slice_last (e, x, 0, turns ? n : n / 2, turns ? 2 : 1);
  UnetValue *b = slice_last (e, x, turns ? 1 : n / 2, n, turns ? 2 : 1);
  UnetValue *parts[2] = {
    merge (e, combine (e, UNET_OP_Sub, a, cosine, b, sine),
        combine (e, UNET_OP_Add, a, sine, b, cosine), n, turns, x->dims),
    NULL
  };

  if (n < x->dims[3]) {
    parts[1] = slice_last (e, x, n, x->dims[3], 1);
    parts[0] = unet_expansion_insert (e, UNET_OP_Concat, parts, 2);
    unet_node_set_attr_int (parts[0]->producer, "axis", -1);
  }
  unet_value_set_shape (parts[0], x->dtype, 4, x->dims);
  join_heads (e, parts[0], rank);
}

UNET_INFER (RotaryEmbedding)
{
  UnetExpansion e = { graph, node };
  UnetValue *x = unet_node_input (node, 0);
  gint64 heads = unet_node_attr_int (node, "num_heads", 0), n;

  if (!check_heads (&e, x, heads, "rank or heads do not fit", error))
    return FALSE;
  unet_infer_same (graph, node, error);
  if (!unet_expansion_knows_dims (x))
    return TRUE;
  x = split_heads (&e, x, heads);
  n = unet_node_attr_int (node, "rotary_embedding_dim", 0);
  n = n ? n : x->dims[3];
  if (n < 2 || n % 2 || n > x->dims[3])
    return fail (&e, UNET_ERROR_SHAPE,
        "'rotary_embedding_dim' does not fit the size of a head", error);
  rotate (&e, x, n);
  return TRUE;
}

/* ---- Attention -------------------------------------------------------- */

typedef struct {
  UnetExpansion e;
  UnetValue *q, *k, *v;
  gint64 q_heads, kv_heads;
  gdouble scale, cap;
  gboolean causal;
} Attention;

static gboolean
read_attention (Attention *a, GError **error)
{
  const UnetNode *node = a->e.node;

  a->q = unet_node_input (node, 0);
  a->k = unet_node_input (node, 1);
  a->v = unet_node_input (node, 2);
  a->q_heads = unet_node_attr_int (node, "q_num_heads", 0);
  a->kv_heads = unet_node_attr_int (node, "kv_num_heads", 0);
  a->scale = unet_node_attr_float (node, "scale", 0);
  a->cap = unet_node_attr_float (node, "softcap", 0);
  a->causal = unet_node_attr_int (node, "is_causal", 0) != 0;
  if (unet_node_output (node, 3) || unet_node_input (node, 6))
    return fail (&a->e, UNET_ERROR_UNSUPPORTED,
        "products as an output and lengths as an input are not supported",
        error);
  /* Releases of the standard differ in these. */
  if ((a->causal && unet_node_input (node, 4))
      || (a->cap != 0 && (a->causal || unet_node_input (node, 3))))
    return fail (&a->e, UNET_ERROR_UNSUPPORTED,
        "is_causal with past keys, or softcap with a mask, is not supported",
        error);
  return check_heads (&a->e, a->q, a->q_heads, "queries do not fit", error)
      && check_heads (&a->e, a->k, a->kv_heads, "keys do not fit", error)
      && check_heads (&a->e, a->v, a->kv_heads, "values do not fit", error);
}

static gboolean
check_attention (const Attention *a, GError **error)
{
  const gint64 *q = a->q->dims, *k = a->k->dims, *v = a->v->dims;

  if (q[0] == k[0] && q[0] == v[0] && k[1] == v[1] && k[1] > 0
      && q[1] % k[1] == 0 && q[3] == k[3] && k[2] == v[2] && q[3] > 0)
    return TRUE;
  return fail (&a->e, UNET_ERROR_SHAPE,
      "queries, keys and values do not fit each other", error);
}

/* Puts the past before @x and gives the result as output @index. */
static UnetValue *
remember (UnetExpansion *e, UnetValue *x, guint past_index, guint index)
{
  UnetValue *parts[2] = { unet_node_input (e->node, past_index), x };
  UnetValue *output = unet_node_output (e->node, index), *all;
  gint64 dims[4];

  if (!parts[0] && !output)
    return x;
  memcpy (dims, x->dims, sizeof dims);
  if (parts[0]) {
    dims[2] += parts[0]->dims[2];
    all = unet_expansion_insert (e, UNET_OP_Concat, parts, 2);
    unet_node_set_attr_int (all->producer, "axis", 2);
  } else {
    all = unet_expansion_unary (e, UNET_OP_Identity, x);
  }
  if (output) {
    unet_node_set_output (e->node, index, NULL);
    unet_node_set_output (all->producer, 0, output);
    all = output;
  }
  unet_value_set_shape (all, x->dtype, 4, dims);
  return all;
}

/* Keys and values of fewer heads serve a group of queries each. */
static UnetValue *
repeat_heads (UnetExpansion *e, UnetValue *x, gint64 heads)
{
  const gint64 *d = x->dims, n = heads / d[1];
  const gint64 wide[] = { d[0], d[1], n, d[2], d[3] };
  UnetValue *y;

  if (n == 1)
    return x;
  y = unet_expansion_reshape (
      e, x, 5, (const gint64[]){ d[0], d[1], 1, d[2], d[3] });
  y = unet_expansion_binary (e, UNET_OP_Expand, y, add_ints (e, wide, 5));
  unet_value_set_shape (y, x->dtype, 5, wide);
  return unet_expansion_reshape (
      e, y, 4, (const gint64[]){ d[0], heads, d[2], d[3] });
}

/* Minus infinity above the diagonal. Inference folds it. */
static UnetValue *
make_causal_mask (UnetExpansion *e, UnetDType dtype, gint64 rows, gint64 keys)
{
  const gint64 size[2] = { rows, keys };
  UnetValue *in[2] = { unet_expansion_binary (e, UNET_OP_Expand,
                           unet_expansion_number (e, dtype, -INFINITY),
                           add_ints (e, size, 2)),
    unet_expansion_number (e, UNET_DTYPE_I64, 1) };

  return unet_expansion_insert (e, UNET_OP_Trilu, in, 2);
}

static UnetValue *
mask (Attention *a, UnetValue *scores, gint64 keys)
{
  UnetExpansion *e = &a->e;
  UnetValue *given = unet_node_input (e->node, 3);
  const UnetDType dtype = a->q->dtype;

  if (given && given->dtype == UNET_DTYPE_BOOL) {
    UnetValue *in[] = { given, unet_expansion_number (e, dtype, 0),
      unet_expansion_number (e, dtype, -INFINITY) };
    given = unet_expansion_insert (e, UNET_OP_Where, in, 3);
  }
  if (given)
    scores = unet_expansion_binary (e, UNET_OP_Add, scores, given);
  if (a->causal)
    scores = unet_expansion_binary (e, UNET_OP_Add, scores,
        make_causal_mask (e, dtype, a->q->dims[2], keys));
  return scores;
}

static void
expand (Attention *a, guint rank)
{
  UnetExpansion *e = &a->e;
  const UnetDType dtype = a->q->dtype;
  const gint64 heads = a->q->dims[1], size = a->q->dims[3];
  const gdouble scale = a->scale != 0 ? a->scale : 1 / sqrt ((gdouble) size);
  const gint64 dims[4] = { a->q->dims[0], heads, a->q->dims[2], a->v->dims[3] };
  UnetValue *k = repeat_heads (e, remember (e, a->k, 4, 1), heads);
  UnetValue *v = repeat_heads (e, remember (e, a->v, 5, 2), heads);
  UnetValue *y = unet_expansion_binary (
      e, UNET_OP_Mul, a->q, unet_expansion_number (e, dtype, scale));

  y = unet_expansion_binary (e, UNET_OP_MatMul, y,
      unet_expansion_transpose (e, k, (const gint64[]){ 0, 1, 3, 2 }));
  if (a->cap != 0) {
    UnetValue *cap = unet_expansion_number (e, dtype, a->cap);
    y = unet_expansion_unary (
        e, UNET_OP_Tanh, unet_expansion_binary (e, UNET_OP_Div, y, cap));
    y = unet_expansion_binary (e, UNET_OP_Mul, y, cap);
  }
  y = unet_expansion_unary (e, UNET_OP_Softmax, mask (a, y, k->dims[2]));
  unet_node_set_attr_int (y->producer, "axis", -1);
  y = unet_expansion_binary (e, UNET_OP_MatMul, y, v);
  unet_value_set_shape (y, dtype, 4, dims);
  g_ptr_array_set_size (e->node->outputs, 1);
  join_heads (e, y, rank);
}

UNET_INFER (Attention)
{
  Attention a = { .e = { graph, node } };
  const guint rank = unet_node_input (node, 0)->n_dims;
  gboolean known;

  if (!read_attention (&a, error))
    return FALSE;
  known = unet_expansion_knows_dims (a.q) && unet_expansion_knows_dims (a.k)
      && unet_expansion_knows_dims (a.v);
  for (guint i = 4; i <= 5; i++) {
    const UnetValue *past = unet_node_input (node, i);
    known = known && (!past || unet_expansion_knows_dims (past));
    if (past && past->n_dims != 4)
      return fail (
          &a.e, UNET_ERROR_SHAPE, "the past does not fit the keys", error);
  }
  for (guint i = 0; i < node->outputs->len; i++)
    if (unet_node_output (node, i))
      unet_node_output (node, i)->has_shape = FALSE;
  if (!known)
    return TRUE;
  a.q = split_heads (&a.e, a.q, a.q_heads);
  a.k = split_heads (&a.e, a.k, a.kv_heads);
  a.v = split_heads (&a.e, a.v, a.kv_heads);
  if (!check_attention (&a, error))
    return FALSE;
  expand (&a, rank);
  return TRUE;
}
