/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory layouts of tensors. */

#include "engine/kernels/kernel.h"
#include "engine/onednn/compat.h"
#include "graph/graph.h"
#include "graph/ops/window.h"

G_BEGIN_DECLS

typedef struct _UnetPlan UnetPlan;

/* Layouts of a 4-D f32 tensor. PLAIN is row-major, as in the model, and the
 * only layout for any other rank or type. */
typedef enum {
  UNET_MEM_PLAIN,
  UNET_MEM_BLOCKED, /* nChw16c, or nChw8c below AVX-512 */
  UNET_MEM_NHWC,
  UNET_MEM_LOW, /* NHWC in low precision (precision.h) */
  UNET_N_MEM,
} UnetMemLayout;

/* Returns whether @value can be stored in @layout. */
gboolean unet_value_fits (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout);

/* Returns oneDNN's type for @dtype, undef where it has none. */
dnnl_data_type_t unet_dnnl_dtype (UnetDType dtype);

/* Returns a descriptor (transfer full) of a tensor in @layout, which is not
 * UNET_MEM_LOW; %NULL where oneDNN has none. */
UnetMd unet_plan_md (const UnetPlan *plan, UnetDType dtype, guint n_dims,
    const gint64 *dims, UnetMemLayout layout);

/* Returns how kernels see the 4-D @value in @layout. */
UnetVec unet_plan_vec (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout);

/* Returns the size of @value in @layout in bytes, with the lanes that fill up
 * the last block of channels. */
gsize unet_plan_value_bytes (
    const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout);

/* Translates a window for oneDNN. */
void unet_window_to_dnnl (const UnetWindow *from, UnetDnnlWindow *to);

/* Returns the window of a 1x1 convolution. */
UnetDnnlWindow unet_dnnl_window_1x1 (void);

/* Returns whether @a and @b have the same rank and dimensions. */
gboolean unet_value_same_dims (const UnetValue *a, const UnetValue *b);

/* Returns whether a transposed convolution with @window maps every input pixel
 * to its own square of output pixels: kernel and stride are equal, without
 * padding. Then it is a 1x1 convolution and depth-to-space. */
gboolean unet_window_is_depth_to_space (const UnetWindow *window);

G_END_DECLS
