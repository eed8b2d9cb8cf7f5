/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rows of network output to rows of probability, 0..1. exp() is Cephes'
 * polynomial (S. L. Moshier, expf.c): relative error below 3e-7, hence
 * probabilities within 1e-6 of the exact ones. What is not a number counts as
 * very small. */

#include <glib.h>

G_BEGIN_DECLS

void unet_row_sigmoid (gfloat *dst, const gfloat *src, guint n);
/* 1 / (1 + exp (b - a)): softmax of two channels. */
void unet_row_sigmoid_difference (
    gfloat *dst, const gfloat *a, const gfloat *b, guint n);
/* (src - minimum) * scale, kept within 0..1. */
void unet_row_stretch (
    gfloat *dst, const gfloat *src, gfloat minimum, gfloat scale, guint n);
/* exp (src) / sum of exp (rows); @dst must be none of the rows. */
void unet_row_softmax (gfloat *dst, const gfloat *src,
    const gfloat *const *rows, guint n_rows, guint n);

/* Finds the largest of the rows whose @ids are not 0, and its id. The index is
 * 0 where a row with id 0, the background, is not smaller. */
void unet_row_best (gfloat *best, guint8 *index, const gfloat *const *rows,
    const guint8 *ids, guint n_rows, guint n);

void unet_row_range (
    const gfloat *src, guint n, gfloat *minimum, gfloat *maximum);
void unet_row_invert (gfloat *row, guint n);
/* 0..1 to 0..255, rounded. */
void unet_row_quantise (guint8 *dst, const gfloat *src, guint n);
/* 1 where @src reaches @threshold, else 0. */
void unet_row_threshold (
    guint8 *dst, const gfloat *src, gfloat threshold, guint n);
/* 0 where @src does not reach @threshold. */
void unet_row_suppress (
    guint8 *classes, const gfloat *src, gfloat threshold, guint n);

G_END_DECLS
