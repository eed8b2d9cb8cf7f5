/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/alpha-row.h"

#include <string.h>

void
unet_alpha_row_init (UnetAlphaRow *row, guint width)
{
  memset (row, 0, sizeof *row);
  row->memory = g_malloc0 (7 * (gsize) (width + 2));
  for (guint i = 0; i < 3; i++)
    row->color[i] = (guint16 *) row->memory + i * (width + 2) + 1;
  row->alpha = row->memory + 6 * (gsize) (width + 2) + 1;
  row->spans = g_new0 (UnetSpan, width / 2 + 2);
}

void
unet_alpha_row_clear (UnetAlphaRow *row)
{
  g_free (row->spans);
  g_free (row->memory);
}

void
unet_alpha_row_reset (UnetAlphaRow *row)
{
  for (guint i = 0; i < row->n_spans; i++)
    memset (row->alpha + row->spans[i].start, 0,
        row->spans[i].end - row->spans[i].start);
  row->n_spans = 0;
}

void
unet_alpha_row_extend (UnetAlphaRow *row, guint width)
{
  row->alpha[-1] = row->alpha[0];
  row->alpha[width] = row->alpha[width - 1];
  for (guint c = 0; c < 3; c++) {
    row->color[c][-1] = row->color[c][0];
    row->color[c][width] = row->color[c][width - 1];
  }
}

void
unet_alpha_row_add_span (UnetAlphaRow *row, guint start, guint end)
{
  if (row->n_spans > 0 && row->spans[row->n_spans - 1].end == start)
    row->spans[row->n_spans - 1].end = end;
  else
    row->spans[row->n_spans++] = (UnetSpan){ start, end };
}

void
unet_alpha_row_find_spans (UnetAlphaRow *row, guint n)
{
  for (guint x = 0; x < n; x += 8) {
    const guint end = MIN (x + 8, n);
    guint64 eight = 0;

    memcpy (&eight, row->alpha + x, end - x);
    if (eight)
      unet_alpha_row_add_span (row, x, end);
  }
}

/* Sites that any pixel of the span reaches. */
static UnetSpan
site_span (UnetSpan span, guint n_sites)
{
  return (UnetSpan){ span.start / 2, MIN (span.end / 2 + 1, n_sites) };
}

void
unet_alpha_row_join (
    UnetAlphaRow *chroma, const UnetAlphaRow *const rows[3], guint n_sites)
{
  guint next[3] = { 0 };

  chroma->n_spans = 0;
  for (;;) {
    const UnetSpan *first = NULL;
    UnetSpan *last = chroma->n_spans > 0 ? &chroma->spans[chroma->n_spans - 1]
                                         : NULL;
    guint from = 0;
    UnetSpan span;

    for (guint r = 0; r < 3; r++) {
      if (!rows[r] || next[r] == rows[r]->n_spans)
        continue;
      if (!first || rows[r]->spans[next[r]].start < first->start) {
        first = &rows[r]->spans[next[r]];
        from = r;
      }
    }
    if (!first)
      return;
    next[from]++;
    span = site_span (*first, n_sites);
    if (last && span.start <= last->end)
      last->end = MAX (last->end, span.end);
    else
      chroma->spans[chroma->n_spans++] = span;
  }
}
