/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/arena.h"
#include "engine/run/step.h"
#include <stdlib.h>
#include <string.h>

/* Storages start at a cache line. */
#define ALIGN(n) (((n) + 63) & ~(gsize) 63)

static gint
by_size (gconstpointer a, gconstpointer b)
{
  const UnetStorage *x = *(UnetStorage *const *) a;
  const UnetStorage *y = *(UnetStorage *const *) b;

  if (x->size != y->size)
    return x->size < y->size ? 1 : -1;
  return x->first - y->first; /* The order must not depend on the sort. */
}

static gint
by_offset (gconstpointer a, gconstpointer b)
{
  const UnetStorage *x = *(UnetStorage *const *) a;
  const UnetStorage *y = *(UnetStorage *const *) b;

  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Returns the offset of the smallest gap for @s between those of @placed that
 * are alive at the same time, or the end of the last one. */
static gsize
best_gap (GPtrArray *placed, const UnetStorage *s)
{
  gsize end = 0, best = G_MAXSIZE, best_size = G_MAXSIZE;

  for (guint i = 0; i < placed->len; i++) {
    const UnetStorage *p = g_ptr_array_index (placed, i);

    if (p->last < s->first || p->first > s->last)
      continue;
    if (p->offset >= end + ALIGN (s->size) && p->offset - end < best_size) {
      best = end;
      best_size = p->offset - end;
    }
    end = MAX (end, p->offset + ALIGN (p->size));
  }
  return best != G_MAXSIZE ? best : end;
}

static gsize
largest_live_set (GPtrArray *placed, guint n_steps)
{
  gsize live = 0;

  for (gint step = -1; step <= (gint) n_steps; step++) {
    gsize sum = 0;

    for (guint i = 0; i < placed->len; i++) {
      const UnetStorage *s = g_ptr_array_index (placed, i);
      if (s->first <= step && step <= s->last)
        sum += ALIGN (s->size);
    }
    live = MAX (live, sum);
  }
  return live;
}

/* Greedy by size (Pisarchyk and Lee 2020, "Efficient memory management for
 * deep neural net inference", algorithm 3). */
gsize
unet_arena_layout (GPtrArray *storages, guint n_steps, gsize *live)
{
  GPtrArray *order = g_ptr_array_new (), *placed = g_ptr_array_new ();
  gsize size = 0;

  for (guint i = 0; i < storages->len; i++) {
    UnetStorage *s = g_ptr_array_index (storages, i);
    if (!s->constant && s->last >= s->first)
      g_ptr_array_add (order, s);
  }
  g_ptr_array_sort (order, by_size);
  for (guint i = 0; i < order->len; i++) {
    UnetStorage *s = g_ptr_array_index (order, i);

    s->offset = best_gap (placed, s);
    size = MAX (size, s->offset + ALIGN (s->size));
    g_ptr_array_add (placed, s);
    g_ptr_array_sort (placed, by_offset);
  }
  *live = largest_live_set (placed, n_steps);
  g_ptr_array_unref (placed);
  g_ptr_array_unref (order);
  return size;
}
