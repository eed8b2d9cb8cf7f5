/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/rle.h"

/* Characters of a count: a difference of two counts has 33 bits. */
#define MAX_CHARACTERS 7

/* Room for all runs of a column is made before it is read. */
GArray *
batch_rle_count (const guint8 *map, guint width, guint height, guint8 class_id)
{
  GArray *counts = g_array_new (FALSE, FALSE, sizeof (guint32));
  gboolean inside = FALSE;
  guint32 run = 0;
  guint n = 0;

  for (guint x = 0; x < width; x++) {
    const guint8 *pixel = map + x;
    guint32 *runs;

    g_array_set_size (counts, n + height + 1);
    runs = (guint32 *) (void *) counts->data;
    for (guint y = 0; y < height; y++, pixel += width) {
      if ((*pixel == class_id) != inside) {
        runs[n++] = run;
        inside = !inside;
        run = 0;
      }
      run++;
    }
  }
  g_array_set_size (counts, n);
  g_array_append_val (counts, run);
  return counts;
}

/* rleToString() of COCO's maskApi.c: from the third on, counts are written as
 * the difference to the one two before, five bits a character with a sixth
 * for `more follows`, offset by 48. */
gchar *
batch_rle_to_string (const GArray *counts)
{
  gchar *text = g_malloc ((gsize) counts->len * MAX_CHARACTERS + 1);
  gchar *to = text;

  for (guint i = 0; i < counts->len; i++) {
    gint64 value = g_array_index (counts, guint32, i);
    gboolean more = TRUE;

    if (i > 2)
      value -= g_array_index (counts, guint32, i - 2);
    while (more) {
      gint bits = value & 0x1f;

      value >>= 5;
      more = (bits & 0x10) ? value != -1 : value != 0;
      *to++ = 48 + (more ? bits | 0x20 : bits);
    }
  }
  *to = '\0';
  return text;
}
