/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs the library by the line protocol that ort.mjs speaks as well, so that a
 * benchmark can take turns between the two:
 *
 *   load MODEL THREADS [PRECISION]   -> ok
 *   input NAME FILE.npy              -> ok
 *   run N                            -> ms ms …
 *   info                             -> FLOPS ARENA_BYTES CREATE_MS PRECISION
 *                                       DIFFERENCE IOU (from f32, of int8)
 *   save FOLDER                      -> ok NAME …
 *   peak THREADS                     -> operations per second of f32, bfloat16
 *                                       and bytes
 *   quit
 *
 * A command that fails answers `error MESSAGE`. The first run after an input
 * creates the session. */

#include <stdio.h>
#include <string.h>

#include <unetseg/unetseg.h>

#include "lib/machine.h"
#include "lib/npy.h"

#define MAX_INPUTS 16

typedef struct {
  UnetModel *model;
  UnetSession *session;
  UnetCalibration *calibration; /* (nullable) */
  UnetSessionOptions options;
  gdouble create_ms;
  guint n_inputs;
  gchar *names[MAX_INPUTS];
  ToolNpy *tensors[MAX_INPUTS];
} Runner;

static gboolean
complain (GError **error, const gchar *message)
{
  g_set_error_literal (error, UNET_ERROR, UNET_ERROR_CONTRACT, message);
  return FALSE;
}

static void
forget (Runner *runner)
{
  g_clear_pointer (&runner->session, unet_session_unref);
  g_clear_pointer (&runner->calibration, unet_calibration_unref);
  g_clear_pointer (&runner->model, unet_model_unref);
  for (guint i = 0; i < runner->n_inputs; i++) {
    g_free (runner->names[i]);
    tool_npy_free (runner->tensors[i]);
  }
  runner->n_inputs = 0;
}

static gboolean
do_load (Runner *runner, gchar **words, GError **error)
{
  const UnetSessionOptions init = UNET_SESSION_OPTIONS_INIT;
  guint n = g_strv_length (words);

  if (n < 3)
    return complain (error, "load MODEL THREADS [PRECISION]");
  forget (runner);
  runner->options = init;
  runner->options.threads = g_ascii_strtoull (words[2], NULL, 10);
  if (n > 3) {
    g_autoptr (GEnumClass) class = g_type_class_ref (UNET_TYPE_PRECISION);
    GEnumValue *found = g_enum_get_value_by_nick (class, words[3]);

    if (found == NULL)
      return complain (error, "no such precision");
    runner->options.precision = found->value;
  }
  runner->model = unet_model_load (words[1], error);
  if (runner->model == NULL)
    return FALSE;
  printf ("ok\n");
  return TRUE;
}

static gboolean
do_input (Runner *runner, gchar **words, GError **error)
{
  ToolNpy *tensor;
  guint i;

  if (g_strv_length (words) != 3 || runner->n_inputs == MAX_INPUTS)
    return complain (error, "input NAME FILE.npy");
  tensor = tool_npy_read (words[2], error);
  if (tensor == NULL)
    return FALSE;
  for (i = 0; i < runner->n_inputs; i++) {
    if (g_str_equal (runner->names[i], words[1]))
      break;
  }
  if (i < runner->n_inputs) {
    tool_npy_free (runner->tensors[i]);
  } else {
    runner->names[i] = g_strdup (words[1]);
    runner->n_inputs++;
  }
  runner->tensors[i] = tensor;
  g_clear_pointer (&runner->session, unet_session_unref);
  printf ("ok\n");
  return TRUE;
}

static gsize
count (const UnetTensorInfo *info)
{
  gsize n = 1;

  for (guint i = 0; i < info->n_dims; i++)
    n *= info->dims[i];
  return n;
}

static gboolean
fill (Runner *runner, GError **error)
{
  for (guint i = 0; i < unet_model_get_n_inputs (runner->model); i++) {
    const UnetTensorInfo *info =
        unet_session_get_input_info (runner->session, i);
    const ToolNpy *tensor = NULL;

    for (guint k = 0; k < runner->n_inputs; k++) {
      if (g_str_equal (runner->names[k], info->name))
        tensor = runner->tensors[k];
    }
    if (tensor == NULL || tensor->dtype != info->dtype
        || tensor->n_elements != count (info))
      return complain (error, "an input is missing or does not fit");
    memcpy (unet_session_get_input_data (runner->session, i), tensor->data,
        tensor->n_elements * unet_dtype_size (tensor->dtype));
  }
  return TRUE;
}

/* Calibrates on the input itself and accepts any agreement, which `info` tells.
 * The weights of test networks are random, so rounding errors grow from layer
 * to layer, unlike in a trained network. */
static gboolean
calibrate (Runner *runner, const UnetTensorInfo *shapes, GError **error)
{
  UnetSessionOptions plain = runner->options;
  gboolean ok;

  plain.precision = UNET_PRECISION_F32;
  plain.tuning = UNET_TUNING_STATIC;
  runner->session =
      unet_session_new (runner->model, shapes, runner->n_inputs, &plain, error);
  if (runner->session == NULL || !fill (runner, error))
    return FALSE;
  g_clear_pointer (&runner->calibration, unet_calibration_unref);
  runner->calibration = unet_calibration_new (runner->model, "the input");
  unet_calibration_set_limits (runner->calibration, 1, 0);
  unet_calibration_add (runner->calibration, runner->session);
  ok = unet_calibration_finish (runner->calibration, NULL, &plain, error);
  g_clear_pointer (&runner->session, unet_session_unref);
  return ok;
}

static gboolean
open_session (Runner *runner, GError **error)
{
  UnetTensorInfo shapes[MAX_INPUTS] = { 0 };
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < runner->n_inputs; i++) {
    const ToolNpy *tensor = runner->tensors[i];

    shapes[i].name = runner->names[i];
    shapes[i].dtype = tensor->dtype;
    shapes[i].n_dims = tensor->n_dims;
    memcpy (shapes[i].dims, tensor->dims, sizeof tensor->dims);
  }
  if (runner->options.precision == UNET_PRECISION_INT8
      && !unet_model_is_quantized (runner->model)
      && !calibrate (runner, shapes, error))
    return FALSE;
  runner->options.calibration = runner->calibration;
  runner->session = unet_session_new (
      runner->model, shapes, runner->n_inputs, &runner->options, error);
  runner->create_ms = (g_get_monotonic_time () - start) / 1e3;
  return runner->session != NULL && fill (runner, error);
}

static gboolean
do_run (Runner *runner, gchar **words, GError **error)
{
  guint64 n;

  if (g_strv_length (words) != 2 || runner->model == NULL)
    return complain (error, "run N, after load");
  if (runner->session == NULL && !open_session (runner, error))
    return FALSE;
  n = g_ascii_strtoull (words[1], NULL, 10);
  for (guint64 i = 0; i < n; i++) {
    gint64 start;

    /* A run may overwrite its input. The copying is timed, since a caller has
     * to do it as well. */
    start = g_get_monotonic_time ();
    if (!fill (runner, error) || !unet_session_run (runner->session, error))
      return FALSE;
    printf (i > 0 ? " %.4f" : "%.4f", (g_get_monotonic_time () - start) / 1e3);
  }
  printf ("\n");
  return TRUE;
}

static gboolean
do_info (Runner *runner, gchar **words, GError **error)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (UNET_TYPE_PRECISION);
  gdouble difference = 0, iou = 1;

  if (runner->session == NULL)
    return complain (error, "info, after run");
  if (runner->calibration)
    unet_calibration_get_agreement (runner->calibration, &difference, &iou);
  printf ("%" G_GUINT64_FORMAT " %" G_GSIZE_FORMAT " %.1f %s %.5f %.5f\n",
      unet_session_get_flops (runner->session),
      unet_session_get_arena_size (runner->session, NULL), runner->create_ms,
      g_enum_get_value (class, unet_session_get_precision (runner->session))
          ->value_nick,
      difference, iou);
  return TRUE;
}

static gboolean
do_save (Runner *runner, gchar **words, GError **error)
{
  GString *answer;
  guint n;

  if (g_strv_length (words) != 2 || runner->session == NULL)
    return complain (error, "save FOLDER, after run");
  answer = g_string_new ("ok");
  n = unet_model_get_n_outputs (runner->model);
  for (guint i = 0; i < n; i++) {
    const UnetTensorInfo *info =
        unet_session_get_output_info (runner->session, i);
    g_autofree gchar *safe = g_strdup (info->name);
    g_autofree gchar *path = NULL;

    g_strcanon (safe, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-", '_');
    path = g_strdup_printf ("%s/%s.npy", words[1], safe);
    if (!tool_npy_write (path, info,
            unet_session_get_output_data (runner->session, i), error))
      break;
    g_string_append_printf (answer, " %s", info->name);
  }
  if (*error == NULL)
    printf ("%s\n", answer->str);
  g_string_free (answer, TRUE);
  return *error == NULL;
}

static gboolean
do_peak (Runner *runner, gchar **words, GError **error)
{
  ToolMachine machine;
  guint64 threads;

  if (g_strv_length (words) != 2)
    return complain (error, "peak THREADS");
  threads = g_ascii_strtoull (words[1], NULL, 10);
  tool_machine_measure_peak (&machine, CLAMP (threads, 1, 1024));
  printf (
      "%.0f %.0f %.0f\n", machine.peak, machine.half_peak, machine.byte_peak);
  return TRUE;
}

static const struct {
  const gchar *name;
  gboolean (*run) (Runner *runner, gchar **words, GError **error);
} commands[] = {
  { "load", do_load },
  { "input", do_input },
  { "run", do_run },
  { "info", do_info },
  { "save", do_save },
  { "peak", do_peak },
};

/* Runs a command. Returns FALSE to quit. */
static gboolean
obey (Runner *runner, gchar *line)
{
  g_auto (GStrv) words = g_strsplit (g_strstrip (line), " ", -1);
  g_autoptr (GError) error = NULL;

  if (words[0] == NULL || g_str_equal (words[0], "quit"))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (!g_str_equal (commands[i].name, words[0]))
      continue;
    if (!commands[i].run (runner, words, &error))
      printf ("error %s\n", error->message);
    return TRUE;
  }
  printf ("error no command '%s'\n", words[0]);
  return TRUE;
}

int
main (void)
{
  Runner runner = { NULL };
  gchar line[4096];

  while (fgets (line, sizeof line, stdin) != NULL && obey (&runner, line))
    fflush (stdout);
  forget (&runner);
  return 0;
}
