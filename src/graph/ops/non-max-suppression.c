/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include <stdlib.h>

/* Greedy suppression of overlapping boxes. As many are left as the values say,
 * so that it runs where inference knows them. */

/* Comparisons of two boxes in one node. */
#define MAX_COMPARISONS 4e9

typedef struct {
  UnetTensorView boxes, scores; /* [batch, n, 4], [batch, classes, n] */
  gint64 most;                  /* boxes of a class */
  gdouble overlap, score;
  gboolean centered;
} Suppression;

typedef struct {
  gdouble score;
  gint64 index;
} Candidate;

typedef struct {
  gdouble top, left, bottom, right;
} Box;

static gdouble
get_number (const UnetArgs *args, guint index, gdouble otherwise)
{
  UnetTensorView view;

  if (!unet_arg (args, index, &view) || unet_view_count (&view) < 1)
    return otherwise;
  return unet_view_float (&view, 0);
}

/* Returns whether all values are known. */
static gboolean
read_suppression (const UnetArgs *args, Suppression *s)
{
  UnetTensorView view;

  for (guint i = 0; i < 5; i++)
    if (unet_arg (args, i, &view) && !view.data)
      return FALSE;
  unet_arg (args, 0, &s->boxes);
  unet_arg (args, 1, &s->scores);
  s->most = unet_int_from_double (get_number (args, 2, 0));
  s->overlap = get_number (args, 3, 0);
  s->score = get_number (args, 4, -G_MAXDOUBLE);
  s->centered = unet_node_attr_int (args->node, "center_point_box", 0) != 0;
  return TRUE;
}

static Box
get_box (const Suppression *s, gint64 batch, gint64 index)
{
  const gsize at = (gsize) ((batch * s->boxes.dims[1] + index) * 4);
  gdouble v[4];

  for (guint i = 0; i < 4; i++)
    v[i] = unet_view_float (&s->boxes, at + i);
  if (s->centered)
    return (Box){ v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2,
      v[0] + v[2] / 2 };
  /* Any two opposite corners. */
  return (Box){ MIN (v[0], v[2]), MIN (v[1], v[3]), MAX (v[0], v[2]),
    MAX (v[1], v[3]) };
}

static gdouble
get_area (const Box *box)
{
  return MAX (box->bottom - box->top, 0) * MAX (box->right - box->left, 0);
}

/* Returns the intersection over the union. */
static gdouble
compare_boxes (const Box *a, const Box *b)
{
  const Box both = { MAX (a->top, b->top), MAX (a->left, b->left),
    MIN (a->bottom, b->bottom), MIN (a->right, b->right) };
  const gdouble common = get_area (&both);
  const gdouble all = get_area (a) + get_area (b) - common;

  return all > 0 ? common / all : 0;
}

static gint
by_score (gconstpointer p, gconstpointer q)
{
  const Candidate *a = p, *b = q;

  if (a->score != b->score)
    return a->score > b->score ? -1 : 1;
  return a->index < b->index ? -1 : a->index > b->index;
}

/* Appends triples of batch, class and box to @found. */
static void
select_boxes (
    const Suppression *s, gint64 batch, gint64 class_index, GArray *found)
{
  const gint64 n = s->boxes.dims[1];
  const gint64 row = batch * s->scores.dims[1] + class_index;
  g_autofree Candidate *candidates = g_new (Candidate, (gsize) n + 1);
  g_autofree Box *kept = g_new (Box, (gsize) n + 1);
  gint64 n_candidates = 0, n_kept = 0;

  for (gint64 i = 0; i < n; i++) {
    gdouble score = unet_view_float (&s->scores, (gsize) (row * n + i));
    if (score > s->score)
      candidates[n_candidates++] = (Candidate){ score, i };
  }
  qsort (candidates, (gsize) n_candidates, sizeof *candidates, by_score);
  for (gint64 i = 0; i < n_candidates && n_kept < s->most; i++) {
    const gint64 triple[3] = { batch, class_index, candidates[i].index };
    const Box box = get_box (s, batch, candidates[i].index);
    gboolean overlaps = FALSE;
    for (gint64 k = 0; k < n_kept && !overlaps; k++)
      overlaps = compare_boxes (&box, &kept[k]) > s->overlap;
    if (overlaps)
      continue;
    kept[n_kept++] = box;
    g_array_append_vals (found, triple, 3);
  }
}

static GArray *
select_all (const Suppression *s)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (gint64 b = 0; b < s->boxes.dims[0]; b++)
    for (gint64 c = 0; c < s->scores.dims[1]; c++)
      select_boxes (s, b, c, found);
  return found;
}

UNET_INFER (NonMaxSuppression)
{
  UnetArgs args = UNET_INFER_ARGS;
  const gint64 *boxes = unet_node_input (node, 0)->dims;
  const gint64 *scores = unet_node_input (node, 1)->dims;
  gint64 dims[2] = { -1, 3 };
  Suppression s;

  if (unet_node_input (node, 0)->n_dims != 3
      || unet_node_input (node, 1)->n_dims != 3
      || (boxes[2] >= 0 && boxes[2] != 4))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "boxes and scores do not fit");
  if (read_suppression (&args, &s)) {
    g_autoptr (GArray) found = NULL;
    if (boxes[0] != scores[0] || boxes[1] != scores[2])
      return unet_args_fail (
          &args, error, UNET_ERROR_SHAPE, "boxes and scores do not fit");
    if ((gdouble) unet_view_count (&s.scores)
            * (gdouble) CLAMP (s.most, 0, boxes[1])
        > MAX_COMPARISONS)
      return unet_args_fail (&args, error, UNET_ERROR_LIMIT, "too many boxes");
    found = select_all (&s);
    dims[0] = found->len / 3;
  }
  unet_infer_out (node, 0, UNET_DTYPE_I64, 2, dims);
  return TRUE;
}

UNET_EVAL (NonMaxSuppression)
{
  UnetArgs args = UNET_EVAL_ARGS;
  g_autoptr (GArray) found = NULL;
  Suppression s;

  if (!read_suppression (&args, &s))
    return FALSE;
  found = select_all (&s);
  for (gsize i = 0; i < MIN (unet_view_count (out), found->len); i++)
    unet_view_set_int (out, i, g_array_index (found, gint64, i));
  return TRUE;
}
