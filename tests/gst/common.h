/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* A fixture: criticals and warnings of our own log domain fail the test, as
 * GstCheck does it for GStreamer's, but where they are expected. */
void test_watch_log (void);
void test_expect_complaint (gboolean expect);
#define TEST_COMPLAINS(code)                                                   \
  G_STMT_START                                                                 \
  {                                                                            \
    test_expect_complaint (TRUE);                                              \
    code;                                                                      \
    test_expect_complaint (FALSE);                                             \
  }                                                                            \
  G_STMT_END

/* Path of a model of tests/data; owned by the caller. */
gchar *test_model (const gchar *name);

/* `unetseg` with the model of that name and more properties (`a=b c=d`). A
 * harness is live; every frame waits for its mask unless they say otherwise. */
GstHarness *test_harness_new (const gchar *model, const gchar *properties);
void test_harness_free (GstHarness *h);
/* Takes all messages off the element's bus and counts those of @types. */
guint test_count_messages (GstHarness *h, GstMessageType types);
/* Sets caps of @format and size at 30 frames a second. */
void test_harness_set_format (
    GstHarness *h, GstVideoFormat format, guint width, guint height);
GstCaps *test_caps (GstVideoFormat format, guint width, guint height);

/* A number of the element's statistics. */
guint64 test_stat (GstElement *element, const gchar *name);

/* What frames show. */
typedef enum {
  TEST_HALF, /* left half white, right half black */
  TEST_BLACK,
  TEST_STRIPES, /* vertical: black, red, green, blue */
} TestPicture;

/* How a frame lies in its buffer. */
typedef enum {
  TEST_PLAIN,       /* as the caps say */
  TEST_PADDED,      /* GstVideoMeta with longer rows and gaps between planes */
  TEST_PLANES,      /* one memory per plane, GstVideoMeta */
  TEST_PLANES_BARE, /* one memory per plane, no GstVideoMeta */
  TEST_SCATTERED,   /* memories that end within planes, no GstVideoMeta */
  TEST_SCATTERED_META, /* the same with GstVideoMeta */
  TEST_N_LAYOUTS,
} TestLayout;

#define TEST_GUARD 0xa5

GstBuffer *test_frame_new (
    const GstVideoInfo *info, TestPicture picture, TestLayout layout);
/* Frame @index of a 30 Hz stream. */
GstBuffer *test_frame_at (GstHarness *h, TestPicture picture, guint index);

/* All pixels of a frame in the format's unpacked form, row after row; owned by
 * the caller. */
guint8 *test_unpack (
    const GstVideoInfo *info, GstBuffer *buffer, guint *pixel_size);

/* Value of the class map, or of the probability, at a pixel of the mask. */
guint8 test_class_at (const UnetSegMeta *meta, guint x, guint y);
guint8 test_probability_at (const UnetSegMeta *meta, guint x, guint y);

/* Pixels of the wrong class, where columns below half should be @left and the
 * others @right, but for @margin columns on each side of the middle. */
guint test_count_wrong (
    const UnetSegMeta *meta, guint8 left, guint8 right, guint margin);
/* Asserts that there are none. */
void test_assert_halves (
    const UnetSegMeta *meta, guint8 left, guint8 right, guint margin);

/* A frame of one colour; RGB or GRAY8. */
GstBuffer *test_flat_frame (GstHarness *h, guint8 value);
/* A harness with frames of 64x48 RGB. */
GstHarness *test_rgb_harness (const gchar *model, const gchar *properties);
/* Pushes a frame (transfer full); returns the one that comes out, which has a
 * mask. */
GstBuffer *test_push (GstHarness *h, GstBuffer *buffer);
/* Returns the mask of a frame, which has one. */
UnetSegMeta *test_meta_of (GstBuffer *buffer);
/* Returns the class of the first pixel of the mask of a flat frame. */
guint8 test_class_of_flat (
    const gchar *model, const gchar *properties, guint8 value);

G_END_DECLS
