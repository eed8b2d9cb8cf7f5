/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Colours of HDR and linear streams in double precision, from the formulas and
 * numbers that the standards print. */

#include <gst/video/video.h>

/* PQ, 0..1, and cd/m2 (SMPTE ST 2084). */
gdouble oracle_pq_from_light (gdouble light);
gdouble oracle_light_from_pq (gdouble pq);
/* HLG, 0..1, and the light of the scene, 0..1 (ARIB STD-B67, BT.2100). */
gdouble oracle_hlg_from_scene (gdouble light);
gdouble oracle_scene_from_hlg (gdouble hlg);

/* R'G'B', 0..1, of a stream to sRGB as a picture in SDR shows it, and the other
 * way, where sRGB's white is 203 cd/m2. The function is SMPTE2084,
 * ARIB_STD_B67 or GAMMA10; the primaries are BT.2020's or sRGB's. */
void oracle_srgb_from_stream (
    const GstVideoColorimetry *stream, const gdouble rgb[3], gdouble srgb[3]);
void oracle_stream_from_srgb (
    const GstVideoColorimetry *stream, const gdouble srgb[3], gdouble rgb[3]);
