/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creating a session ends early when it is cancelled, and leaves nothing
 * behind. */

#include "lib/check-main.h"

#include <unetseg/unetseg.h>

#define SIZE 512
/* Creating a primitive is not interrupted and allocates thousands of times. A
 * sanitizer that unwinds the stack at each allocation makes it some 25 times as
 * long: 20 ms become 500. */
#ifdef __SANITIZE_ADDRESS__
#define SOON 200
#else
#define SOON 100
#endif

/* Returns how many milliseconds may pass from cancelling to the return. It is
 * processor time, in which other processes do not count. Sanitized code gets
 * CK_TIMEOUT_MULTIPLIER times as long. */
static gint64
soon (void)
{
  const gchar *times = g_getenv ("CK_TIMEOUT_MULTIPLIER");

  return SOON * (times ? MAX (g_ascii_strtoll (times, NULL, 10), 1) : 1);
}

/* The model is loaded before the tests, which time sessions only. */
static UnetModel *model;

static UnetSession *
create (UnetTuning tuning, GCancellable *cancellable, GError **error)
{
  UnetContract *contract = unet_model_get_contract (model, NULL, NULL);
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetSession *session;

  options.threads = 1;
  options.precision = UNET_PRECISION_F32;
  options.tuning = tuning;
  options.cancellable = cancellable;
  session =
      unet_session_new_for_size (model, contract, SIZE, SIZE, &options, error);
  unet_contract_free (contract);
  return session;
}

static void
assert_cancelled (UnetSession *session, GError *error)
{
  ck_assert_ptr_null (session);
  ck_assert_msg (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED),
      "%s", error->message);
  g_error_free (error);
}

START_TEST (test_before)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GError *error = NULL;
  UnetSession *session;

  g_cancellable_cancel (cancellable);
  session = create (UNET_TUNING_STATIC, cancellable, &error);
  assert_cancelled (session, error);
}
END_TEST

/* Returns the processor time of this process in milliseconds. */
static gint64
processor_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

typedef struct {
  GCancellable *cancellable;
  gint64 at, time; /* of the planned and of the actual cancellation */
} Cancel;

static gpointer
cancel_later (gpointer data)
{
  Cancel *self = data;

  while (processor_time () < self->at
      && !g_cancellable_is_cancelled (self->cancellable))
    g_usleep (1000);
  self->time = processor_time ();
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

/* Returns the milliseconds from cancelling to the return, or -1 if the session
 * was ready before. */
static gint64
cancel_after (guint delay)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Cancel cancel = { cancellable, processor_time () + delay, 0 };
  GThread *thread = g_thread_new ("cancel", cancel_later, &cancel);
  GError *error = NULL;
  UnetSession *session = create (UNET_TUNING_MEASURE, cancellable, &error);
  gint64 end = processor_time ();

  if (session)
    g_cancellable_cancel (cancellable);
  g_thread_join (thread);
  if (session) {
    unet_session_unref (session);
    return -1;
  }
  assert_cancelled (session, error);
  return end - cancel.time;
}

/* The process remembers what it measured. Each later try is therefore cancelled
 * at another layer, and the last ones may return a session. */
START_TEST (test_while_measuring)
{
  static const guint delays[] = { 5, 20, 50, 100, 200, 300 };

  for (guint i = 0; i < G_N_ELEMENTS (delays); i++) {
    gint64 time = cancel_after (delays[i]);

    ck_assert_msg (time <= soon (), "at %u ms", delays[i]);
    if (i < 2)
      ck_assert_msg (time >= 0, "done after %u ms", delays[i]);
  }
}
END_TEST

/* A cancelled measurement is not remembered. Its time would be infinite, and
 * its implementation would never be chosen again. */
START_TEST (test_forgets)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  for (guint delay = 50; delay < 250; delay += 50)
    cancel_after (delay);
  text = unet_tuning_save ();
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 1; lines[i]; i++) {
    n += *lines[i] != '\0';
    ck_assert (g_ascii_strtoull (lines[i], NULL, 10) < G_MAXUINT64 / 2048);
  }
  ck_assert_uint_gt (n, 0);
}
END_TEST

/* A session runs even if its cancellable is cancelled after its creation. */
START_TEST (test_unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (UnetSession)
      session = create (UNET_TUNING_STATIC, cancellable, &error);

  ck_assert_ptr_nonnull (session);
  g_cancellable_cancel (cancellable);
  ck_assert (unet_session_run (session, &error));
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_before, test_while_measuring,
    test_forgets, test_unused };

  model = unet_model_load (NULL, NULL);
  return check_run_tests (
      "session-cancel", 240, tests, sizeof tests / sizeof *tests);
}
