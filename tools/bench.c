/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg bench: measures how fast a model runs here. */

#include "bench.h"

#include "lib/command.h"
#include "lib/job.h"
#include "lib/json.h"
#include "lib/pattern.h"
#include "lib/print.h"

static const gchar text[] =
    "Runs the network again and again on the same input and prints median,\n"
    "minimum and 95th percentile of the wall-clock time of a run. The first\n"
    "runs do not count.\n"
    "\n"
    "Examples:\n"
    "  unetseg bench\n"
    "  unetseg bench person --threads 1\n"
    "  unetseg bench unet.onnx --size 512x288 --seconds 10 --json\n"
    "  unetseg bench other.onnx --shape x=1x3x64x64\n"
    "\n"
    "Keys of the JSON object: model, threads, precision (asked for),\n"
    "precision_used, onednn, calibration, calibration_frames,\n"
    "calibration_f32_layers, difference and iou (with one), shapes, runs, "
    "median_ms, min_ms, p95_ms, mean_ms,\n"
    "fps, gflop (work of one run), gflops (per second, at the median),\n"
    "arena_bytes, live_bytes, create_ms.\n";

typedef struct {
  guint runs;
  gdouble median, min, p95, mean; /* milliseconds */
} Timing;

static gdouble
time_run (UnetSession *session, GError **error)
{
  gint64 start = g_get_monotonic_time ();

  if (!unet_session_run (session, error))
    return -1;
  return (g_get_monotonic_time () - start) / 1e3;
}

static gboolean
warm_up (UnetSession *session, GError **error)
{
  gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC / 4;

  for (guint i = 0; i < 3 && (i < 1 || g_get_monotonic_time () < end); i++) {
    if (time_run (session, error) < 0)
      return FALSE;
  }
  return TRUE;
}

static void
summarize (GArray *times, Timing *timing)
{
  gdouble *values = (gdouble *) times->data;
  gdouble sum = 0;

  for (guint i = 0; i < times->len; i++)
    sum += values[i];
  timing->runs = times->len;
  timing->median = tool_median (values, times->len);
  timing->min = values[0];
  timing->p95 = values[(times->len * 95 + 99) / 100 - 1];
  timing->mean = sum / times->len;
}

static gboolean
measure (UnetSession *session, gdouble seconds, Timing *timing, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gdouble));
  gint64 end;

  if (!warm_up (session, error))
    return FALSE;
  end = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  do {
    gdouble time = time_run (session, error);

    if (time < 0)
      return FALSE;
    g_array_append_val (times, time);
  } while (g_get_monotonic_time () < end || times->len < 3);
  summarize (times, timing);
  return TRUE;
}

static void
add_shapes (JsonBuilder *builder, ToolJob *job)
{
  json_builder_set_member_name (builder, "shapes");
  json_builder_begin_object (builder);
  for (guint i = 0; i < unet_model_get_n_inputs (job->model); i++) {
    const UnetTensorInfo *info = unet_session_get_input_info (job->session, i);
    g_autofree gchar *shape = tool_shape (info);

    tool_json_string (builder, info->name, shape);
  }
  json_builder_end_object (builder);
}

static void
add_calibration (JsonBuilder *b, const ToolJob *job)
{
  gdouble difference, iou;
  guint frames;

  if (job->calibration == NULL)
    return;
  unet_calibration_get_agreement (job->calibration, &difference, &iou);
  tool_json_string (
      b, "calibration", unet_calibration_get_data (job->calibration, &frames));
  tool_json_int (b, "calibration_frames", frames);
  tool_json_int (b, "calibration_f32_layers",
      unet_calibration_get_n_wide (job->calibration));
  tool_json_double (b, "difference", difference);
  tool_json_double (b, "iou", iou);
}

static void
print_json (ToolJob *job, const ToolOptions *options, const Timing *timing)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();
  gdouble gflop = unet_session_get_flops (job->session) / 1e9;
  gsize live, arena = unet_session_get_arena_size (job->session, &live);

  json_builder_begin_object (b);
  tool_json_string (b, "model", unet_model_get_name (job->model));
  tool_json_int (b, "threads", unet_session_get_threads (job->session));
  tool_json_string (
      b, "precision", options->precision ? options->precision : "auto");
  tool_json_string (b, "precision_used",
      tool_enum_nick (
          UNET_TYPE_PRECISION, unet_session_get_precision (job->session)));
  tool_json_string (b, "onednn", unet_session_get_engine_name ());
  add_calibration (b, job);
  add_shapes (b, job);
  tool_json_int (b, "runs", timing->runs);
  tool_json_double (b, "median_ms", timing->median);
  tool_json_double (b, "min_ms", timing->min);
  tool_json_double (b, "p95_ms", timing->p95);
  tool_json_double (b, "mean_ms", timing->mean);
  tool_json_double (b, "fps", 1e3 / timing->median);
  tool_json_double (b, "gflop", gflop);
  tool_json_double (b, "gflops", gflop * 1e3 / timing->median);
  tool_json_int (b, "arena_bytes", arena);
  tool_json_int (b, "live_bytes", live);
  tool_json_double (b, "create_ms", job->create_ms);
  json_builder_end_object (b);
  tool_print_json (b);
}

static void
print_text (ToolJob *job, const Timing *timing)
{
  gdouble gflop = unet_session_get_flops (job->session) / 1e9;

  g_print ("%s, %s, %u thread%s, %s\n", unet_model_get_name (job->model),
      unet_session_get_engine_name (), unet_session_get_threads (job->session),
      tool_plural (unet_session_get_threads (job->session)),
      tool_enum_nick (
          UNET_TYPE_PRECISION, unet_session_get_precision (job->session)));
  if (job->calibration != NULL) {
    g_autofree gchar *found = tool_calibration_describe (job->calibration);

    g_print ("calibrated with %s\n", found);
  }
  for (guint i = 0; i < unet_model_get_n_inputs (job->model); i++) {
    const UnetTensorInfo *info = unet_session_get_input_info (job->session, i);
    g_autofree gchar *shape = tool_shape (info);

    g_print ("input %s %s\n", info->name, shape);
  }
  g_print ("median %.3f ms, min %.3f ms, 95th percentile %.3f ms of %u run%s\n",
      timing->median, timing->min, timing->p95, timing->runs,
      tool_plural (timing->runs));
  g_print ("%.1f frames/s, %.3f GFLOP, %.1f GFLOP/s\n", 1e3 / timing->median,
      gflop, gflop * 1e3 / timing->median);
  g_print ("arena %.1f MiB, created in %.0f ms\n",
      unet_session_get_arena_size (job->session, NULL) / 1048576.,
      job->create_ms);
}

typedef struct {
  gdouble seconds;
  gboolean json;
} BenchOptions;

static gboolean
bench (gchar **words, ToolOptions *options, gpointer data, GError **error)
{
  const BenchOptions *own = data;
  gboolean ok = FALSE;
  Timing timing;
  ToolJob job;

  if (!(own->seconds >= 0 && own->seconds <= 86400)) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "--seconds: not within 0 to 86400");
    return FALSE;
  }
  if (!tool_job_load (&job, words, options, error)
      || !tool_job_open (&job, options, 256, 256, FALSE, error))
    goto out;
  tool_pattern_fill (job.session, 0);
  if (!measure (job.session, own->seconds, &timing, error))
    goto out;
  if (own->json)
    print_json (&job, options, &timing);
  else
    print_text (&job, &timing);
  ok = TRUE;

out:
  tool_job_clear (&job);
  return ok;
}

ToolStatus
tool_bench_main (gint argc, gchar **argv)
{
  BenchOptions own = { .seconds = 3 };
  const GOptionEntry entries[] = {
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &own.seconds,
        "How long to measure; 3 by default", "S" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &own.json, "Print a JSON object", NULL },
    { NULL },
  };
  const ToolCommand command = { "bench",
    "[MODEL] — measure how fast a model runs here", text, entries, bench };

  return tool_command_run (&command, argc, argv, &own);
}
