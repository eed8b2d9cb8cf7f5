/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

/* Frames for tests: any format, random strides and offsets, guard bytes; and
 * their samples as GStreamer's own unpacking functions see them. */

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
/* Only what belongs to the picture; simple formats of equal size. */
void test_frame_copy_picture (TestFrame *to, const TestFrame *from);
void test_frame_clear (TestFrame *self);

/* Up to three planes (alpha is left out); returns how many. */
guint test_planes_read (TestPlane planes[3], const GstVideoFrame *frame);
/* As above with alpha as a fourth. */
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
/* Fills a frame with the same two colours, mixed by @alpha: a byte per pixel,
 * 255 being the brighter one. */
void test_frame_init_mixed (TestFrame *frame, const GstVideoInfo *info,
    GRand *rand, const guint8 *alpha);
/* Returns @n random bytes. */
guint8 *test_random_bytes (GRand *rand, guint n);
