/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

/* Makes frames for tests, of any format, with random strides and offsets and
 * with guard bytes. Reads their samples through GStreamer's own unpacking
 * functions. */

typedef struct {
  GstVideoInfo info;
  GstVideoFrame frame; /* mapped read-write */
  GstBuffer *buffer;
  guint8 *memory; /* the whole allocation, guards included */
  gsize size;
} TestFrame;

typedef enum {
  TEST_NOISE,  /* random bytes */
  TEST_SMOOTH, /* gradients and waves in every component */
} TestContent;

/* Samples of a component at its own resolution, in units of its depth. */
typedef struct {
  guint width, height;
  guint w_sub, h_sub;
  gdouble *samples;
} TestPlane;

void test_info_init (
    GstVideoInfo *info, GstVideoFormat format, guint width, guint height);
/* @pad: strides and offsets are random instead of GStreamer's own. */
void test_frame_init (TestFrame *self, const GstVideoInfo *info, GRand *rand,
    TestContent content, gboolean pad);
void test_frame_copy (TestFrame *copy, const TestFrame *self);
/* Copies only the bytes of the picture, between simple formats of equal size.
 */
void test_frame_copy_picture (TestFrame *to, const TestFrame *from);
void test_frame_clear (TestFrame *self);

/* Reads up to three planes without alpha; returns how many. */
guint test_planes_read (TestPlane planes[3], const GstVideoFrame *frame);
/* Does the same, with alpha as a fourth plane. */
guint test_planes_read_alpha (TestPlane planes[4], const GstVideoFrame *frame);
void test_planes_clear (TestPlane *planes, guint n);

static inline gdouble
test_plane_at (const TestPlane *plane, gint x, gint y)
{
  x = CLAMP (x, 0, (gint) plane->width - 1);
  y = CLAMP (y, 0, (gint) plane->height - 1);
  return plane->samples[(gsize) y * plane->width + x];
}

/* Fills a frame with smooth waves; its rows are padded where the format allows
 * it. */
void test_frame_init_smooth (
    TestFrame *frame, const GstVideoInfo *info, GRand *rand);
/* Fills a frame with two colours that meet at @column, the brighter one on the
 * left. */
void test_frame_init_halves (
    TestFrame *frame, const GstVideoInfo *info, GRand *rand, guint column);
/* Fills a frame with the same two colours, mixed by @alpha. It has a byte per
 * pixel, where 255 is the brighter colour. */
void test_frame_init_mixed (TestFrame *frame, const GstVideoInfo *info,
    GRand *rand, const guint8 *alpha);
/* Returns @n random bytes. */
guint8 *test_random_bytes (GRand *rand, guint n);
