/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include <stdlib.h>
#include <string.h>

/* Operators whose results have as many elements as the values say: they run
 * where inference knows those values, and are open elsewhere. */

static gint64
count_nonzero (const UnetTensorView *x)
{
  gint64 count = 0;

  for (gsize i = 0, n = unet_view_count (x); i < n; i++)
    count += unet_view_float (x, i) != 0;
  return count;
}

/* ---- NonZero ---------------------------------------------------------- */

UNET_INFER (NonZero)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;

  unet_arg (&args, 0, &x);
  unet_infer_out (node, 0, UNET_DTYPE_I64, 2,
      (const gint64[]){ x.n_dims, x.data ? count_nonzero (&x) : -1 });
  return TRUE;
}

UNET_EVAL (NonZero)
{
  const gsize most = (gsize) out->dims[1];
  gsize found = 0;

  for (gsize i = 0, n = unet_view_count (&in[0]); i < n && found < most; i++) {
    gsize rest = i;
    if (unet_view_float (&in[0], i) == 0)
      continue;
    for (guint d = in[0].n_dims; d-- > 0; rest /= (gsize) in[0].dims[d])
      unet_view_set_int (
          out, d * most + found, (gint64) (rest % (gsize) in[0].dims[d]));
    found++;
  }
  return TRUE;
}

/* ---- Compress --------------------------------------------------------- */

/* The input as [outer, n, inner]; all of it is n without an axis. */
static gboolean
read_axis (const UnetArgs *args, const UnetTensorView *x, gboolean *flat,
    guint *axis, GError **error)
{
  *flat = !unet_node_attr (args->node, "axis");
  *axis = 0;
  if (*flat
      || unet_axis (
          unet_node_attr_int (args->node, "axis", 0), x->n_dims, axis))
    return TRUE;
  return unet_args_fail (
      args, error, UNET_ERROR_SHAPE, "the axis does not fit the rank");
}

UNET_INFER (Compress)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x, condition;
  gint64 dims[UNET_MAX_DIMS], count;
  gboolean flat;
  guint axis;

  unet_arg (&args, 0, &x);
  unet_arg (&args, 1, &condition);
  if (!read_axis (&args, &x, &flat, &axis, error))
    return FALSE;
  memcpy (dims, x.dims, sizeof dims);
  count = flat ? (gint64) unet_view_count (&x) : x.dims[axis];
  if (condition.n_dims != 1 || condition.dtype != UNET_DTYPE_BOOL
      || (count > 0 && condition.dims[0] > count))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the condition does not fit");
  dims[axis] = condition.data ? count_nonzero (&condition) : -1;
  unet_infer_out (node, 0, x.dtype, flat ? 1 : x.n_dims, dims);
  return TRUE;
}

UNET_EVAL (Compress)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gsize size = unet_dtype_size (out->dtype), outer = 1, n, inner = 1, to = 0;
  const gsize most = unet_view_count (out);
  gboolean flat;
  guint axis;

  if (!read_axis (&args, &in[0], &flat, &axis, error))
    return FALSE;
  n = unet_view_count (&in[0]);
  if (!flat) {
    outer = unet_dims_count (axis, in[0].dims);
    inner = unet_dims_count (in[0].n_dims - axis - 1, in[0].dims + axis + 1);
    n = (gsize) in[0].dims[axis];
  }
  for (gsize o = 0; o < outer; o++)
    for (gsize i = 0; i < MIN (n, unet_view_count (&in[1])); i++)
      if (unet_view_int (&in[1], i) && to + inner <= most) {
        memcpy ((gchar *) out->data + to * size,
            (const gchar *) in[0].data + (o * n + i) * inner * size,
            inner * size);
        to += inner;
      }
  return TRUE;
}

/* ---- Unique ----------------------------------------------------------- */

/* Longer inputs are not sorted. */
#define MAX_UNIQUE (1 << 24)

/* Unique compares elements, or slices along an axis. Its input is seen as
 * [outer, n, inner]. */
typedef struct {
  const UnetTensorView *x;
  gsize outer, n, inner;
  gboolean is_float;
} Slices;

typedef struct {
  const Slices *slices;
  gsize index, first; /* in the input; the first of the same value */
} Item;

static void
set_slices (const UnetNode *node, const UnetTensorView *x, Slices *s)
{
  guint axis;

  *s = (Slices){ x, 1, unet_view_count (x), 1, unet_dtype_is_float (x->dtype) };
  if (!unet_node_attr (node, "axis")
      || !unet_axis (unet_node_attr_int (node, "axis", 0), x->n_dims, &axis))
    return;
  s->outer = unet_dims_count (axis, x->dims);
  s->n = (gsize) x->dims[axis];
  s->inner = unet_dims_count (x->n_dims - axis - 1, x->dims + axis + 1);
}

static gint
compare_slices (const Slices *s, gsize a, gsize b)
{
  for (gsize o = 0; o < s->outer; o++)
    for (gsize i = 0; i < s->inner; i++) {
      const gsize p = (o * s->n + a) * s->inner + i;
      const gsize q = (o * s->n + b) * s->inner + i;
      if (s->is_float) {
        gdouble v = unet_view_float (s->x, p), w = unet_view_float (s->x, q);
        if (v != w)
          return v < w ? -1 : 1;
      } else {
        gint64 v = unet_view_int (s->x, p), w = unet_view_int (s->x, q);
        if (v != w)
          return v < w ? -1 : 1;
      }
    }
  return 0;
}

static gint
by_value (gconstpointer p, gconstpointer q)
{
  const Item *a = p, *b = q;
  gint order = compare_slices (a->slices, a->index, b->index);

  return order ? order : a->index < b->index ? -1 : a->index > b->index;
}

static gint
by_first (gconstpointer p, gconstpointer q)
{
  const Item *a = p, *b = q;

  if (a->first != b->first)
    return a->first < b->first ? -1 : 1;
  return a->index < b->index ? -1 : a->index > b->index;
}

static gboolean
is_new (const Item *items, gsize i)
{
  return i == 0 || items[i].first != items[i - 1].first;
}

/* Returns what is compared in the order of the output, the same ones together;
 * *@n: different ones. */
static Item *
sort_items (const UnetNode *node, const Slices *slices, gint64 *n)
{
  Item *items = g_new0 (Item, slices->n + 1);

  for (gsize i = 0; i < slices->n; i++)
    items[i] = (Item){ slices, i, i };
  qsort (items, slices->n, sizeof *items, by_value);
  *n = 0;
  for (gsize i = 0; i < slices->n; i++) {
    gboolean same = i > 0
        && compare_slices (slices, items[i].index, items[i - 1].index) == 0;
    items[i].first = same ? items[i - 1].first : items[i].index;
    *n += !same;
  }
  if (!unet_node_attr_int (node, "sorted", 1))
    qsort (items, slices->n, sizeof *items, by_first);
  return items;
}

UNET_INFER (Unique)
{
  UnetArgs args = UNET_INFER_ARGS;
  gboolean flat = !unet_node_attr (node, "axis");
  gint64 dims[UNET_MAX_DIMS], n = -1, all = 1;
  guint axis = 0;
  UnetTensorView x;
  Slices slices;

  unet_arg (&args, 0, &x);
  if (!read_axis (&args, &x, &flat, &axis, error))
    return FALSE;
  if (unet_view_count (&x) > MAX_UNIQUE)
    return unet_args_fail (
        &args, error, UNET_ERROR_LIMIT, "the input is too long");
  if (x.data) {
    set_slices (node, &x, &slices);
    g_free (sort_items (node, &slices, &n));
  }
  for (guint i = 0; flat && i < x.n_dims; i++)
    all = all < 0 || x.dims[i] < 0 ? -1 : all * x.dims[i];
  memcpy (dims, x.dims, sizeof dims);
  all = flat ? all : x.dims[axis];
  dims[axis] = n;
  unet_infer_out (node, 0, x.dtype, flat ? 1 : x.n_dims, dims);
  unet_infer_out (node, 1, UNET_DTYPE_I64, 1, &n);
  unet_infer_out (node, 2, UNET_DTYPE_I64, 1, &all);
  unet_infer_out (node, 3, UNET_DTYPE_I64, 1, &n);
  return TRUE;
}

static void
set_entry (
    UnetTensorView *out, guint n_out, guint index, gsize at, gint64 value)
{
  if (index < n_out && out[index].data && at < unet_view_count (&out[index]))
    unet_view_set_int (&out[index], at, value);
}

/* Copies slice @from of the input to slice @to of the output's @n. */
static void
copy_slice (const Slices *s, gsize from, UnetTensorView *out, gsize to, gsize n)
{
  const gsize size = unet_dtype_size (out->dtype) * s->inner;

  for (gsize o = 0; o < s->outer && to < n; o++)
    memcpy ((gchar *) out->data + (o * n + to) * size,
        (const gchar *) s->x->data + (o * s->n + from) * size, size);
}

UNET_EVAL (Unique)
{
  g_autofree Item *items = NULL;
  gint64 n, same = 0;
  gsize at = 0;
  Slices slices;

  set_slices (node, &in[0], &slices);
  items = sort_items (node, &slices, &n);
  for (gsize i = 0; i < slices.n; i++) {
    at += i > 0 && is_new (items, i);
    if (is_new (items, i)) {
      same = 0;
      if (out[0].data
          && unet_view_count (&out[0])
              == slices.outer * (gsize) n * slices.inner)
        copy_slice (&slices, items[i].index, &out[0], at, (gsize) n);
      set_entry (out, n_out, 1, at, (gint64) items[i].index);
    }
    set_entry (out, n_out, 2, items[i].index, (gint64) at);
    set_entry (out, n_out, 3, at, ++same);
  }
  return TRUE;
}
