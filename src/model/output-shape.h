/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds rows, columns and channels of an output tensor. Any thread may call
 * it. */

#include <unetseg/unet-contract.h>

G_BEGIN_DECLS

typedef struct {
  guint channels, height, width;
  gboolean interleaved; /* channels are the last dimension */
  gboolean flattened;   /* rows and columns are one dimension */
} UnetOutputShape;

/* The part of the network's input that an output covers, in pixels of the
 * input, and the input's size. */
typedef struct {
  gdouble width, height;
  guint input_width, input_height;
  UnetLayout layout; /* of the input: decides where nothing else does */
} UnetOutputWindow;

/* Finds the shape of an output of batch 1 whose dimensions are all known: rows
 * and columns have the window's aspect, or their product is one dimension.
 * Returns %FALSE with @why, a constant text, where there is no such shape or
 * more than one. */
gboolean unet_output_shape_find (UnetOutputShape *shape,
    const UnetTensorInfo *output, const UnetOutputWindow *window,
    const gchar **why);

/* Makes @output, of a run with @batch pictures, describe that of the first one:
 * its numbers come first. */
void unet_output_take_first (UnetTensorInfo *output, gint64 batch);

G_END_DECLS
