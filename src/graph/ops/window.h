/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The window of a convolution or pooling. */

#include "graph/ops/args.h"

G_BEGIN_DECLS

/* Attributes of Conv, ConvTranspose, DeformConv, MaxPool and AveragePool
 * resolved for an input shape: auto_pad and defaults are worked out. Up to 3
 * spatial axes; each number is at most 2^31. */
typedef struct {
  guint n;
  gint64 kernel[3], stride[3], dilation[3]; /* dilation 1 = dense */
  gint64 pad_begin[3], pad_end[3];
  gint64 output_padding[3]; /* ConvTranspose */
  gint64 out[3];            /* spatial output extents; -1: open */
  gint64 group;
  gboolean ceil_mode, count_include_pad;
} UnetWindow;

/* Returns %FALSE with @error set when attributes make no sense or do not fit
 * the input. */
gboolean unet_window_resolve (
    const UnetArgs *args, UnetWindow *window, GError **error);
/* The same for a node of a graph. @graph: (nullable): for errors. */
gboolean unet_node_window (const UnetGraph *graph, const UnetNode *node,
    UnetWindow *window, GError **error);

G_END_DECLS
