/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* Set-up of a fixture: criticals and warnings of the unetseg log domain fail
 * the test, unless TEST_COMPLAINS() expects them. GstCheck does the same for
 * GStreamer's domains. */
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

/* Returns the path of a model in tests/data. The caller frees it. */
gchar *test_model (const gchar *name);

/* Returns a harness of `unetseg` with the model of that name and further
 * properties (`a=b c=d`). A harness is live. Every frame waits for its mask
 * unless the properties change that. */
GstHarness *test_harness_new (const gchar *model, const gchar *properties);
void test_harness_free (GstHarness *h);
/* Takes all messages off the element's bus and counts those of @types. */
guint test_count_messages (GstHarness *h, GstMessageType types);
/* Sets caps of @format and size at 30 frames a second. */
void test_harness_set_format (
    GstHarness *h, GstVideoFormat format, guint width, guint height);
GstCaps *test_caps (GstVideoFormat format, guint width, guint height);

/* Writes a PNG file of videotestsrc's @pattern. Returns FALSE without pngenc.
 */
gboolean test_write_picture (
    const gchar *path, const gchar *pattern, guint width, guint height);

/* Returns a number of the element's statistics. */
guint64 test_stat (GstElement *element, const gchar *name);

/* The picture that a frame shows. */
typedef enum {
  TEST_HALF, /* left half white, right half black */
  TEST_BLACK,
  TEST_STRIPES, /* vertical: black, red, green, blue */
} TestPicture;

/* The layout of a frame in its buffer. */
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
/* Returns frame @index of a stream at 30 frames a second. */
GstBuffer *test_frame_at (GstHarness *h, TestPicture picture, guint index);

/* Returns all pixels in the format's unpacked form, row after row. The caller
 * frees them. */
guint8 *test_unpack (
    const GstVideoInfo *info, GstBuffer *buffer, guint *pixel_size);

/* Return the class or the probability at a pixel of the mask. */
guint8 test_class_at (const UnetSegMeta *meta, guint x, guint y);
guint8 test_probability_at (const UnetSegMeta *meta, guint x, guint y);

/* Counts the pixels of the wrong class. Columns in the left half should be
 * @left and the others @right. @margin columns on each side of the middle are
 * left out. */
guint test_count_wrong (
    const UnetSegMeta *meta, guint8 left, guint8 right, guint margin);
/* Asserts that no pixel has the wrong class. */
void test_assert_halves (
    const UnetSegMeta *meta, guint8 left, guint8 right, guint margin);

/* Returns a frame of one value in RGB or GRAY8. */
GstBuffer *test_flat_frame (GstHarness *h, guint8 value);
/* Returns a harness with frames of 64x48 in RGB. */
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
