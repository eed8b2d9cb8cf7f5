/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The library's enumerations as properties have them: the same values and
 * nicks, with descriptions for gst-inspect-1.0 in place of the names in C. */

#include <glib-object.h>

G_BEGIN_DECLS

#define GST_TYPE_UNET_SEG_PRECISION   (gst_unet_seg_precision_get_type ())
#define GST_TYPE_UNET_SEG_FIT         (gst_unet_seg_fit_get_type ())
#define GST_TYPE_UNET_SEG_LAYOUT      (gst_unet_seg_layout_get_type ())
#define GST_TYPE_UNET_SEG_COLOR_ORDER (gst_unet_seg_color_order_get_type ())
#define GST_TYPE_UNET_SEG_ACTIVATION  (gst_unet_seg_activation_get_type ())

GType gst_unet_seg_precision_get_type (void);
GType gst_unet_seg_fit_get_type (void);
GType gst_unet_seg_layout_get_type (void);
GType gst_unet_seg_color_order_get_type (void);
GType gst_unet_seg_activation_get_type (void);

/* Marks the types of the contract for the plugin's documentation. */
void gst_unet_seg_mark_contract_enums (void);

G_END_DECLS
