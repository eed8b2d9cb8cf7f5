/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tensors to masks: activation, temporal smoothing, threshold. */

#include "frame/format/mask.h"
#include "frame/format/placement.h"
#include "frame/time/temporal-filter.h"

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetPostprocess UnetPostprocess;

/* Creates a reader of output tensors. @output gives the shape, as
 * unet_output_shape_find () takes it, and the type: F32, or an integer type for
 * class numbers. @window_* is that of unet_session_get_output_window ().
 * Returns NULL with UNET_ERROR_CONTRACT if the output does not fit the
 * contract. */
UNET_API UnetPostprocess *unet_postprocess_new (const UnetContract *contract,
    const UnetTensorInfo *output, guint input_width, guint input_height,
    const UnetPlacement *placement, gdouble window_x, gdouble window_y,
    gdouble window_width, gdouble window_height, GError **error);
/* @self may be NULL. */
UNET_API void unet_postprocess_free (UnetPostprocess *self);
/* Fills @mask with size, classes and the rectangle it covers, without data. */
UNET_API void unet_postprocess_get_info (UnetPostprocess *self, UnetMask *mask);
/* Smooths probabilities by @temporal before the threshold; NULL smooths
 * nothing. Class numbers of an argmax are never smoothed. The caller keeps
 * @temporal alive. */
UNET_API void unet_postprocess_set_temporal (
    UnetPostprocess *self, UnetTemporal *temporal);
/* Fills the planes of @mask, which the caller has allocated. @threshold, 0..1,
 * is the least probability of a foreground pixel. */
UNET_API void unet_postprocess_run (UnetPostprocess *self, gconstpointer tensor,
    gdouble threshold, UnetMask *mask);

G_END_DECLS
