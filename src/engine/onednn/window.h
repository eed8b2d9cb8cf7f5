/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <oneapi/dnnl/dnnl.h>

G_BEGIN_DECLS

/* The window of a convolution, deconvolution or pooling. Dilation 1 is dense.
 */
typedef struct {
  guint n;
  dnnl_dims_t kernel, stride, dilation, pad_begin, pad_end;
} UnetDnnlWindow;

G_END_DECLS
