/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <string.h>

/* Einstein's sums, as numpy.einsum has them. Inference writes those of two
 * tensors as a product of matrices; the oracle computes any. */

#define MAX_TERMS 8
/* Upper case, lower case, and the axes of an ellipsis from its right end. */
#define ELLIPSIS   52
#define MAX_LABELS (ELLIPSIS + UNET_MAX_DIMS)

typedef struct {
  guint n;
  guint label[UNET_MAX_DIMS];
} Term;

typedef struct {
  guint n;
  Term terms[MAX_TERMS], out;
  gint64 dims[MAX_LABELS]; /* 0 where no term has the label, -1 open */
  guint ellipsis;          /* axes of the longest one */
} Equation;

/* ---- reading ------------------------------------------------------------- */

/* Returns the axes that the ellipsis of a term stands for; @text ends with a
 * comma, an arrow or the string. */
static gint
count_ellipsis (const gchar *text, guint rank)
{
  gint letters = 0;
  gboolean dots = FALSE;

  for (; *text && *text != ',' && *text != '-'; text++) {
    letters += g_ascii_isalpha (*text);
    dots = dots || *text == '.';
  }
  return dots ? (gint) rank - letters : 0;
}

/* Reads one term and moves *@text behind it. Returns FALSE for other signs, or
 * more axes than a tensor has. */
static gboolean
read_term (const gchar **text, gint ellipsis, Term *term)
{
  const gchar *at = *text;

  term->n = 0;
  if (ellipsis < 0)
    return FALSE;
  while (*at && *at != ',' && *at != '-') {
    if (*at == ' ') {
      at++;
    } else if (g_str_has_prefix (at, "...")) {
      for (gint i = ellipsis - 1; i >= 0; i--) {
        if (term->n == UNET_MAX_DIMS)
          return FALSE;
        term->label[term->n++] = ELLIPSIS + (guint) i;
      }
      ellipsis = 0;
      at += 3;
    } else if (g_ascii_isalpha (*at) && term->n < UNET_MAX_DIMS) {
      term->label[term->n++] = g_ascii_isupper (*at) ? (guint) (*at - 'A')
                                                     : 26 + (guint) (*at - 'a');
      at++;
    } else {
      return FALSE;
    }
  }
  *text = at;
  return TRUE;
}

/* Without an arrow the ellipsis comes first, and then what is there once. */
static void
set_implied_output (Equation *e)
{
  guint count[MAX_LABELS] = { 0 };

  for (guint i = 0; i < e->n; i++)
    for (guint k = 0; k < e->terms[i].n; k++)
      count[e->terms[i].label[k]]++;
  for (guint i = e->ellipsis; i > 0; i--)
    e->out.label[e->out.n++] = ELLIPSIS + i - 1;
  for (guint l = 0; l < ELLIPSIS; l++)
    if (count[l] == 1 && e->out.n < UNET_MAX_DIMS)
      e->out.label[e->out.n++] = l;
}

static gboolean
take_dims (Equation *e, const Term *term, const UnetTensorView *x)
{
  if (term->n != x->n_dims)
    return FALSE;
  for (guint i = 0; i < term->n; i++) {
    gint64 *dim = &e->dims[term->label[i]];
    if (*dim == 0 || *dim == -1 || (*dim == 1 && term->label[i] >= ELLIPSIS))
      *dim = x->dims[i];
    else if (x->dims[i] >= 0 && x->dims[i] != *dim
        && !(x->dims[i] == 1 && term->label[i] >= ELLIPSIS))
      return FALSE;
  }
  return TRUE;
}

/* Labels of the output are those of terms, each once. */
static gboolean
check_output (const Equation *e)
{
  gboolean seen[MAX_LABELS] = { FALSE }, known[MAX_LABELS] = { FALSE };

  for (guint i = 0; i < e->n; i++)
    for (guint k = 0; k < e->terms[i].n; k++)
      known[e->terms[i].label[k]] = TRUE;
  for (guint i = 0; i < e->out.n; i++) {
    if (!known[e->out.label[i]] || seen[e->out.label[i]])
      return FALSE;
    seen[e->out.label[i]] = TRUE;
  }
  return TRUE;
}

static gboolean
read_equation (const UnetArgs *args, guint n_in, Equation *e)
{
  const gchar *text = unet_node_attr_string (args->node, "equation", "");
  UnetTensorView x;

  memset (e, 0, sizeof *e);
  for (; e->n < n_in && e->n < MAX_TERMS; e->n++) {
    gint axes;
    if (e->n > 0 && *text++ != ',')
      return FALSE;
    unet_arg (args, e->n, &x);
    axes = count_ellipsis (text, x.n_dims);
    if (!read_term (&text, axes, &e->terms[e->n])
        || !take_dims (e, &e->terms[e->n], &x))
      return FALSE;
    e->ellipsis = MAX (e->ellipsis, (guint) axes);
  }
  if (e->n < n_in)
    return FALSE;
  if (!*text) {
    set_implied_output (e);
    return check_output (e);
  }
  if (!g_str_has_prefix (text, "->"))
    return FALSE;
  text += 2;
  return read_term (&text, (gint) e->ellipsis, &e->out) && !*text
      && check_output (e);
}

/* ---- as a product of matrices ------------------------------------------- */

static gboolean
has (const Term *term, guint label)
{
  for (guint i = 0; i < term->n; i++)
    if (term->label[i] == label)
      return TRUE;
  return FALSE;
}

static gboolean
is_product (const Equation *e, const UnetNode *node)
{
  if (e->n != 2 || unet_node_input (node, 0)->dtype != UNET_DTYPE_F32)
    return FALSE;
  for (guint t = 0; t < 2; t++)
    for (guint i = 0; i < e->terms[t].n; i++) {
      guint label = e->terms[t].label[i];
      const UnetValue *x = unet_node_input (node, t);
      if (x->dims[i] < 1 || x->dims[i] != e->dims[label])
        return FALSE;
      for (guint k = 0; k < i; k++)
        if (e->terms[t].label[k] == label)
          return FALSE;
      /* A sum over one tensor alone is rare. */
      if (!has (&e->terms[1 - t], label) && !has (&e->out, label))
        return FALSE;
    }
  return TRUE;
}

/* Labels of one kind in an order that both operands keep. */
typedef struct {
  Term batch, kept[2], summed;
} Kinds;

static void
add_label (Term *term, guint label)
{
  term->label[term->n++] = label;
}

static void
sort_labels (const Equation *e, Kinds *kinds)
{
  memset (kinds, 0, sizeof *kinds);
  for (guint i = 0; i < e->out.n; i++) {
    guint label = e->out.label[i];
    if (!has (&e->terms[1], label))
      add_label (&kinds->kept[0], label);
    else if (!has (&e->terms[0], label))
      add_label (&kinds->kept[1], label);
    else
      add_label (&kinds->batch, label);
  }
  for (guint i = 0; i < e->terms[0].n; i++)
    if (!has (&e->out, e->terms[0].label[i]))
      add_label (&kinds->summed, e->terms[0].label[i]);
}

static gint64
extent (const Equation *e, const Term *term)
{
  gint64 n = 1;

  for (guint i = 0; i < term->n; i++)
    n *= e->dims[term->label[i]];
  return n;
}

/* Writes where @have has the labels of @want, from *@n on. */
static void
add_axes (const Term *have, const Term *want, gint64 *perm, guint *n)
{
  for (guint i = 0; i < want->n; i++)
    for (guint k = 0; k < have->n; k++)
      if (have->label[k] == want->label[i])
        perm[(*n)++] = k;
}

/* Operand @t as [batch, rows, columns]. */
static UnetValue *
make_matrix (UnetExpansion *x, const Equation *e, const Kinds *kinds, guint t)
{
  const Term *rows = t ? &kinds->summed : &kinds->kept[0];
  const Term *columns = t ? &kinds->kept[1] : &kinds->summed;
  gint64 perm[UNET_MAX_DIMS];
  UnetValue *value = unet_node_input (x->node, t);
  guint n = 0;

  add_axes (&e->terms[t], &kinds->batch, perm, &n);
  add_axes (&e->terms[t], rows, perm, &n);
  add_axes (&e->terms[t], columns, perm, &n);
  value = unet_expansion_transpose (x, value, perm);
  return unet_expansion_reshape (x, value, 3,
      (const gint64[]){
          extent (e, &kinds->batch), extent (e, rows), extent (e, columns) });
}

static void
expand (UnetExpansion *x, const Equation *e)
{
  Kinds kinds;
  Term made = { 0 };
  gint64 perm[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  UnetValue *in[2], *y;
  guint n = 0;

  sort_labels (e, &kinds);
  in[0] = make_matrix (x, e, &kinds, 0);
  in[1] = make_matrix (x, e, &kinds, 1);
  y = unet_expansion_insert (x, UNET_OP_MatMul, in, 2);
  unet_value_set_shape (y, UNET_DTYPE_F32, 3,
      (const gint64[]){ in[0]->dims[0], in[0]->dims[1], in[1]->dims[2] });
  for (guint i = 0; i < kinds.batch.n; i++)
    add_label (&made, kinds.batch.label[i]);
  for (guint t = 0; t < 2; t++)
    for (guint i = 0; i < kinds.kept[t].n; i++)
      add_label (&made, kinds.kept[t].label[i]);
  for (guint i = 0; i < made.n; i++)
    dims[i] = e->dims[made.label[i]];
  y = unet_expansion_reshape (x, y, made.n, dims);
  add_axes (&made, &e->out, perm, &n);
  y = unet_expansion_transpose (x, y, perm);
  unet_expansion_become (x, UNET_OP_Identity, &y, 1);
}

UNET_INFER (Einsum)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetExpansion x = { graph, node };
  gint64 dims[UNET_MAX_DIMS];
  Equation e;

  if (!read_equation (&args, node->inputs->len, &e))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "the equation '%s' does not fit the inputs",
        unet_node_attr_string (node, "equation", ""));
  for (guint i = 0; i < e.out.n; i++)
    dims[i] = e.dims[e.out.label[i]];
  unet_infer_out (node, 0, unet_node_input (node, 0)->dtype, e.out.n, dims);
  if (is_product (&e, node))
    expand (&x, &e);
  return TRUE;
}

/* ---- the oracle ---------------------------------------------------------- */

/* The labels that are summed over. */
static void
find_summed (const Equation *e, guint *n, gint64 *dims, guint *labels)
{
  gboolean seen[MAX_LABELS] = { FALSE };

  *n = 0;
  for (guint i = 0; i < e->n; i++)
    for (guint k = 0; k < e->terms[i].n; k++) {
      guint label = e->terms[i].label[k];
      if (seen[label] || has (&e->out, label))
        continue;
      seen[label] = TRUE;
      labels[*n] = label;
      dims[(*n)++] = e->dims[label];
    }
}

/* A repeated label is a diagonal: its strides add up. */
static void
find_strides (
    const Equation *e, const UnetTensorView *in, gint64 strides[][MAX_LABELS])
{
  gint64 plain[UNET_MAX_DIMS];

  for (guint i = 0; i < e->n; i++) {
    memset (strides[i], 0, MAX_LABELS * sizeof **strides);
    unet_strides (in[i].n_dims, in[i].dims, plain);
    for (guint k = 0; k < e->terms[i].n; k++)
      if (in[i].dims[k] > 1)
        strides[i][e->terms[i].label[k]] += plain[k];
  }
}

/* @at: (inout): offset in each operand, moved by @index along @labels. */
static void
move (const Equation *e, gint64 strides[][MAX_LABELS], guint n,
    const guint *labels, const gint64 *index, gint64 *at)
{
  for (guint i = 0; i < e->n; i++)
    for (guint k = 0; k < n; k++)
      at[i] += index[k] * strides[i][labels[k]];
}

UNET_EVAL (Einsum)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gint64 strides[MAX_TERMS][MAX_LABELS], dims[MAX_LABELS];
  gint64 index[UNET_MAX_DIMS] = { 0 }, inner[MAX_LABELS] = { 0 };
  guint labels[MAX_LABELS], n;
  Equation e;
  gsize sums;

  if (!read_equation (&args, n_in, &e))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the equation does not fit");
  find_summed (&e, &n, dims, labels);
  find_strides (&e, in, strides);
  sums = unet_dims_count (n, dims);
  for (gsize k = 0, all = unet_view_count (out); k < all; k++) {
    gdouble sum = 0;
    for (gsize s = 0; s < sums; s++) {
      gint64 at[MAX_TERMS] = { 0 };
      gdouble product = 1;
      move (&e, strides, e.out.n, e.out.label, index, at);
      move (&e, strides, n, labels, inner, at);
      for (guint i = 0; i < e.n; i++)
        product *= unet_view_float (&in[i], (gsize) at[i]);
      sum += product;
      unet_next_index (n, dims, inner);
    }
    unet_view_set_float (out, k, sum);
    unet_next_index (out->n_dims, out->dims, index);
  }
  return TRUE;
}
