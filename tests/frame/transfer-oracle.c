/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer-oracle.h"

#include <math.h>

/* BT.2087 prints the first with four digits. More of them follow from the
 * chromaticities of BT.709 and BT.2020. */
static const gdouble bt709_from_bt2020[3][3] = { { 1.6604910021, -0.5876411388,
                                                     -0.0728498633 },
  { -0.1245504745, 1.1328998971, -0.0083494226 },
  { -0.0181507634, -0.1005788980, 1.1187296614 } };
static const gdouble bt2020_from_bt709[3][3] = { { 0.6274038959, 0.3292830384,
                                                     0.0433130657 },
  { 0.0690972894, 0.9195403951, 0.0113623156 },
  { 0.0163914389, 0.0880133079, 0.8955952532 } };

gdouble
oracle_pq_from_light (gdouble light)
{
  const gdouble p = pow (light / 10000, 0.1593017578125);

  return pow ((0.8359375 + 18.8515625 * p) / (1 + 18.6875 * p), 78.84375);
}

gdouble
oracle_hlg_from_scene (gdouble light)
{
  if (light <= 1 / 12.0)
    return sqrt (3 * light);
  return 0.17883277 * log (12 * light - 0.28466892) + 0.55991073;
}

/* Inverts a function that rises from 0 to @limit. */
static gdouble
bisect (gdouble (*function) (gdouble), gdouble value, gdouble limit)
{
  gdouble low = 0, high = limit;

  for (guint i = 0; i < 80; i++) {
    const gdouble middle = (low + high) / 2;

    if (function (middle) < value)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

gdouble
oracle_light_from_pq (gdouble pq)
{
  return bisect (oracle_pq_from_light, pq, 10000);
}

gdouble
oracle_scene_from_hlg (gdouble hlg)
{
  return bisect (oracle_hlg_from_scene, hlg, 1);
}

static gdouble
srgb_from_light (gdouble light)
{
  return light <= 0.0031308 ? 12.92 * light
                            : 1.055 * pow (light, 1 / 2.4) - 0.055;
}

static gdouble
light_from_srgb (gdouble v)
{
  return v <= 0.04045 ? v / 12.92 : pow ((v + 0.055) / 1.055, 2.4);
}

static gdouble
bt2020_luminance (const gdouble v[3])
{
  return 0.2627 * v[0] + 0.6780 * v[1] + 0.0593 * v[2];
}

static void
multiply (const gdouble m[3][3], gdouble v[3])
{
  const gdouble from[3] = { v[0], v[1], v[2] };

  for (guint i = 0; i < 3; i++)
    v[i] = m[i][0] * from[0] + m[i][1] * from[1] + m[i][2] * from[2];
}

/* BT.2390 section 5.4.1: cd/m2 of a display of 1000 to those of one of 203. */
static gdouble
tone_map (gdouble light)
{
  const gdouble white = oracle_pq_from_light (1000);
  const gdouble most = oracle_pq_from_light (203) / white;
  const gdouble ks = 1.5 * most - 0.5;
  const gdouble e = oracle_pq_from_light (CLAMP (light, 0, 1000)) / white;
  const gdouble t = (e - ks) / (1 - ks);

  if (e < ks)
    return MAX (light, 0);
  return oracle_light_from_pq (white
      * ((2 * pow (t, 3) - 3 * pow (t, 2) + 1) * ks
          + (pow (t, 3) - 2 * pow (t, 2) + t) * (1 - ks)
          + (-2 * pow (t, 3) + 3 * pow (t, 2)) * most));
}

void
oracle_srgb_from_stream (
    const GstVideoColorimetry *stream, const gdouble rgb[3], gdouble srgb[3])
{
  const gboolean linear = stream->transfer == GST_VIDEO_TRANSFER_GAMMA10;
  gdouble light[3], luminance;

  for (guint i = 0; i < 3; i++) {
    light[i] = rgb[i];
    if (stream->transfer == GST_VIDEO_TRANSFER_SMPTE2084)
      light[i] = oracle_light_from_pq (rgb[i]);
    if (stream->transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67)
      light[i] = oracle_scene_from_hlg (rgb[i]);
  }
  luminance = bt2020_luminance (light);
  if (stream->transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67)
    for (guint i = 0; i < 3; i++)
      light[i] *= 1000 * pow (luminance, 0.2);
  if (stream->primaries == GST_VIDEO_COLOR_PRIMARIES_BT2020)
    multiply (bt709_from_bt2020, light);
  for (guint i = 0; i < 3; i++)
    srgb[i] = srgb_from_light (
        CLAMP (linear ? light[i] : tone_map (light[i]) / 203, 0, 1));
}

void
oracle_stream_from_srgb (
    const GstVideoColorimetry *stream, const gdouble srgb[3], gdouble rgb[3])
{
  gdouble light[3], luminance;

  for (guint i = 0; i < 3; i++)
    light[i] = light_from_srgb (srgb[i]);
  if (stream->primaries == GST_VIDEO_COLOR_PRIMARIES_BT2020)
    multiply (bt2020_from_bt709, light);
  luminance = 0.203 * bt2020_luminance (light); /* of the display, 1 = 1000 */
  for (guint i = 0; i < 3; i++) {
    rgb[i] = light[i];
    if (stream->transfer == GST_VIDEO_TRANSFER_SMPTE2084)
      rgb[i] = oracle_pq_from_light (203 * light[i]);
    /* The scene's luminance is luminance^(1 / 1.2). */
    if (stream->transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67)
      rgb[i] = luminance > 0 ? oracle_hlg_from_scene (
                   0.203 * light[i] / pow (pow (luminance, 1 / 1.2), 0.2))
                             : 0;
  }
}
