/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The coverage of each pixel of a frame, 0..255, row by row: coefficients at
 * the mask's resolution are enlarged bilinearly and applied to the frame's own
 * pixels (He, Sun, "Fast guided filter", arXiv 1505.00996, 2015). */

#include "frame/format/mask.h"
#include "frame/format/row-reader.h"

G_BEGIN_DECLS

/* Cells of one kind in a row of cells. */
typedef struct {
  guint start, end; /* pixels */
  guint8 kind;      /* UnetCellKind */
} UnetCoverageRun;

typedef struct {
  guint width, height; /* frame */
  UnetMask shape;
  guint left, right, top, bottom; /* pixels that the mask covers */
  guint16 *column;                /* of each pixel: mask pixel to the left */
  gfloat *fraction;               /* and the way to the next, 0..1 */
  guint *first;                   /* first pixel of each column, and the end */
  UnetCoverageRun *runs;          /* of the current row of cells */
  guint n_runs;
  guint cell_row; /* the current one; G_MAXUINT: none */
  gfloat *line;   /* coefficients between two rows */
  gfloat *values; /* scratch */
} UnetCoverage;

/* What a frame's coverage is made of. */
typedef struct {
  const gfloat *coefficients; /* four per mask pixel, as UnetGuidedFilter's */
  const guint8 *wanted;       /* mask pixels with an edge */
  const gfloat *values;       /* probability of the others */
  const GstVideoFrame *frame; /* (nullable): NULL uses only the fourth
                               * coefficient */
  gfloat low, scale;          /* probability of no coverage; 1 / (high - low) */
} UnetCoverageSource;

/* @width, @height: of the frame, in pixels. */
void unet_coverage_init (UnetCoverage *self, guint width, guint height);
void unet_coverage_clear (UnetCoverage *self);
/* Makes the tables for masks of @shape. */
void unet_coverage_set_shape (UnetCoverage *self, const UnetMask *shape);
/* Starts a frame. */
void unet_coverage_begin (UnetCoverage *self);
/* Finds the runs of row @y, between top and bottom, in @self->runs. Returns the
 * mask row closest to it. */
guint unet_coverage_find_runs (
    UnetCoverage *self, const UnetCoverageSource *source, guint y);
/* Fills @dst with the coverage of the pixels of @run, an edge in row @y, whose
 * runs were found last. */
void unet_coverage_compute (UnetCoverage *self,
    const UnetCoverageSource *source, UnetRowReader *reader, guint y,
    const UnetCoverageRun *run, guint8 *dst);

G_END_DECLS
