/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Streams whose R'G'B' differs visibly from sRGB: PQ and HLG (ITU-R BT.2100),
 * linear light and the two logarithmic functions of ISO/IEC 23001-8. Elsewhere
 * a code value counts as sRGB's: the other functions that GStreamer names
 * differ from it by less than a tenth of the range.
 *
 * Light is linear, and graphics white is 1. In PQ and HLG that is 203 cd/m2
 * (Report ITU-R BT.2408), where HLG is shown at its nominal peak of 1000
 * cd/m2. */

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct {
  GstVideoTransferFunction function;
  gboolean changes_primaries; /* else the two matrices are identities */
  gdouble to_bt709[3][3], from_bt709[3][3]; /* of light */
} UnetTransfer;

/* Returns FALSE where R'G'B' of @info counts as sRGB. Primaries that are not
 * known are those of BT.2020 in PQ and HLG, and sRGB's elsewhere. Primaries
 * with another white than D65 count as sRGB's. */
gboolean unet_transfer_init (UnetTransfer *self, const GstVideoInfo *info);

/* One component, 0..1, to light and back. In HLG it is the light of the scene,
 * 0..1, before the OOTF. */
gdouble unet_transfer_decode (const UnetTransfer *self, gdouble v);
gdouble unet_transfer_encode (const UnetTransfer *self, gdouble light);
/* Returns whether components share a gain, HLG's OOTF, and its value for a
 * luminance of the scene (0..1), or the inverse's for one of the display. */
gboolean unet_transfer_has_ootf (const UnetTransfer *self);
gdouble unet_transfer_get_ootf (const UnetTransfer *self, gdouble luminance);
gdouble unet_transfer_get_inverse_ootf (
    const UnetTransfer *self, gdouble luminance);
/* Luminance of a component's light, by BT.2100 */
extern const gdouble unet_transfer_luma[3];

/* The light that is the brightest in SDR; what is brighter is clipped. */
gdouble unet_transfer_get_peak (const UnetTransfer *self);
/* Light, 0..peak, to sRGB, 0..1. In PQ and HLG this includes the tone mapping
 * of Report ITU-R BT.2390, section 5.4.1 (EETF), from 1000 to 203 cd/m2 in each
 * component: up to 92 cd/m2 light stays as it is, graphics white becomes 0.79
 * of SDR's white, 0.90 in sRGB. */
gdouble unet_transfer_show (const UnetTransfer *self, gdouble light);
/* sRGB (IEC 61966-2-1) to light, 0..1. */
gdouble unet_transfer_from_srgb_code (gdouble v);

/* The whole way of a colour, 0..1, from sRGB to the stream: sRGB's white
 * becomes graphics white. */
void unet_transfer_from_srgb (
    const UnetTransfer *self, const gdouble srgb[3], gdouble rgb[3]);

G_END_DECLS
