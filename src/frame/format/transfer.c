/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/transfer.h"

#include <math.h>

/* cd/m2. PQ codes up to 10000; 1000 is the nominal peak of HLG and of what most
 * PQ is mastered for; BT.2408 has graphics white at 203. */
#define PQ_PEAK        10000.0
#define NOMINAL_PEAK   1000.0
#define GRAPHICS_WHITE 203.0
/* BT.2100, table 5: the gamma of the OOTF at the nominal peak. */
#define HLG_GAMMA 1.2
/* Chromaticity of the white of BT.709 and BT.2020. */
#define D65_X 0.3127
#define D65_Y 0.3290

/* Row-major matrices of three. */
typedef gdouble Matrix[3][3];

const gdouble unet_transfer_luma[3] = { 0.2627, 0.6780, 0.0593 };

/* ---- functions -------------------------------------------------------- */

/* SMPTE ST 2084 and BT.2100, table 4: a share of 10000 cd/m2. */
static gdouble
decode_pq (gdouble v)
{
  const gdouble m1 = 2610.0 / 16384, m2 = 2523.0 / 4096 * 128;
  const gdouble c1 = 3424.0 / 4096, c2 = 2413.0 / 4096 * 32;
  const gdouble c3 = 2392.0 / 4096 * 32;
  const gdouble p = pow (v, 1 / m2);

  return pow (MAX (p - c1, 0) / (c2 - c3 * p), 1 / m1);
}

static gdouble
encode_pq (gdouble y)
{
  const gdouble m1 = 2610.0 / 16384, m2 = 2523.0 / 4096 * 128;
  const gdouble c1 = 3424.0 / 4096, c2 = 2413.0 / 4096 * 32;
  const gdouble c3 = 2392.0 / 4096 * 32;
  const gdouble p = pow (y, m1);

  return pow ((c1 + c2 * p) / (1 + c3 * p), m2);
}

/* ARIB STD-B67 and BT.2100, table 5, where light is 0..1. */
#define HLG_A 0.17883277
#define HLG_B 0.28466892
#define HLG_C 0.55991073

static gdouble
decode_hlg (gdouble v)
{
  return v <= 0.5 ? v * v / 3 : (exp ((v - HLG_C) / HLG_A) + HLG_B) / 12;
}

static gdouble
encode_hlg (gdouble light)
{
  return light <= 1 / 12.0 ? sqrt (3 * light)
                           : HLG_A * log (12 * light - HLG_B) + HLG_C;
}

gdouble
unet_transfer_decode (const UnetTransfer *self, gdouble v)
{
  switch (self->function) {
    case GST_VIDEO_TRANSFER_SMPTE2084:
      return decode_pq (v) * (PQ_PEAK / GRAPHICS_WHITE);
    case GST_VIDEO_TRANSFER_ARIB_STD_B67:
      return decode_hlg (v);
    case GST_VIDEO_TRANSFER_LOG100:
      return v > 0 ? pow (10, 2 * (v - 1)) : 0;
    case GST_VIDEO_TRANSFER_LOG316:
      return v > 0 ? pow (10, 2.5 * (v - 1)) : 0;
    default:
      return v;
  }
}

gdouble
unet_transfer_encode (const UnetTransfer *self, gdouble light)
{
  light = MAX (light, 0);
  switch (self->function) {
    case GST_VIDEO_TRANSFER_SMPTE2084:
      return encode_pq (MIN (light * (GRAPHICS_WHITE / PQ_PEAK), 1));
    case GST_VIDEO_TRANSFER_ARIB_STD_B67:
      return encode_hlg (MIN (light, 1));
    case GST_VIDEO_TRANSFER_LOG100:
      return light < 0.01 ? 0 : MIN (1 + log10 (light) / 2, 1);
    case GST_VIDEO_TRANSFER_LOG316:
      return light < pow (10, -2.5) ? 0 : MIN (1 + log10 (light) / 2.5, 1);
    default:
      return MIN (light, 1);
  }
}

gdouble
unet_transfer_from_srgb_code (gdouble v)
{
  return v <= 0.04045 ? v / 12.92 : pow ((v + 0.055) / 1.055, 2.4);
}

static gdouble
encode_srgb (gdouble light)
{
  return light <= 0.0031308 ? 12.92 * light
                            : 1.055 * pow (light, 1 / 2.4) - 0.055;
}

/* ---- HLG's display ---------------------------------------------------- */

gboolean
unet_transfer_has_ootf (const UnetTransfer *self)
{
  return self->function == GST_VIDEO_TRANSFER_ARIB_STD_B67;
}

gdouble
unet_transfer_get_ootf (const UnetTransfer *self, gdouble luminance)
{
  if (!unet_transfer_has_ootf (self))
    return 1;
  return NOMINAL_PEAK / GRAPHICS_WHITE * pow (luminance, HLG_GAMMA - 1);
}

gdouble
unet_transfer_get_inverse_ootf (const UnetTransfer *self, gdouble luminance)
{
  const gdouble share = GRAPHICS_WHITE / NOMINAL_PEAK;

  if (!unet_transfer_has_ootf (self) || luminance <= 0)
    return 1;
  return share * pow (luminance * share, (1 - HLG_GAMMA) / HLG_GAMMA);
}

/* ---- tone mapping ----------------------------------------------------- */

static gboolean
is_hdr (const UnetTransfer *self)
{
  return self->function == GST_VIDEO_TRANSFER_SMPTE2084
      || self->function == GST_VIDEO_TRANSFER_ARIB_STD_B67;
}

gdouble
unet_transfer_get_peak (const UnetTransfer *self)
{
  return is_hdr (self) ? NOMINAL_PEAK / GRAPHICS_WHITE : 1;
}

/* The EETF of BT.2390 for a black of 0: PQ code values above a knee follow a
 * Hermite spline to the target's peak. */
static gdouble
tone_map (gdouble light)
{
  const gdouble source = encode_pq (NOMINAL_PEAK / PQ_PEAK);
  const gdouble target = encode_pq (GRAPHICS_WHITE / PQ_PEAK) / source;
  const gdouble knee = 1.5 * target - 0.5;
  const gdouble e = encode_pq (light * (GRAPHICS_WHITE / PQ_PEAK)) / source;
  const gdouble t = (MIN (e, 1) - knee) / (1 - knee);
  const gdouble t2 = t * t, t3 = t2 * t;
  gdouble p;

  if (e <= knee)
    return light;
  p = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee)
      + (3 * t2 - 2 * t3) * target;
  return decode_pq (p * source) * (PQ_PEAK / GRAPHICS_WHITE);
}

gdouble
unet_transfer_show (const UnetTransfer *self, gdouble light)
{
  return encode_srgb (CLAMP (is_hdr (self) ? tone_map (light) : light, 0, 1));
}

/* ---- primaries -------------------------------------------------------- */

static void
invert (const Matrix m, Matrix inverse)
{
  gdouble determinant = 0;

  for (guint i = 0; i < 3; i++)
    for (guint j = 0; j < 3; j++) {
      const guint a = (j + 1) % 3, b = (j + 2) % 3;
      const guint c = (i + 1) % 3, d = (i + 2) % 3;

      inverse[i][j] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
    }
  for (guint j = 0; j < 3; j++)
    determinant += m[0][j] * inverse[j][0];
  for (guint i = 0; i < 3; i++)
    for (guint j = 0; j < 3; j++)
      inverse[i][j] /= determinant;
}

static void
multiply (const Matrix a, const Matrix b, Matrix product)
{
  for (guint i = 0; i < 3; i++)
    for (guint j = 0; j < 3; j++)
      product[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

/* RGB to XYZ (SMPTE RP 177). GStreamer has a digit more of D65 than BT.709 and
 * BT.2020 print. */
static void
set_primaries (Matrix m, const GstVideoColorPrimariesInfo *p)
{
  const gdouble x[3] = { p->Rx, p->Gx, p->Bx }, y[3] = { p->Ry, p->Gy, p->By };
  const gdouble white[3] = { D65_X / D65_Y, 1, (1 - D65_X - D65_Y) / D65_Y };
  Matrix inverse;

  for (guint j = 0; j < 3; j++) {
    m[0][j] = x[j] / y[j];
    m[1][j] = 1;
    m[2][j] = (1 - x[j] - y[j]) / y[j];
  }
  invert (m, inverse);
  for (guint j = 0; j < 3; j++) {
    const gdouble gain = inverse[j][0] * white[0] + inverse[j][1] * white[1]
        + inverse[j][2] * white[2];

    for (guint i = 0; i < 3; i++)
      m[i][j] *= gain;
  }
}

static gboolean
is_d65 (const GstVideoColorPrimariesInfo *p)
{
  return fabs (p->Wx - D65_X) < 0.001 && fabs (p->Wy - D65_Y) < 0.001;
}

static void
find_primaries (UnetTransfer *self, GstVideoColorPrimaries primaries)
{
  const GstVideoColorPrimariesInfo *own, *bt709;
  Matrix to_xyz, from_xyz, scratch;

  if (primaries == GST_VIDEO_COLOR_PRIMARIES_UNKNOWN)
    primaries = is_hdr (self) ? GST_VIDEO_COLOR_PRIMARIES_BT2020
                              : GST_VIDEO_COLOR_PRIMARIES_BT709;
  own = gst_video_color_primaries_get_info (primaries);
  bt709 = gst_video_color_primaries_get_info (GST_VIDEO_COLOR_PRIMARIES_BT709);
  self->changes_primaries = primaries != GST_VIDEO_COLOR_PRIMARIES_BT709
      && is_d65 (own);
  for (guint i = 0; i < 3; i++)
    self->to_bt709[i][i] = self->from_bt709[i][i] = 1;
  if (!self->changes_primaries)
    return;
  set_primaries (to_xyz, own);
  set_primaries (scratch, bt709);
  invert ((const gdouble (*)[3]) scratch, from_xyz);
  multiply ((const gdouble (*)[3]) from_xyz, (const gdouble (*)[3]) to_xyz,
      self->to_bt709);
  invert ((const gdouble (*)[3]) self->to_bt709, self->from_bt709);
}

gboolean
unet_transfer_init (UnetTransfer *self, const GstVideoInfo *info)
{
  memset (self, 0, sizeof *self);
  self->function = info->colorimetry.transfer;
  switch (self->function) {
    case GST_VIDEO_TRANSFER_SMPTE2084:
    case GST_VIDEO_TRANSFER_ARIB_STD_B67:
    case GST_VIDEO_TRANSFER_GAMMA10:
    case GST_VIDEO_TRANSFER_LOG100:
    case GST_VIDEO_TRANSFER_LOG316:
      find_primaries (self, info->colorimetry.primaries);
      return TRUE;
    default:
      return FALSE;
  }
}

/* ---- colours ---------------------------------------------------------- */

void
unet_transfer_from_srgb (
    const UnetTransfer *self, const gdouble srgb[3], gdouble rgb[3])
{
  gdouble light[3], own[3], luminance = 0, gain;

  for (guint i = 0; i < 3; i++)
    light[i] = unet_transfer_from_srgb_code (srgb[i]);
  for (guint i = 0; i < 3; i++) {
    own[i] = self->from_bt709[i][0] * light[0]
        + self->from_bt709[i][1] * light[1] + self->from_bt709[i][2] * light[2];
    luminance += unet_transfer_luma[i] * own[i];
  }
  gain = unet_transfer_get_inverse_ootf (self, luminance);
  for (guint i = 0; i < 3; i++)
    rgb[i] = unet_transfer_encode (self, own[i] * gain);
}
