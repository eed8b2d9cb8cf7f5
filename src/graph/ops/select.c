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

/* Elements of a longer input are not sorted. */
#define MAX_UNIQUE (1 << 24)

typedef struct {
  gdouble value;
  gint64 integer;
  gint64 index, first; /* in the input; the first of the same value */
} Item;

static gint
by_value (gconstpointer p, gconstpointer q)
{
  const Item *a = p, *b = q;

  if (a->value != b->value)
    return a->value < b->value ? -1 : 1;
  if (a->integer != b->integer)
    return a->integer < b->integer ? -1 : 1;
  return a->index < b->index ? -1 : a->index > b->index;
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

/* Returns the input's elements in the order of the output, the same ones
 * together; *@n: different ones. */
static Item *
sort_items (const UnetNode *node, const UnetTensorView *x, gint64 *n)
{
  const gsize count = unet_view_count (x);
  const gboolean is_float = unet_dtype_is_float (x->dtype);
  Item *items = g_new0 (Item, count + 1);

  for (gsize i = 0; i < count; i++) {
    items[i].value = is_float ? unet_view_float (x, i) : 0;
    items[i].integer = is_float ? 0 : unet_view_int (x, i);
    items[i].index = (gint64) i;
  }
  qsort (items, count, sizeof *items, by_value);
  *n = 0;
  for (gsize i = 0; i < count; i++) {
    gboolean same = i > 0 && items[i].value == items[i - 1].value
        && items[i].integer == items[i - 1].integer;
    items[i].first = same ? items[i - 1].first : items[i].index;
    *n += !same;
  }
  if (!unet_node_attr_int (node, "sorted", 1))
    qsort (items, count, sizeof *items, by_first);
  return items;
}

UNET_INFER (Unique)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 n = -1, all;

  unet_arg (&args, 0, &x);
  if (unet_node_attr (node, "axis") && x.n_dims != 1)
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "only single elements are compared, not slices along an axis");
  if (unet_view_count (&x) > MAX_UNIQUE)
    return unet_args_fail (
        &args, error, UNET_ERROR_LIMIT, "the input is too long");
  if (x.data)
    g_free (sort_items (node, &x, &n));
  all = 1;
  for (guint i = 0; i < x.n_dims; i++)
    all = all < 0 || x.dims[i] < 0 ? -1 : all * x.dims[i];
  unet_infer_out (node, 0, x.dtype, 1, &n);
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

UNET_EVAL (Unique)
{
  const gsize size = unet_dtype_size (in[0].dtype);
  gsize count = unet_view_count (&in[0]), at = 0;
  gint64 n, same = 0;
  g_autofree Item *items = sort_items (node, &in[0], &n);

  for (gsize i = 0; i < count; i++) {
    at += i > 0 && is_new (items, i);
    if (is_new (items, i)) {
      same = 0;
      if (out[0].data && at < unet_view_count (&out[0]))
        memcpy ((gchar *) out[0].data + at * size,
            (const gchar *) in[0].data + (gsize) items[i].index * size, size);
      set_entry (out, n_out, 1, at, items[i].index);
    }
    set_entry (out, n_out, 2, (gsize) items[i].index, (gint64) at);
    set_entry (out, n_out, 3, at, ++same);
  }
  return TRUE;
}
