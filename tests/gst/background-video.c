/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests backgrounds that move: videos, GIFs and playlists. */

#include "common.h"

#include <glib/gstdio.h>
#include <gst/app/gstappsink.h>

/* A video of three colours, each for PART frames at RATE frames a second. The
 * stream before it has STREAM_RATE. */
#define PART        4
#define RATE        10
#define STREAM_RATE 30
#define LOOP        (3 * PART)

static const guint32 colors[] = { 0xc02010, 0x2010c0, 0x10a020 };

static gchar *folder;

static void
set_up (void)
{
  test_watch_log ();
  folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
}

static void
tear_down (void)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);

    g_unlink (path);
  }
  g_dir_close (dir);
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
}

/* ---- files ------------------------------------------------------------ */

static void
play (const gchar *text)
{
  GstElement *pipeline =
      gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, NULL);
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  fail_unless (pipeline != NULL, "%s", text);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Returns the path of a video with sound, if that is wanted, of @width by 48
 * pixels. The first @n colours are in it, and each is @part frames long. */
static gchar *
write_video (
    const gchar *name, guint n, guint part, guint width, gboolean sound)
{
  gchar *path = g_build_filename (folder, name, NULL);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text,
      "concat name=all ! matroskamux name=mux ! filesink location=\"%s\" ",
      path);
  if (sound)
    g_string_append (
        text, "audiotestsrc num-buffers=40 ! audioconvert ! queue ! mux. ");
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text,
        "videotestsrc num-buffers=%u pattern=solid-color "
        "foreground-color=0xff%06x ! video/x-raw,format=I420,width=%u,"
        "height=48,framerate=%u/1 ! all. ",
        part, colors[i], width, RATE);
  play (text->str);
  g_string_free (text, TRUE);
  return path;
}

static gchar *
write_text (const gchar *name, const gchar *text)
{
  gchar *path = g_build_filename (folder, name, NULL);

  fail_unless (g_file_set_contents (path, text, -1, NULL));
  return path;
}

/* ---- streams ---------------------------------------------------------- */

typedef struct {
  GstElement *pipeline, *seg;
  GstAppSink *sink;
} Stream;

/* A stream that is not live, whose frames are wholly background. */
static void
open_stream (Stream *s, const gchar *location, guint frames)
{
  g_autofree gchar *model = test_model ("red");
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc num-buffers=%u pattern=black ! video/x-raw,format=RGB,"
      "width=64,height=48,framerate=%u/1 ! unetseg name=seg model=\"%s\" "
      "threads=1 output=replace ! appsink name=sink sync=false max-buffers=1",
      frames, STREAM_RATE, model);

  s->pipeline = gst_parse_launch (text, NULL);
  fail_unless (s->pipeline != NULL);
  s->seg = gst_bin_get_by_name (GST_BIN (s->pipeline), "seg");
  s->sink = GST_APP_SINK (gst_bin_get_by_name (GST_BIN (s->pipeline), "sink"));
  g_object_set (s->seg, "background-location", location, NULL);
  gst_element_set_state (s->pipeline, GST_STATE_PLAYING);
}

static void
close_stream (Stream *s)
{
  gst_element_set_state (s->pipeline, GST_STATE_NULL);
  gst_object_unref (s->sink);
  gst_object_unref (s->seg);
  gst_object_unref (s->pipeline);
}

static guint32
color_of (GstBuffer *buffer, guint x)
{
  guint8 rgb[3];

  gst_buffer_extract (buffer, (24 * 64 + x) * 3, rgb, 3);
  return rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

static gboolean
is_near (guint32 a, guint32 b)
{
  for (guint shift = 0; shift < 24; shift += 8)
    if (ABS ((gint) (a >> shift & 255) - (gint) (b >> shift & 255)) > 3)
      return FALSE;
  return TRUE;
}

/* Returns the index of the colour of the next frame, -1 at the end. */
static gint
next_color (Stream *s)
{
  GstSample *sample = gst_app_sink_try_pull_sample (s->sink, 60 * GST_SECOND);
  guint32 color;

  if (sample == NULL)
    return -1;
  color = color_of (gst_sample_get_buffer (sample), 32);
  gst_sample_unref (sample);
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    if (is_near (color, colors[i]))
      return (gint) i;
  ck_abort_msg ("#%06x is in no background", color);
  return -1;
}

/* The colour of frame @i of the stream where @period frames of the video are
 * looped. */
static gint
expected_color (guint i, guint period, guint part)
{
  return (gint) (i * RATE / STREAM_RATE % period / part);
}

static guint
count_warnings (Stream *s, gchar **text)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (s->pipeline);
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING))) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_warning (message, &error, NULL);
    if (text) {
      g_free (*text);
      *text = g_strdup (error->message);
    }
    n++;
    gst_message_unref (message);
  }
  return n;
}

/* ---- loops ------------------------------------------------------------ */

/* Every frame has the colour of its time, through three turns of the loop. */
GST_START_TEST (test_loop)
{
  g_autofree gchar *path = write_video ("loop.mkv", 3, PART, 64, __i__ == 1);
  const guint n = 3 * LOOP * STREAM_RATE / RATE;
  Stream s;

  open_stream (&s, path, n);
  for (guint i = 0; i < n; i++)
    assert_equals_int (next_color (&s), expected_color (i, LOOP, PART));
  assert_equals_int (next_color (&s), -1);
  assert_equals_int (count_warnings (&s, NULL), 0);
  close_stream (&s);
}

GST_END_TEST;

/* A loop that is too large to be kept is decoded anew: 60 frames of 64 by 48
 * pixels take more than 64 MiB where the stream is large. */
GST_START_TEST (test_large_loop)
{
  g_autofree gchar *path = write_video ("large.mkv", 3, PART, 64, FALSE);
  g_autofree gchar *model = test_model ("red-dynamic");
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc num-buffers=80 pattern=black ! video/x-raw,format=RGB,"
      "width=2560,height=1440,framerate=%u/1 ! unetseg name=seg "
      "model=\"%s\" threads=1 output=replace refine=off "
      "background-location=\"%s\" ! videocrop right=2496 bottom=1392 ! "
      "appsink name=sink sync=false max-buffers=1",
      STREAM_RATE, model, path);
  GstElementFactory *factory = gst_element_factory_find ("videocrop");
  Stream s;

  if (factory == NULL) {
    g_print ("no videocrop: skipped\n");
    return;
  }
  gst_object_unref (factory);
  s.pipeline = gst_parse_launch (text, NULL);
  s.seg = gst_bin_get_by_name (GST_BIN (s.pipeline), "seg");
  s.sink = GST_APP_SINK (gst_bin_get_by_name (GST_BIN (s.pipeline), "sink"));
  gst_element_set_state (s.pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 80; i++)
    assert_equals_int (next_color (&s), expected_color (i, LOOP, PART));
  close_stream (&s);
}

GST_END_TEST;

/* A video that is not as wide as the frame keeps its aspect: its middle fills
 * the frame. */
GST_START_TEST (test_aspect)
{
  g_autofree gchar *path = write_video ("wide.mkv", 1, PART, 256, FALSE);
  GstSample *sample;
  Stream s;

  open_stream (&s, path, 2);
  sample = gst_app_sink_try_pull_sample (s.sink, 60 * GST_SECOND);
  for (guint x = 0; x < 64; x += 9)
    fail_unless (
        is_near (color_of (gst_sample_get_buffer (sample), x), colors[0]));
  gst_sample_unref (sample);
  close_stream (&s);
}

GST_END_TEST;

/* Frames of 4x3 pixels, #c02010 and #2010c0, 100 ms each. */
static const gchar gif[] =
    "R0lGODlhBAADAIEAAMAgEAAAAAAAAAAAACH/C05FVFNDQVBFMi4wAwEAAAAh+QQACgAAACwA"
    "AAAABAADAAAICAABCBxIUGBAACH5BAAKAAAALAAAAAAEAAMAgSAQwAAAAAAAAAAAAAgIAAEI"
    "HEhQYEAAOw==";

GST_START_TEST (test_gif)
{
  GstElementFactory *factory = gst_element_factory_find ("avdec_gif");
  g_autofree gchar *path = g_build_filename (folder, "two.gif", NULL);
  gsize size;
  g_autofree guchar *data = g_base64_decode (gif, &size);
  guint changes = 0;
  gint last = 0;
  Stream s;

  if (factory == NULL) {
    g_print ("no avdec_gif: skipped\n");
    return;
  }
  gst_object_unref (factory);
  fail_unless (
      g_file_set_contents (path, (const gchar *) data, (gssize) size, NULL));
  open_stream (&s, path, 60);
  for (guint i = 0; i < 60; i++) {
    gint color = next_color (&s);

    fail_unless (color == 0 || color == 1);
    changes += color != last;
    last = color;
  }
  assert_equals_int (changes, 19);
  close_stream (&s);
}

GST_END_TEST;

/* ---- lists ------------------------------------------------------------ */

GST_START_TEST (test_playlist)
{
  g_autofree gchar *b = write_video ("b.mkv", 2, PART, 64, TRUE);
  g_autofree gchar *uri = gst_filename_to_uri (b, NULL);
  g_autofree gchar *text =
      g_strdup_printf ("#EXTM3U\r\n# a comment\na.mkv\r\n\n%s\n", uri);
  g_autofree gchar *list = write_text ("list.M3U", text);
  const guint part = PART * STREAM_RATE / RATE;
  Stream s;

  g_free (write_video ("a.mkv", 1, PART, 64, FALSE));
  open_stream (&s, list, 9 * part);
  for (guint i = 0; i < 9 * part; i++) {
    static const gint order[] = { 0, 0, 1 };

    assert_equals_int (next_color (&s), order[i / part % 3]);
  }
  assert_equals_int (count_warnings (&s, NULL), 0);
  close_stream (&s);
}

GST_END_TEST;

/* A file of a list that cannot be shown is left out, and told once. */
GST_START_TEST (test_playlist_with_gap)
{
  g_autofree gchar *list =
      write_text ("list.m3u", "nothing.mkv\na.mkv\nnothing.mkv\n");
  g_autofree gchar *text = NULL;
  Stream s;

  g_free (write_video ("a.mkv", 1, PART, 64, FALSE));
  open_stream (&s, list, 60);
  for (guint i = 0; i < 60; i++)
    assert_equals_int (next_color (&s), 0);
  assert_equals_int (count_warnings (&s, &text), 1);
  fail_unless (strstr (text, "nothing.mkv") != NULL, "%s", text);
  close_stream (&s);
}

GST_END_TEST;

/* ---- errors ----------------------------------------------------------- */

/* The colour takes the place of a file without a video. */
static void
check_error (const gchar *path, const gchar *says)
{
  g_autofree gchar *text = NULL;
  GstSample *sample;
  Stream s;

  open_stream (&s, path, 3);
  for (guint i = 0; i < 3; i++) {
    sample = gst_app_sink_try_pull_sample (s.sink, 60 * GST_SECOND);
    fail_unless (sample != NULL);
    fail_unless (
        is_near (color_of (gst_sample_get_buffer (sample), 32), 0x00b140));
    gst_sample_unref (sample);
  }
  assert_equals_int (count_warnings (&s, &text), 1);
  fail_unless (strstr (text, "background-location") && strstr (text, path)
          && strstr (text, says),
      "%s", text);
  close_stream (&s);
}

GST_START_TEST (test_errors)
{
  g_autofree gchar *sound = g_build_filename (folder, "sound.mkv", NULL);
  g_autofree gchar *empty = write_text ("empty.m3u", "# nothing\n");
  g_autofree gchar *text = g_strdup_printf (
      "audiotestsrc num-buffers=4 ! matroskamux ! filesink location=\"%s\"",
      sound);

  play (text);
  check_error (sound, "no video");
  check_error (empty, "names no file");
}

GST_END_TEST;

/* The message about a codec without a decoder names a package. */
GST_START_TEST (test_missing_decoder)
{
  g_autofree gchar *path = write_video ("loop.mkv", 1, PART, 64, FALSE);
  g_autofree gchar *data = NULL;
  gchar *codec;
  gsize size;

  /* A codec of the same length for which there is no decoder. */
  fail_unless (g_file_get_contents (path, &data, &size, NULL));
  codec = g_strstr_len (data, -1, "V_UNCOMPRESSED");
  for (gsize i = 0; codec == NULL && i + 14 < size; i++)
    if (memcmp (data + i, "V_UNCOMPRESSED", 14) == 0)
      codec = data + i;
  fail_unless (codec != NULL);
  memcpy (codec, "V_FOO/UNKNOWN0", 14);
  fail_unless (g_file_set_contents (path, data, (gssize) size, NULL));
  check_error (path, "loop.mkv");
}

GST_END_TEST;

/* ---- changes ---------------------------------------------------------- */

/* From the frame after the change on each background is shown from its
 * start. */
GST_START_TEST (test_change)
{
  g_autofree gchar *a = write_video ("a.mkv", 3, PART, 64, FALSE);
  g_autofree gchar *b = write_video ("b.mkv", 2, 1, 64, TRUE);
  GstHarness *h = test_rgb_harness ("red", "output=replace");
  const gchar *const locations[] = { a, b, NULL, a };
  GstElement *seg = gst_harness_find_element (h, "unetseg");
  guint index = 0;

  for (guint i = 0; i < 12; i++) {
    const gchar *location = locations[i % 4];
    GstBuffer *out;

    g_object_set (seg, "background-location", location, NULL);
    for (guint j = 0; j < 5; j++) {
      out =
          gst_harness_push_and_pull (h, test_frame_at (h, TEST_BLACK, index++));
      if (location == NULL)
        fail_unless (is_near (color_of (out, 32), 0x00b140));
      else
        fail_if (is_near (color_of (out, 32), 0), "black");
      gst_buffer_unref (out);
    }
  }
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 0);
  gst_object_unref (seg);
  test_harness_free (h);
}

GST_END_TEST;

/* A flushing seek sets the running time back; the video goes on. */
GST_START_TEST (test_seek)
{
  g_autofree gchar *path = write_video ("loop.mkv", 3, PART, 64, FALSE);
  gint color = 0, last = 0;
  Stream s;

  open_stream (&s, path, 600);
  for (guint round = 0; round < 4; round++) {
    for (guint i = 0; i < 20; i++) {
      color = next_color (&s);
      fail_unless (
          color == last || color == (last + 1) % 3, "%d after %d", color, last);
      last = color;
    }
    fail_unless (gst_element_seek_simple (s.pipeline, GST_FORMAT_TIME,
        GST_SEEK_FLAG_FLUSH, (round % 2 ? 1 : 5) * GST_SECOND));
    /* The frame on its way at the seek may be the next colour's. */
    last = color = next_color (&s);
  }
  assert_equals_int (count_warnings (&s, NULL), 0);
  close_stream (&s);
}

GST_END_TEST;

/* A live stream waits for the first frame alone. */
GST_START_TEST (test_live)
{
  g_autofree gchar *path = write_video ("loop.mkv", 3, PART, 64, FALSE);
  g_autofree gchar *properties =
      g_strdup_printf ("output=replace background-location=%s", path);
  GstHarness *h = test_rgb_harness ("red", properties);
  gint seen = 0;

  for (guint i = 0; i < 90; i++) {
    GstBuffer *out =
        gst_harness_push_and_pull (h, test_frame_at (h, TEST_BLACK, i));
    gboolean found = FALSE;

    for (guint c = 0; c < 3; c++)
      if (is_near (color_of (out, 32), colors[c])) {
        found = TRUE;
        seen |= 1 << c;
      }
    fail_unless (found, "#%06x", color_of (out, 32));
    gst_buffer_unref (out);
    if (i % 10 == 0)
      g_usleep (20000);
  }
  assert_equals_int (seen, 7);
  test_harness_free (h);
}

GST_END_TEST;

/* Streams that end at any time leave no thread behind. */
GST_START_TEST (test_stop)
{
  g_autofree gchar *path = write_video ("loop.mkv", 3, PART, 64, TRUE);

  for (guint i = 0; i < 12; i++) {
    Stream s;

    open_stream (&s, path, 100);
    for (guint j = 0; j < i % 4; j++)
      next_color (&s);
    close_stream (&s);
  }
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
    const gchar *task;

    while (dir && (task = g_dir_read_name (dir))) {
      g_autofree gchar *comm =
          g_strdup_printf ("/proc/self/task/%s/comm", task);
      g_autofree gchar *name = NULL;

      if (g_file_get_contents (comm, &name, NULL, NULL))
        fail_if (g_str_has_prefix (name, "unetseg-back"), "%s", name);
    }
  }
}

GST_END_TEST;

static Suite *
background_video_suite (void)
{
  Suite *suite = suite_create ("background-video");
  TCase *tc = tcase_create ("background-video");

  tcase_add_checked_fixture (tc, set_up, tear_down);
  tcase_add_loop_test (tc, test_loop, 0, 2);
  tcase_add_test (tc, test_large_loop);
  tcase_add_test (tc, test_aspect);
  tcase_add_test (tc, test_gif);
  tcase_add_test (tc, test_playlist);
  tcase_add_test (tc, test_playlist_with_gap);
  tcase_add_test (tc, test_errors);
  tcase_add_test (tc, test_missing_decoder);
  tcase_add_test (tc, test_change);
  tcase_add_test (tc, test_seek);
  tcase_add_test (tc, test_live);
  tcase_add_test (tc, test_stop);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (background_video);
