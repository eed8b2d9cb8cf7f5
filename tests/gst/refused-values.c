/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests values of properties that an element cannot use: it starts with an
 * error that says what is allowed, and a running element goes on with a
 * warning. */

#include "common.h"

static const struct {
  const gchar *element, *property, *good, *bad;
  const gchar *allowed; /* part of the message */
} values[] = {
  { "unetseg", "background", "red", "nonsense", "#RRGGBB" },
  { "unetseg", "background", "#123456", NULL, "#RRGGBB" },
  { "unetseg", "colors", "red", "foo", "#AARRGGBB" },
  { "unetseg", "colors", "#123456", "#12345", "#AARRGGBB" },
  { "unetseg", "colors", "red", "person=reddish", "a name such as red" },
  { "unetseg", "input-size", "32x32", "12x", "WIDTHxHEIGHT" },
  { "unetseg", "input-size", "32x32", "wide", "or video" },
  { "unetseg", "input-size", "32x32", "-8x10", "WIDTHxHEIGHT" },
  { "unetseg", "mean", "1,2,3", "1,two,3", "one number, or three" },
  { "unetseg", "std", "1,2,3", "1,0,1", "other than 0" },
  { "unetseg", "background-channel", "none", "lst", "none, first, last" },
  { "unetsegdraw", "background", "red", "nonsense", "#RRGGBB" },
  { "unetsegdraw", "colors", "red", "person=reddish", "a name such as red" },
};

static GstElement *
make_element (const gchar *name, GstBus **bus)
{
  GstElement *element = gst_element_factory_make (name, NULL);

  *bus = gst_bus_new ();
  gst_element_set_bus (element, *bus);
  return element;
}

static void
free_element (GstElement *element, GstBus *bus)
{
  gst_element_set_state (element, GST_STATE_NULL);
  gst_bus_set_flushing (bus, TRUE);
  gst_object_unref (bus);
  gst_object_unref (element);
}

/* Returns the text of the next message of @type, which is of the settings. */
static gchar *
pop (GstBus *bus, GstMessageType type)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, type);
  g_autoptr (GError) error = NULL;

  fail_unless (message != NULL, "no message");
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  fail_unless (
      g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS));
  return g_strdup (error->message);
}

static void
assert_says (const gchar *text, guint i)
{
  g_autofree gchar *property =
      g_strdup_printf ("Property '%s': ", values[i].property);
  const gchar *bad = values[i].bad ? values[i].bad : "";
  const gchar *equals = strrchr (bad, '=');
  g_autofree gchar *value = g_strdup_printf ("'%s'", equals ? equals + 1 : bad);

  fail_unless (strstr (text, property) != NULL, "%s", text);
  fail_unless (strstr (text, value) != NULL, "%s", text);
  fail_unless (strstr (text, values[i].allowed) != NULL, "%s", text);
}

static void
set (GstElement *element, guint i, gboolean good)
{
  g_object_set (
      element, values[i].property, good ? values[i].good : values[i].bad, NULL);
}

static void
assert_keeps (GstElement *element, guint i)
{
  g_autofree gchar *text = NULL;

  g_object_get (element, values[i].property, &text, NULL);
  assert_equals_string (text, values[i].good);
}

static void
assert_fails_to_start (GstElement *element)
{
  assert_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
}

static void
assert_starts (GstElement *element, GstBus *bus)
{
  assert_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless (
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING)
      == NULL);
  gst_element_set_state (element, GST_STATE_NULL);
}

/* Setting is harmless, each start fails, and a good value mends it. */
GST_START_TEST (test_start)
{
  GstBus *bus;
  GstElement *element = make_element (values[__i__].element, &bus);

  set (element, __i__, TRUE);
  set (element, __i__, FALSE);
  assert_keeps (element, __i__);
  fail_unless (gst_bus_peek (bus) == NULL);
  for (guint i = 0; i < 2; i++) {
    g_autofree gchar *text = NULL;

    assert_fails_to_start (element);
    text = pop (bus, GST_MESSAGE_ERROR);
    assert_says (text, __i__);
    fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
  }
  set (element, __i__, TRUE);
  assert_starts (element, bus);
  free_element (element, bus);
}

GST_END_TEST;

/* One error names all of them. */
GST_START_TEST (test_several)
{
  GstBus *bus;
  GstElement *element = make_element ("unetseg", &bus);
  g_autofree gchar *text = NULL, *left = NULL;

  g_object_set (element, "background", "x", "mean", "a", "colors", "y",
      "background", "z", NULL);
  assert_fails_to_start (element);
  text = pop (bus, GST_MESSAGE_ERROR);
  fail_unless (strstr (text, "'background': 'z'") != NULL, "%s", text);
  fail_unless (strstr (text, "'mean': 'a'") != NULL, "%s", text);
  fail_unless (strstr (text, "'colors': 'y'") != NULL, "%s", text);
  fail_unless (strstr (text, "'x'") == NULL, "%s", text);

  /* Empty text unsets a property. */
  g_object_set (element, "mean", "", "colors", NULL, NULL);
  assert_fails_to_start (element);
  left = pop (bus, GST_MESSAGE_ERROR);
  fail_unless (strstr (left, "'background'") != NULL, "%s", left);
  fail_unless (strstr (left, "'mean'") == NULL, "%s", left);
  fail_unless (strstr (left, "'colors'") == NULL, "%s", left);
  free_element (element, bus);
}

GST_END_TEST;

/* The stream goes on with the value that it had, and so does the next one. */
GST_START_TEST (test_running)
{
  GstHarness *h = test_rgb_harness ("red", "output=replace background=red");
  g_autoptr (GstBus) bus = gst_element_get_bus (h->element);
  g_autofree gchar *text = NULL, *kept = NULL;

  gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, 0)));
  g_object_set (h->element, "background", "nonsense", NULL);
  text = pop (bus, GST_MESSAGE_WARNING);
  assert_says (text, 0);
  gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, 1)));
  g_object_get (h->element, "background", &kept, NULL);
  assert_equals_string (kept, "red");

  gst_element_set_state (h->element, GST_STATE_NULL);
  assert_equals_int (gst_element_set_state (h->element, GST_STATE_PLAYING),
      GST_STATE_CHANGE_SUCCESS);
  assert_equals_int (test_count_messages (h, GST_MESSAGE_ERROR), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* A value that was refused before the start is not told of again. */
GST_START_TEST (test_after_mending)
{
  GstHarness *h;
  GstElement *element = gst_element_factory_make ("unetsegdraw", NULL);
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (element, bus);
  g_object_set (element, "colors", "foo", "background", "foo", NULL);
  g_object_set (element, "colors", "red", "background", "red", NULL);
  h = gst_harness_new_with_element (element, "sink", "src");
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  assert_equals_int (
      gst_harness_push (h, test_frame_at (h, TEST_HALF, 0)), GST_FLOW_OK);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
  gst_harness_teardown (h);
  free_element (element, bus);
}

GST_END_TEST;

static Suite *
refused_values_suite (void)
{
  Suite *suite = suite_create ("refused-values");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_loop_test (tcase, test_start, 0, G_N_ELEMENTS (values));
  tcase_add_test (tcase, test_several);
  tcase_add_test (tcase, test_running);
  tcase_add_test (tcase, test_after_mending);
  return suite;
}

GST_CHECK_MAIN (refused_values);
