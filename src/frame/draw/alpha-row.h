/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A row of alpha and colours, and the spans of it that are drawn. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint start, end; /* pixels, the end not included */
} UnetSpan;

/* One row. Outside of the spans alpha is 0 and colours are undefined. */
typedef struct {
  guint8 *alpha;     /* 0..255 */
  guint16 *color[3]; /* sample values; only where several are drawn */
  guint n_spans;
  UnetSpan *spans; /* ascending, apart from each other */
  guint8 *memory;  /* with room for pixels -1 and width */
} UnetAlphaRow;

/* Allocates a row of @width pixels. */
void unet_alpha_row_init (UnetAlphaRow *row, guint width);
void unet_alpha_row_clear (UnetAlphaRow *row);
/* Removes all spans and sets their alpha to 0. */
void unet_alpha_row_reset (UnetAlphaRow *row);
/* Repeats the outermost of @width pixels, for filters. */
void unet_alpha_row_extend (UnetAlphaRow *row, guint width);
/* Adds a span after the others; spans that touch become one. */
void unet_alpha_row_add_span (UnetAlphaRow *row, guint start, guint end);
/* Finds the spans of @n pixels whose alpha is not 0, in steps of eight. */
void unet_alpha_row_find_spans (UnetAlphaRow *row, guint n);
/* Sets the spans of @chroma, a row of @n_sites sites for two pixels each, to
 * those that any span of @rows reaches. Each of these may be NULL. */
void unet_alpha_row_join (
    UnetAlphaRow *chroma, const UnetAlphaRow *const rows[3], guint n_sites);

G_END_DECLS
