/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Multi-level estimation of the colours of foreground and background from a
 * picture and its alpha (Germer, Uelwer, Conrad, Harmeling, "Fast multi-level
 * foreground estimation", ICPR 2020). Both satisfy I = alpha F + (1 - alpha) B
 * and change slowly, where alpha changes above all. */

#include <glib.h>

G_BEGIN_DECLS

#define UNET_COLOR_LEVELS 10

typedef struct {
  guint width, height;
  gfloat *picture; /* four per pixel: three components and alpha, 0..1 */
  gfloat *colors;  /* eight per pixel: foreground, unused, background, unused */
} UnetColorLevel;

/* Level 0 is the picture; each level is half as large as the one before. */
typedef struct {
  guint n_levels;
  UnetColorLevel level[UNET_COLOR_LEVELS];
} UnetColorEstimate;

/* Returns FALSE without memory. Clear @self in either case. */
gboolean unet_color_estimate_init (
    UnetColorEstimate *self, guint width, guint height);
void unet_color_estimate_clear (UnetColorEstimate *self);
/* Fills level[0].colors from level[0].picture, which the caller has filled.
 * Away from soft edges both colours are rough. */
void unet_color_estimate_run (UnetColorEstimate *self);

G_END_DECLS
