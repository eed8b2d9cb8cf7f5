/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In recurrent networks an output of one frame becomes an input of the next. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "lib/interpret.h"
#include "onnx/onnx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unetseg/unetseg.h>

#define FRAMES 5

static gchar *
model_path (const gchar *name)
{
  g_autofree gchar *file = g_strconcat (name, ".onnx", NULL);

  return g_build_filename (SOURCE_ROOT, "tests", "data", file, NULL);
}

static UnetModel *
load (const gchar *name)
{
  g_autofree gchar *path = model_path (name);
  g_autoptr (GError) error = NULL;
  UnetModel *model = unet_model_load (path, &error);

  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  return model;
}

/* @knobs: `key=value` separated by spaces. */
static UnetContract *
get_contract (UnetModel *model, const gchar *knobs, GError **error)
{
  g_autoptr (GHashTable)
      table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) words = g_strsplit (knobs, " ", -1);

  for (guint i = 0; words[i]; i++) {
    g_auto (GStrv) parts = g_strsplit (words[i], "=", 2);
    if (*words[i])
      g_hash_table_insert (table, g_strdup (parts[0]), g_strdup (parts[1]));
  }
  return unet_model_get_contract (model, table, error);
}

static void
expect_pairs (const gchar *name, const gchar *knobs, const gchar *pairs)
{
  g_autoptr (UnetModel) model = load (name);
  g_autoptr (GError) error = NULL;
  g_autoptr (UnetContract) contract = get_contract (model, knobs, &error);
  g_autofree gchar *found = NULL;

  ck_assert_msg (contract != NULL, "%s", error ? error->message : "");
  found = g_strjoinv (",", contract->state);
  ck_assert_str_eq (found, pairs);
}

START_TEST (test_found)
{
  expect_pairs ("rvm", "output=pha", "r1i:r1o,r2i:r2o,r3i:r3o,r4i:r4o");
  expect_pairs ("memory", "", "s_in:s_out");
  expect_pairs ("memory", "state=none", "");
  expect_pairs ("memory", "state=s_in:output", "s_in:output");
  expect_pairs ("red", "", "");
}
END_TEST

static void
expect_refusal (const gchar *name, const gchar *knobs, const gchar *says)
{
  g_autoptr (UnetModel) model = load (name);
  g_autoptr (GError) error = NULL;
  UnetContract *contract = get_contract (model, knobs, &error);

  ck_assert_ptr_null (contract);
  ck_assert (g_error_matches (error, UNET_ERROR, UNET_ERROR_CONTRACT));
  ck_assert_msg (strstr (error->message, says) != NULL, "%s", error->message);
}

START_TEST (test_refused)
{
  expect_refusal ("memory", "state=s_in", "s_in");
  expect_refusal ("memory", "state=s_in:nowhere", "nowhere");
  expect_refusal ("memory", "state=input:s_out", "picture");
  expect_refusal ("memory", "state=s_in:s_out,s_in:output", "twice");
  expect_refusal ("rvm", "output=pha state=downsample_ratio:r1o", "differ");
  expect_refusal (
      "rvm", "output=pha constants=downsample_ratio", "downsample_ratio");
  expect_refusal ("rvm", "output=pha constants=downsample_ratio:x", ":x");
  expect_refusal ("rvm", "output=pha constants=src:1", "src");
}
END_TEST

/* ---- beside the interpreter ------------------------------------------- */

/* Returns the session's network for the interpreter. Its states are one zero
 * before the first frame, as its authors start it, and the ratio is a constant.
 */
static UnetGraph *
open_graph (guint width, guint height, GPtrArray *states, gfloat ratio)
{
  g_autofree gchar *path = model_path ("rvm");
  g_autofree gchar *content = NULL;
  gsize size;
  UnetGraph *graph;
  g_autoptr (GBytes) bytes = NULL;
  const gint64 picture[4] = { 1, 3, height, width }, one[1] = { 1 };
  UnetTensor *tensor = unet_tensor_new (UNET_DTYPE_F32, 1, one);

  ck_assert (g_file_get_contents (path, &content, &size, NULL));
  bytes = g_bytes_new_take (g_steal_pointer (&content), size);
  graph = unet_onnx_parse (bytes, "rvm", NULL, NULL);
  ck_assert_ptr_nonnull (graph);
  unet_value_set_shape (
      g_ptr_array_index (graph->inputs, 0), UNET_DTYPE_F32, 4, picture);
  for (guint i = 0; i < 4; i++) {
    const UnetTensor *state = g_ptr_array_index (states, i);
    unet_value_set_shape (g_ptr_array_index (graph->inputs, 1 + i),
        UNET_DTYPE_F32, 4, state->dims);
  }
  ((gfloat *) tensor->data)[0] = ratio;
  unet_graph_replace_value (graph, g_ptr_array_index (graph->inputs, 5),
      unet_graph_add_constant (graph, "ratio", tensor));
  ck_assert (unet_graph_infer (graph, NULL));
  return graph;
}

static GPtrArray *
no_states (void)
{
  GPtrArray *states =
      g_ptr_array_new_with_free_func ((GDestroyNotify) unet_tensor_unref);
  const gint64 one[4] = { 1, 1, 1, 1 };

  for (guint i = 0; i < 4; i++) {
    UnetTensor *tensor = unet_tensor_new (UNET_DTYPE_F32, 4, one);
    ((gfloat *) tensor->data)[0] = 0;
    g_ptr_array_add (states, tensor);
  }
  return states;
}

/* Returns the outputs fgr, pha, r1o … r4o of a frame. Replaces @states with the
 * next ones. */
static GPtrArray *
interpret_frame (guint width, guint height, gfloat ratio, UnetTensor *picture,
    GPtrArray **states)
{
  UnetGraph *graph = open_graph (width, height, *states, ratio);
  UnetTensor *inputs[6] = { picture, NULL };
  GPtrArray *results;

  for (guint i = 0; i < 4; i++)
    inputs[1 + i] = g_ptr_array_index (*states, i);
  inputs[5] = picture; /* no node reads it */
  results = interpret (graph, inputs, NULL);
  ck_assert_ptr_nonnull (results);
  g_ptr_array_unref (*states);
  *states = g_ptr_array_new_with_free_func ((GDestroyNotify) unet_tensor_unref);
  for (guint i = 0; i < 4; i++)
    g_ptr_array_add (
        *states, unet_tensor_ref (g_ptr_array_index (results, 2 + i)));
  unet_graph_free (graph);
  return results;
}

static UnetTensor *
random_picture (guint width, guint height, guint32 seed)
{
  UnetValue value = {
    .dtype = UNET_DTYPE_F32, .n_dims = 4, .dims = { 1, 3, height, width }
  };

  return random_tensor (&value, seed, 0, 1);
}

static UnetTensor *
output_tensor (UnetSession *session, guint index)
{
  const UnetTensorInfo *info = unet_session_get_output_info (session, index);
  UnetTensor *tensor = unet_tensor_new (info->dtype, info->n_dims, info->dims);

  memcpy (tensor->data, unet_session_get_output_data (session, index),
      tensor->n_elements * sizeof (gfloat));
  return tensor;
}

/* Compares each output of a frame, relative to its largest magnitude. */
static void
compare_outputs (UnetSession *session, GPtrArray *expected, guint frame)
{
  for (guint i = 0; i < expected->len; i++) {
    UnetTensor *actual = output_tensor (session, i);
    gdouble error = relative_error (g_ptr_array_index (expected, i), actual);

    ck_assert_msg (error < 1e-4, "frame %u, output %u: %g", frame, i, error);
    unet_tensor_unref (actual);
  }
}

static UnetSession *
open_session (guint width, guint height, const gchar *ratio, UnetTuning tuning)
{
  g_autofree gchar *knobs =
      g_strconcat ("output=pha constants=downsample_ratio:", ratio, NULL);
  g_autoptr (UnetModel) model = load ("rvm");
  g_autoptr (UnetContract) contract = get_contract (model, knobs, NULL);
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  g_autoptr (GError) error = NULL;
  UnetSession *session;

  options.threads = 2;
  options.tuning = tuning;
  session = unet_session_new_for_size (
      model, contract, width, height, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  ck_assert (unet_session_has_state (session));
  return session;
}

static void
run_clip (guint width, guint height, const gchar *ratio, UnetTuning tuning)
{
  g_autoptr (UnetSession) session = open_session (width, height, ratio, tuning);
  GPtrArray *states = no_states ();
  UnetTensor *first = NULL;

  unet_session_reset_state (session);
  for (guint i = 0; i <= FRAMES; i++) {
    UnetTensor *picture = random_picture (width, height, i % FRAMES + 1);

    if (i == FRAMES) { /* the first frame again */
      UnetTensor *again;

      memcpy (unet_session_get_input_data (session, 0), picture->data,
          picture->n_elements * sizeof (gfloat));
      ck_assert (unet_session_run (session, NULL));
      again = output_tensor (session, 1);
      ck_assert_double_gt (relative_error (first, again), 1e-3);
      unet_tensor_unref (again);
      unet_session_reset_state (session);
      ck_assert (unet_session_run (session, NULL));
      again = output_tensor (session, 1);
      ck_assert_double_lt (relative_error (first, again), 1e-6);
      unet_tensor_unref (again);
    } else {
      GPtrArray *expected;

      memcpy (unet_session_get_input_data (session, 0), picture->data,
          picture->n_elements * sizeof (gfloat));
      ck_assert (unet_session_run (session, NULL));
      expected = interpret_frame (width, height,
          (gfloat) g_ascii_strtod (ratio, NULL), picture, &states);
      compare_outputs (session, expected, i);
      if (i == 0)
        first = output_tensor (session, 1);
      unet_session_advance (session);
      g_ptr_array_unref (expected);
    }
    unet_tensor_unref (picture);
  }
  unet_tensor_unref (first);
  g_ptr_array_unref (states);
}

START_TEST (test_clip)
{
  run_clip (64, 96, "1", UNET_TUNING_STATIC);
  run_clip (128, 64, "0.5", UNET_TUNING_STATIC);
  run_clip (96, 64, "0.5", UNET_TUNING_MEASURE);
  run_clip (64, 64, "1", UNET_TUNING_REFERENCE);
}
END_TEST

/* A session fails if nothing gives the size of a state. */
START_TEST (test_no_shape)
{
  g_autoptr (UnetModel) model = load ("rvm");
  g_autoptr (UnetContract) contract = get_contract (model, "output=pha", NULL);
  g_autoptr (GError) error = NULL;

  /* Without the ratio the states have no size. */
  ck_assert_ptr_null (
      unet_session_new_for_size (model, contract, 64, 64, NULL, &error));
  ck_assert_ptr_nonnull (error);
  ck_assert_msg (strstr (error->message, "r1i") != NULL, "%s", error->message);
}
END_TEST

int
main (void)
{
  TCase *tcase = tcase_create ("state");

  tcase_set_timeout (tcase, 120);
  tcase_add_test (tcase, test_found);
  tcase_add_test (tcase, test_refused);
  tcase_add_test (tcase, test_clip);
  tcase_add_test (tcase, test_no_shape);
  return check_run_cases ("state", tcase, NULL);
}
