/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A mask upscaled to the frame, row by row: how much of each pixel to draw,
 * and in which colour. Everything that draws shares it, whatever it draws.
 *
 * Between the centres of four mask pixels the probability is bilinear. Where
 * all four are far from the threshold on the same side the cell is all or
 * nothing and no pixel of it is computed. */

#include "frame/draw/alpha-row.h"
#include "frame/format/mask.h"

G_BEGIN_DECLS

typedef struct {
  guint16 sample[3];
  guint8 gain; /* 0: not drawn */
} UnetClassStyle;

/* How a probability becomes alpha. */
typedef enum {
  UNET_EDGE_SOFT,   /* a soft step round the threshold */
  UNET_EDGE_HARD,   /* a step; where classes meet one of them wins */
  UNET_EDGE_LINEAR, /* as it is, whatever the threshold */
} UnetEdge;

typedef struct {
  gdouble threshold;
  gdouble gain;    /* alpha of what is wholly covered, 0..1 */
  gboolean invert; /* background instead of foreground, in one colour */
  /* 256 of them where the mask has several classes, else NULL; those that are
   * not drawn count as background. */
  const UnetClassStyle *classes;
  UnetEdge edge;
} UnetAlphaStyle;

/* Cells of one kind in a row of cells. */
typedef struct {
  guint start, end; /* pixels */
  guint8 kind;
  gint16 id; /* class, or -1 where several meet */
} UnetCellRun;

typedef struct {
  guint width, height;            /* frame */
  guint left, right, top, bottom; /* of the pixels that the mask covers */
  UnetMask mask;
  UnetAlphaStyle style;
  gboolean is_coverage; /* the mask has a value for each pixel */
  gboolean curve_is_set;
  guint8 curve[4096]; /* alpha of a probability */
  guint8 peak;        /* its largest */
  guint8 low, high;   /* 8-bit probabilities between which it moves */
  guint8 undrawn;     /* the largest below its rise */
  guint16 *column;    /* cell of each pixel */
  guint32 *fraction;  /* where in it, 0..65536 */
  guint *cell_start;  /* first pixel of each cell, and the end */
  /* Two rows of the mask above the current row of cells and two below, with
   * ends repeated twice: cell c lies between entries c + 1 and c + 2. */
  gint cell_row;
  guint8 *memory;
  guint8 *probability[4], *classes[4];
  gint16 *column_class; /* the only one drawn in those rows; 0: none, -1 */
  guint16 *blend;
  guint n_runs;
  UnetCellRun *runs;
} UnetAlpha;

void unet_alpha_init (UnetAlpha *self, guint width, guint height);
void unet_alpha_clear (UnetAlpha *self);
/* Starts a picture; allocates only where the mask's geometry is new. @mask and
 * @style->classes must stay. A mask as large as the frame and without a class
 * map is coverage, which is drawn as it is whatever edge the style says. FALSE
 * where nothing is to be drawn at all. */
gboolean unet_alpha_begin (
    UnetAlpha *self, const UnetMask *mask, const UnetAlphaStyle *style);
/* Row @y of the frame, from top to bottom - 1. */
void unet_alpha_get_row (UnetAlpha *self, guint y, UnetAlphaRow *row);

G_END_DECLS
