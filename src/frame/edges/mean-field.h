/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mean field of a random field over pixels of which like colours belong
 * together (Krähenbühl, Koltun, "Efficient inference in fully connected CRFs
 * with Gaussian edge potentials", NIPS 2011): what a pixel is follows from
 * what the network says of it and from the pixels round it that look like it.
 * Unlike the guided filter's lines it takes several colours on either side. */

#include <glib.h>

G_BEGIN_DECLS

/* The neighbours of a pixel lie at (spacing i, spacing j), every other row
 * moved by half the spacing, up to twice @distance away. Their weight is (1 -
 * (d / distance)² / 16 - (c / color)² / 16)^8, or 0 where that base is
 * negative: nearly a Gaussian. */
typedef struct {
  gdouble distance; /* standard deviation, as a part of the shorter side */
  guint spacing;
  gfloat color;    /* the same of colours; chroma counts twice */
  gfloat strength; /* logit that like pixels of one mind add */
} UnetMeanFieldKernel;

#define UNET_MEAN_FIELD_PASSES 2
/* Weight of abstention beside that of the neighbours. Less lets a few similar
 * pixels decide, more keeps the network's opinion. */
#define UNET_MEAN_FIELD_DOUBT 0.85f
/* The network's probability is kept this far from 0 and 1, so that many similar
 * neighbours can overrule it. */
#define UNET_MEAN_FIELD_LEAST 0.004f

typedef struct {
  guint width, height, margin;
  gsize stride;
  UnetMeanFieldKernel kernel;
  guint n_neighbors;
  gssize *neighbor; /* how far away each lies in the planes */
  gfloat *nearness; /* weight of its distance */
  gfloat *plane[4]; /* three colours, and 2 q - 1, with margins */
  gfloat *next;
} UnetMeanField;

/* FALSE where there is no memory; to be cleared in either case. */
gboolean unet_mean_field_init (UnetMeanField *self, guint width, guint height,
    const UnetMeanFieldKernel *kernel);
void unet_mean_field_clear (UnetMeanField *self);
/* @guide: four floats per pixel, the last one ignored. @p: what the network
 * says. @q: where to begin; changed where @wanted. */
void unet_mean_field_run (UnetMeanField *self, const gfloat *guide,
    const gfloat *p, const guint8 *wanted, gfloat *q);

G_END_DECLS
