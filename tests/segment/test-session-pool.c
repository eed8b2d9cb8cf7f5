/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions that outlive their streams. */

#include "lib/check-main.h"

#include <base/tensor-info.h>
#include <segment/session-pool.h>
#include <string.h>
#include <unetseg/unetseg.h>

#define SIZE 64

/* A session and what the pool says of it. */
typedef struct {
  UnetSession *session;
  guint64 run_time;
  gboolean reused;
} Got;

static UnetModel *model;
static UnetContract *contract;

static void
set_up (void)
{
  g_autoptr (GError) error = NULL;

  model = unet_model_load (NULL, &error);
  if (error)
    g_error ("%s", error->message);
  contract = unet_model_get_contract (model, NULL, NULL);
}

static void
tear_down (void)
{
  unet_contract_free (contract);
  g_clear_pointer (&model, unet_model_unref);
}

static Got
get (guint width, guint threads)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  GError *error = NULL;
  Got got;

  options.threads = threads;
  options.precision = UNET_PRECISION_F32;
  options.tuning = UNET_TUNING_STATIC;
  got.session = unet_session_pool_get (model, contract, width, SIZE, &options,
      &got.run_time, &got.reused, &error);
  ck_assert_msg (got.session != NULL, "%s", error ? error->message : "");
  return got;
}

/* Runs the network on a picture of one value. Returns its output. */
static gfloat *
run (UnetSession *session, gfloat value, gsize *size)
{
  gfloat *input = unet_session_get_input_data (session, 0);
  gsize n = unet_tensor_info_size (unet_session_get_input_info (session, 0));

  for (gsize i = 0; i < n / sizeof (gfloat); i++)
    input[i] = value * (gfloat) (i % 7);
  ck_assert (unet_session_run (session, NULL));
  *size = unet_tensor_info_size (unet_session_get_output_info (session, 0));
  return g_memdup2 (unet_session_get_output_data (session, 0), *size);
}

START_TEST (test_reuse)
{
  gfloat *first, *second;
  gsize size, again;
  Got a, b;

  unet_session_pool_open ();
  a = get (SIZE, 1);
  ck_assert (!a.reused && a.run_time == 0);
  first = run (a.session, 0.1f, &size);
  unet_session_pool_note (a.session, 12345);
  unet_session_unref (a.session);
  b = get (SIZE, 1);
  ck_assert (b.reused && b.run_time == 12345);
  ck_assert_ptr_eq (a.session, b.session);
  ck_assert (((gfloat *) unet_session_get_input_data (b.session, 0))[1] == 0);
  second = run (b.session, 0.1f, &again);
  ck_assert (size == again && memcmp (first, second, size) == 0);
  unet_session_unref (b.session);
  unet_session_pool_close ();
  g_free (first);
  g_free (second);
}
END_TEST

/* A session has one arena: it is never given to two streams. */
START_TEST (test_in_use)
{
  Got a, b, c;

  unet_session_pool_open ();
  a = get (SIZE, 1);
  b = get (SIZE, 1);
  ck_assert (!b.reused && a.session != b.session);
  unet_session_unref (b.session);
  c = get (SIZE, 1);
  ck_assert (c.reused && c.session == b.session);
  unet_session_unref (a.session);
  unet_session_unref (c.session);
  unet_session_pool_close ();
}
END_TEST

START_TEST (test_other_shapes)
{
  Got a, b, c;

  unet_session_pool_open ();
  a = get (SIZE, 1);
  unet_session_unref (a.session);
  b = get (2 * SIZE, 1);
  ck_assert (!b.reused);
  unet_session_unref (b.session);
  c = get (SIZE, 2);
  ck_assert (!c.reused);
  unet_session_unref (c.session);
  c = get (2 * SIZE, 1);
  ck_assert (c.reused);
  unet_session_unref (c.session);
  unet_session_pool_close ();
}
END_TEST

/* The oldest of too many sessions is dropped. */
START_TEST (test_limit)
{
  Got got;

  unet_session_pool_open ();
  for (guint i = 1; i <= 12; i++) {
    got = get (32 * i, 1);
    unet_session_unref (got.session);
  }
  got = get (32 * 12, 1);
  ck_assert (got.reused);
  unet_session_unref (got.session);
  got = get (32, 1);
  ck_assert (!got.reused);
  unet_session_unref (got.session);
  unet_session_pool_close ();
}
END_TEST

START_TEST (test_closed)
{
  Got got = get (SIZE, 1);

  unet_session_unref (got.session);
  got = get (SIZE, 1);
  ck_assert (!got.reused);
  unet_session_unref (got.session);
  unet_session_pool_open ();
  unet_session_pool_open ();
  unet_session_unref (get (SIZE, 1).session);
  unet_session_pool_close ();
  got = get (SIZE, 1);
  ck_assert (got.reused);
  unet_session_pool_close ();
  /* It still belongs to who has it. */
  ck_assert (unet_session_run (got.session, NULL));
  unet_session_unref (got.session);
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_reuse, test_in_use, test_other_shapes,
    test_limit, test_closed };
  int status;

  set_up ();
  status = check_run_tests (
      "session-pool", 120, tests, sizeof tests / sizeof *tests);
  tear_down ();
  return status;
}
