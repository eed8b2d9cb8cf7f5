/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs the network, temporal smoothing and edge refinement with the defaults of
 * a live pipeline. */

#include <frame/edges/refine.h>
#include <frame/input/preprocess.h>
#include <frame/mask/postprocess.h>

/* Probabilities of no and of full coverage: the defaults of the elements. */
#define LOW  0.3
#define HIGH 0.7
/* Time constant of smoothing in milliseconds: the default of the elements. */
#define TIME_CONSTANT 150.0

typedef struct {
  UnetModel *model;
  UnetContract *contract;
  UnetSession *session;
  guint width, height;
  GstVideoInfo info;
  UnetPreprocess *preprocess;
  UnetPostprocess *postprocess;
  UnetTemporal *temporal;
  UnetRefine *refine;
  UnetMask raw, smoothed; /* of the network alone, and after smoothing */
} Chain;

/* Loads @model, or the built-in network for NULL. Exits on errors. */
void chain_init (Chain *self, const gchar *model);
/* Opens everything for frames of @info, with the network's size that the
 * elements would choose, and forgets earlier frames. */
void chain_set_info (Chain *self, const GstVideoInfo *info);
/* Fills both masks. @elapsed milliseconds since the last frame. */
void chain_run (Chain *self, GstVideoFrame *frame, gdouble elapsed);
/* Returns the coverage of @frame from the smoothed mask, valid until the next
 * call. */
const UnetMask *chain_refine (
    Chain *self, GstVideoFrame *frame, gdouble elapsed);
/* Allocates the planes of @mask anew. */
void alloc_mask (UnetMask *mask);
/* Fills @dst with the probability of each of @width by @height pixels,
 * bilinear between the centres of mask pixels. */
void enlarge (const UnetMask *mask, guint width, guint height, gfloat *dst);
