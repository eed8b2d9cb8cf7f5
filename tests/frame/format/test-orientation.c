/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/orientation.h"
#include <frame/format/placement.h>
#include <frame/input/preprocess.h>
#include <frame/format/mask.h>
#include <frame/mask/postprocess.h>

#include <gst/check/gstcheck.h>
#include <math.h>

#define GUARD 0x5a

/* Finds the pixel (@x, @y) of the buffer's picture of @w by @h that is upright
 * pixel (@u, @v). It follows GstVideoOrientationMethod's documentation. */
static void
source (GstVideoOrientationMethod method, guint w, guint h, guint u, guint v,
    guint *x, guint *y)
{
  switch (method) {
    case GST_VIDEO_ORIENTATION_90R: /* clockwise */
      *x = v, *y = h - 1 - u;
      break;
    case GST_VIDEO_ORIENTATION_180:
      *x = w - 1 - u, *y = h - 1 - v;
      break;
    case GST_VIDEO_ORIENTATION_90L:
      *x = w - 1 - v, *y = u;
      break;
    case GST_VIDEO_ORIENTATION_HORIZ:
      *x = w - 1 - u, *y = v;
      break;
    case GST_VIDEO_ORIENTATION_VERT:
      *x = u, *y = h - 1 - v;
      break;
    case GST_VIDEO_ORIENTATION_UL_LR: /* across the main diagonal */
      *x = v, *y = u;
      break;
    case GST_VIDEO_ORIENTATION_UR_LL:
      *x = w - 1 - v, *y = h - 1 - u;
      break;
    default:
      *x = u, *y = v;
      break;
  }
}

static void
check_size (GstVideoOrientationMethod method, guint w, guint h, guint cell)
{
  const gboolean turned = unet_orientation_is_transposed (method);
  const guint uw = turned ? h : w, uh = turned ? w : h;
  const gsize n = (gsize) w * h;
  g_autofree guint8 *bytes = g_malloc (n), *to = g_malloc (n + 1);
  g_autofree gfloat *floats = g_new (gfloat, n * cell);
  g_autofree gfloat *other = g_new (gfloat, n * cell + 1);

  for (gsize i = 0; i < n; i++)
    bytes[i] = (guint8) g_random_int ();
  for (gsize i = 0; i < n * cell; i++)
    floats[i] = (gfloat) i;
  to[n] = GUARD;
  other[n * cell] = GUARD;
  unet_orient_u8 (to, bytes, w, h, method);
  unet_orient_f32 (other, floats, w, h, cell, method);
  for (guint v = 0; v < uh; v++)
    for (guint u = 0; u < uw; u++) {
      guint x, y;

      source (method, w, h, u, v, &x, &y);
      if (to[v * uw + u] != bytes[y * w + x])
        fail ("method %d, %ux%u: byte %u,%u", method, w, h, u, v);
      for (guint c = 0; c < cell; c++)
        if (other[(v * uw + u) * cell + c] != floats[(y * w + x) * cell + c])
          fail ("method %d, %ux%u: float %u,%u", method, w, h, u, v);
    }
  fail_unless (to[n] == GUARD && other[n * cell] == GUARD);
}

GST_START_TEST (test_kernels)
{
  for (guint i = 0; i < 200; i++)
    check_size (i % 8, g_random_int_range (1, 70), g_random_int_range (1, 70),
        1 + i / 8 % 3);
  for (guint i = 0; i < 8; i++)
    check_size (i, 1, 1, 1);
}
GST_END_TEST;

/* An orientation and its inverse give the picture back. */
GST_START_TEST (test_inverse)
{
  for (guint method = 0; method < 8; method++) {
    guint8 a[5 * 3], b[5 * 3], c[5 * 3];
    const gboolean turned = unet_orientation_is_transposed (method);

    for (guint i = 0; i < sizeof a; i++)
      a[i] = i;
    unet_orient_u8 (b, a, 5, 3, method);
    unet_orient_u8 (
        c, b, turned ? 3 : 5, turned ? 5 : 3, unet_orientation_invert (method));
    fail_unless (memcmp (a, c, sizeof a) == 0, "method %u", method);
  }
}
GST_END_TEST;

/* A mapped rectangle holds the same pixels as before. */
GST_START_TEST (test_rectangle)
{
  for (guint method = 0; method < 8; method++) {
    const guint w = 7, h = 4; /* size of the buffer */
    const gboolean turned = unet_orientation_is_transposed (method);
    const guint uw = turned ? h : w, uh = turned ? w : h;
    gdouble x = 1, y = 2, rw = 2, rh = 1;

    unet_orientation_map_rectangle (method, uw, uh, &x, &y, &rw, &rh);
    fail_unless (rw * rh == 2);
    for (guint v = 0; v < uh; v++)
      for (guint u = 0; u < uw; u++) {
        const gboolean in = u >= 1 && u < 3 && v == 2;
        guint bx, by;

        source (method, w, h, u, v, &bx, &by);
        fail_unless (in == (bx >= x && bx < x + rw && by >= y && by < y + rh),
            "method %u, pixel %u,%u", method, u, v);
      }
  }
}
GST_END_TEST;

/* ---- through preprocessing and back ----------------------------------- */

static GstBuffer *
random_frame (const GstVideoInfo *info)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_random_int ();
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

/* Returns the same picture upright, copied pixel by pixel. */
static GstBuffer *
stand_up (const GstVideoInfo *lying, GstBuffer *buffer,
    const GstVideoInfo *upright, GstVideoOrientationMethod method)
{
  GstBuffer *out =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (upright), NULL);
  GstVideoFrame from, to;

  gst_buffer_memset (out, 0, 0, -1);
  gst_video_frame_map (&from, lying, buffer, GST_MAP_READ);
  gst_video_frame_map (&to, upright, out, GST_MAP_WRITE);
  for (gint v = 0; v < upright->height; v++)
    for (gint u = 0; u < upright->width; u++) {
      guint x, y;

      source (method, lying->width, lying->height, u, v, &x, &y);
      memcpy ((guint8 *) to.data[0] + v * to.info.stride[0] + 3 * u,
          (guint8 *) from.data[0] + y * from.info.stride[0] + 3 * x, 3);
    }
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  return out;
}

typedef struct {
  GstVideoInfo info;
  GstBuffer *buffer;
  UnetPlacement placement;
} Side;

static gfloat *
preprocess (const Side *side, const UnetContract *contract, guint w, guint h)
{
  gfloat *tensor = g_new (gfloat, 3 * w * h + 1);
  UnetPreprocess *p =
      unet_preprocess_new (&side->info, contract, w, h, &side->placement, NULL);
  GstVideoFrame frame;

  tensor[3 * w * h] = GUARD;
  gst_video_frame_map (&frame, &side->info, side->buffer, GST_MAP_READ);
  unet_preprocess_run (p, &frame, tensor);
  gst_video_frame_unmap (&frame);
  unet_preprocess_free (p);
  fail_unless (tensor[3 * w * h] == GUARD);
  return tensor;
}

static UnetMask
postprocess (const Side *side, const UnetContract *contract,
    const gfloat *tensor, guint w, guint h)
{
  UnetTensorInfo output = { "mask", UNET_DTYPE_F32, 4, { 1, 1, h, w } };
  UnetPostprocess *p = unet_postprocess_new (
      contract, &output, w, h, &side->placement, 0, 0, w, h, NULL);
  UnetMask mask;

  unet_postprocess_get_info (p, &mask);
  mask.class_map = g_malloc0 (mask.width * mask.height);
  mask.probability = g_malloc0 (mask.width * mask.height);
  unet_postprocess_run (p, tensor, .5, &mask);
  unet_postprocess_free (p);
  return mask;
}

static void
compare_masks (const UnetMask *lying, const UnetMask *upright,
    GstVideoOrientationMethod method, guint frame_w, guint frame_h)
{
  gdouble x = upright->x, y = upright->y, w = upright->w, h = upright->h;

  unet_orientation_map_rectangle (method, frame_w, frame_h, &x, &y, &w, &h);
  fail_unless (fabs (lying->x - x) < 1e-6 && fabs (lying->y - y) < 1e-6
      && fabs (lying->w - w) < 1e-6 && fabs (lying->h - h) < 1e-6);
  for (guint v = 0; v < upright->height; v++)
    for (guint u = 0; u < upright->width; u++) {
      guint bx, by;

      source (method, lying->width, lying->height, u, v, &bx, &by);
      fail_unless (lying->class_map[by * lying->width + bx]
          == upright->class_map[v * upright->width + u]);
      fail_unless (lying->probability[by * lying->width + bx]
          == upright->probability[v * upright->width + u]);
    }
}

static void
compare_sides (GstVideoOrientationMethod method, UnetFit fit, UnetLayout layout,
    guint w, guint h)
{
  g_autoptr (UnetContract) contract = unet_contract_new ();
  const guint lw = g_random_int_range (2, 90);
  const guint lh = g_random_int_range (2, 90);
  const gboolean turned = unet_orientation_is_transposed (method);
  const guint uw = turned ? lh : lw, uh = turned ? lw : lh;
  g_autofree gfloat *a = NULL, *b = NULL;
  UnetMask lying_mask, upright_mask;
  Side lying, upright;

  contract->color_order = UNET_COLOR_ORDER_RGB;
  contract->layout = layout;
  contract->activation = UNET_ACTIVATION_NONE;
  contract->fit = fit;
  contract->input_video = g_random_boolean ();
  gst_video_info_set_format (&lying.info, GST_VIDEO_FORMAT_RGB, lw, lh);
  gst_video_info_set_format (&upright.info, GST_VIDEO_FORMAT_RGB, uw, uh);
  lying.buffer = random_frame (&lying.info);
  upright.buffer = stand_up (&lying.info, lying.buffer, &upright.info, method);
  unet_placement_init_for (
      &upright.placement, contract, uw, uh, 1, 1, w, h, 0, 0, w, h);
  lying.placement = upright.placement;
  lying.placement.orientation = method;
  a = preprocess (&lying, contract, w, h);
  b = preprocess (&upright, contract, w, h);
  for (guint i = 0; i < 3 * w * h; i++)
    if (fabsf (a[i] - b[i]) > 2e-3f)
      fail ("method %d, fit %d, %ux%u to %ux%u: %g, not %g at %u", method, fit,
          lw, lh, w, h, a[i], b[i], i);
  lying_mask = postprocess (&lying, contract, b, w, h);
  upright_mask = postprocess (&upright, contract, b, w, h);
  compare_masks (&lying_mask, &upright_mask, method, uw, uh);
  g_free (lying_mask.class_map);
  g_free (lying_mask.probability);
  g_free (upright_mask.class_map);
  g_free (upright_mask.probability);
  gst_buffer_unref (lying.buffer);
  gst_buffer_unref (upright.buffer);
}

/* A rotated frame gives the tensor of the upright frame, and its mask is
 * rotated. */
GST_START_TEST (test_both_ways)
{
  for (guint i = 0; i < 240; i++)
    compare_sides (i % 8, i / 8 % 3,
        i % 2 ? UNET_LAYOUT_NCHW : UNET_LAYOUT_NHWC, g_random_int_range (2, 64),
        g_random_int_range (2, 64));
}
GST_END_TEST;

static Suite *
orientation_suite (void)
{
  Suite *suite = suite_create ("orientation");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_kernels);
  tcase_add_test (tcase, test_inverse);
  tcase_add_test (tcase, test_rectangle);
  tcase_add_test (tcase, test_both_ways);
  return suite;
}

GST_CHECK_MAIN (orientation);
