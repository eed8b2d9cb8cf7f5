/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/parts.h"

/* Each pixel points to an earlier pixel of its part; the first one of a part
 * points to itself (union-find; Tarjan 1975). */
static gsize
find_first (guint32 *earlier, gsize i)
{
  while (earlier[i] != i)
    i = earlier[i] = earlier[earlier[i]];
  return i;
}

static void
join (guint32 *earlier, gsize a, gsize b)
{
  a = find_first (earlier, a);
  b = find_first (earlier, b);
  earlier[MAX (a, b)] = (guint32) MIN (a, b);
}

/* Joins a pixel of @value with neighbours of @value that come before it. */
static void
join_neighbours (const guint8 *found, guint32 *earlier, guint width, guint x,
    guint y, guint8 value)
{
  const gsize i = (gsize) y * width + x;

  if (x > 0 && found[i - 1] == value)
    join (earlier, i, i - 1);
  if (y == 0)
    return;
  if (found[i - width] == value)
    join (earlier, i, i - width);
  if (value == 0)
    return;
  if (x > 0 && found[i - width - 1] == value)
    join (earlier, i, i - width - 1);
  if (x + 1 < width && found[i - width + 1] == value)
    join (earlier, i, i - width + 1);
}

guint
tool_count_wrong_parts (const guint8 *found, const guint8 *truth, guint width,
    guint height, guint8 value)
{
  const gsize n = (gsize) width * height;
  g_autofree guint32 *earlier = g_new (guint32, n);
  g_autofree guint8 *right = g_malloc0 (n); /* parts that the truth has */
  guint count = 0;

  for (gsize i = 0; i < n; i++)
    earlier[i] = (guint32) i;
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      if (found[(gsize) y * width + x] == value)
        join_neighbours (found, earlier, width, x, y, value);
  for (gsize i = 0; i < n; i++)
    if (found[i] == value && truth[i] == value)
      right[find_first (earlier, i)] = 1;
  for (gsize i = 0; i < n; i++)
    count += found[i] == value && earlier[i] == i && !right[i];
  return count;
}
