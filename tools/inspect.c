/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg inspect: prints what a model expects and the time of each layer. */

#include "inspect.h"

#include "lib/command.h"
#include "lib/job.h"
#include "lib/json.h"
#include "lib/machine.h"
#include "lib/pattern.h"
#include "lib/print.h"

#include <string.h>

static const gchar text[] =
    "Prints what a model expects and gives (its contract), then times every\n"
    "layer of it on this machine. 'roof ms' is the least time the layer can\n"
    "take here: its arithmetic at the measured multiply-add rate, or its "
    "bytes\n"
    "at the measured bandwidth of the cache that holds them, whichever is\n"
    "longer. 'gap' is the time divided by that. Winograd's algorithm does the\n"
    "same convolution with fewer operations and may get below 1. 'idle' is "
    "the\n"
    "time of a run beyond the sum of its layers.\n"
    "\n"
    "Examples:\n"
    "  unetseg inspect\n"
    "  unetseg inspect unet.onnx --size 512x288\n"
    "  unetseg inspect unet.onnx --set activation=softmax --json\n";

/* Runs and seconds of a measurement: both are reached, up to the last. */
#define LEAST_RUNS    5
#define LEAST_SECONDS 1.0
#define MOST_SECONDS  10.0

typedef struct {
  ToolMachine machine;
  UnetPrecision precision;
  gdouble run_ms; /* median wall time of a profiled run */
  guint runs;
  guint n_layers;
  const UnetLayerInfo *layers;
} Profile;

typedef struct {
  guint n;
  gdouble ms, roof_ms;
} Sum;

/* ---- measuring ---------------------------------------------------------- */

static gboolean
profile_runs (UnetSession *session, Profile *profile, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gdouble));
  gdouble total = 0;

  do {
    gint64 start = g_get_monotonic_time ();
    gdouble ms;

    if (!unet_session_run (session, error))
      return FALSE;
    ms = (g_get_monotonic_time () - start) / 1e3;
    g_array_append_val (times, ms);
    total += ms / 1e3;
  } while ((total < LEAST_SECONDS || times->len < LEAST_RUNS)
      && total < MOST_SECONDS);
  profile->runs = times->len;
  profile->run_ms = tool_median ((gdouble *) times->data, times->len);
  profile->layers = unet_session_get_layers (session, &profile->n_layers);
  return TRUE;
}

/* The peak of the arithmetic of a layer: in low precision or in f32. */
static gdouble
peak_of (const Profile *profile, gboolean low_precision)
{
  const ToolMachine *machine = &profile->machine;

  if (!low_precision || profile->precision == UNET_PRECISION_F32)
    return machine->peak;
  return profile->precision == UNET_PRECISION_BF16 ? machine->half_peak
                                                   : machine->byte_peak;
}

static gdouble
roof_ms (const Profile *profile, const UnetLayerInfo *layer)
{
  gdouble peak = peak_of (profile, g_str_has_prefix (layer->layout, "nhwc-"));

  return tool_machine_roof (&profile->machine, peak, layer->flops, layer->bytes)
      * 1e3;
}

static gdouble
layer_rate (const UnetLayerInfo *layer)
{
  return layer->time_ns ? (gdouble) layer->flops / layer->time_ns : 0;
}

/* Of all layers of @kind; %NULL: of all. */
static Sum
sum_layers (const Profile *profile, const gchar *kind)
{
  Sum sum = { 0 };

  for (guint i = 0; i < profile->n_layers; i++) {
    const UnetLayerInfo *layer = &profile->layers[i];

    if (kind != NULL && !g_str_equal (layer->kind, kind))
      continue;
    sum.n++;
    sum.ms += layer->time_ns / 1e6;
    sum.roof_ms += roof_ms (profile, layer);
  }
  return sum;
}

static gdouble
idle_ms (const Profile *profile)
{
  return MAX (profile->run_ms - sum_layers (profile, NULL).ms, 0);
}

/* ---- text --------------------------------------------------------------- */

static void
print_tensors (const gchar *title, const ToolJob *job, gboolean inputs)
{
  guint n = inputs ? unet_model_get_n_inputs (job->model)
                   : unet_model_get_n_outputs (job->model);

  for (guint i = 0; i < n; i++) {
    const UnetTensorInfo *info = inputs
        ? unet_session_get_input_info (job->session, i)
        : unet_session_get_output_info (job->session, i);
    const UnetTensorInfo *open = inputs ? unet_model_get_input (job->model, i)
                                        : unet_model_get_output (job->model, i);
    g_autofree gchar *shape = tool_shape (info);
    g_autofree gchar *in_file = tool_shape (open);

    g_print ("%-11s %s %s %s", title, info->name, unet_dtype_name (info->dtype),
        shape);
    g_print (
        g_str_equal (shape, in_file) ? "\n" : " (in the file %s)\n", in_file);
  }
}

static void
print_summary (ToolJob *job, const Profile *profile)
{
  UnetSession *session = job->session;
  gdouble gflop = unet_session_get_flops (session) / 1e9;
  gdouble rate = gflop * 1e3 / profile->run_ms;
  gsize live, arena = unet_session_get_arena_size (session, &live);

  g_print ("model       %s\n", unet_model_get_name (job->model));
  if (job->contract != NULL) {
    g_autofree gchar *line = unet_contract_to_string (job->contract);
    g_print ("contract    %s\n", line);
  } else {
    g_print ("contract    none: %s\n", job->contract_error->message);
  }
  print_tensors ("input", job, TRUE);
  print_tensors ("output", job, FALSE);
  g_print ("parameters  %.3f million\n",
      unet_model_get_n_parameters (job->model) / 1e6);
  g_print ("work        %.3f GFLOP a run\n", gflop);
  g_print ("arena       %.2f MiB, %.2f MiB of tensors alive at once\n",
      arena / 1048576., live / 1048576.);
  g_print ("engine      %s, %s, %u thread%s, session created in %.0f ms\n",
      unet_session_get_engine_name (),
      tool_enum_nick (
          UNET_TYPE_PRECISION, unet_session_get_precision (session)),
      unet_session_get_threads (session),
      tool_plural (unet_session_get_threads (session)), job->create_ms);
  g_print ("run         %.3f ms (median of %u), %.1f GFLOP/s, %.0f %% of the "
           "peak\n",
      profile->run_ms, profile->runs, rate,
      rate * 1e11 / peak_of (profile, TRUE));
}

static void
print_machine (const ToolMachine *machine)
{
  g_print ("machine     %s multiply-add %.1f GFLOP/s, bf16 %.1f, "
           "int8 %.1f",
      machine->isa, machine->peak / 1e9, machine->half_peak / 1e9,
      machine->byte_peak / 1e9);
  for (gsize i = 0; i < G_N_ELEMENTS (machine->levels); i++)
    g_print (", %s %.1f GB/s", machine->levels[i].name,
        machine->levels[i].rate / 1e9);
  g_print (
      " (%u thread%s)\n", machine->threads, tool_plural (machine->threads));
}

/* Names of layers differ more at their end than at their beginning. */
static const gchar *
tail (const gchar *name)
{
  gsize length = strlen (name);

  return length > 24 ? name + length - 24 : name;
}

static void
print_layers (const Profile *profile)
{
  g_print ("\n%4s %-24s %-22s %-16s %-29s %-9s %9s %6s %8s %8s %6s\n", "#",
      "layer", "operator", "output", "implementation", "layout", "ms", "%",
      "GFLOP/s", "roof ms", "gap");
  for (guint i = 0; i < profile->n_layers; i++) {
    const UnetLayerInfo *layer = &profile->layers[i];
    gdouble ms = layer->time_ns / 1e6, roof = roof_ms (profile, layer);

    g_print ("%4u %-24s %-22.22s %-16s %-29s %-9s %9.4f %6.2f %8.1f %8.4f "
             "%6.2f\n",
        i, tail (layer->name), layer->op, layer->shape, layer->impl,
        layer->layout, ms, 100 * ms / profile->run_ms, layer_rate (layer), roof,
        roof > 0 ? ms / roof : 0);
  }
}

static void
print_sum (const gchar *title, guint n, gdouble ms, const Profile *profile)
{
  g_print ("%-11s %4u layers %9.4f ms %6.2f %%\n", title, n, ms,
      100 * ms / profile->run_ms);
}

static void
print_sums (const Profile *profile)
{
  Sum compute = sum_layers (profile, "compute");
  Sum reorders = sum_layers (profile, "reorder");
  Sum copies = sum_layers (profile, "copy");

  g_print ("\n");
  print_sum ("compute", compute.n, compute.ms, profile);
  print_sum ("reorders", reorders.n, reorders.ms, profile);
  print_sum ("copies", copies.n, copies.ms, profile);
  g_print ("%-11s %11s %9.4f ms %6.2f %%\n", "idle", "", idle_ms (profile),
      100 * idle_ms (profile) / profile->run_ms);
  g_print ("%-11s %11s %9.4f ms, roof %.4f ms\n", "run", "", profile->run_ms,
      sum_layers (profile, NULL).roof_ms);
}

/* ---- JSON --------------------------------------------------------------- */

static void
json_shape (JsonBuilder *b, const gchar *key, const UnetTensorInfo *info)
{
  json_builder_set_member_name (b, key);
  json_builder_begin_array (b);
  for (guint i = 0; i < info->n_dims; i++)
    json_builder_add_int_value (b, info->dims[i]);
  json_builder_end_array (b);
}

static void
json_tensors (JsonBuilder *b, const ToolJob *job, gboolean inputs)
{
  guint n = inputs ? unet_model_get_n_inputs (job->model)
                   : unet_model_get_n_outputs (job->model);

  json_builder_set_member_name (b, inputs ? "inputs" : "outputs");
  json_builder_begin_array (b);
  for (guint i = 0; i < n; i++) {
    const UnetTensorInfo *info = inputs
        ? unet_session_get_input_info (job->session, i)
        : unet_session_get_output_info (job->session, i);

    json_builder_begin_object (b);
    tool_json_string (b, "name", info->name);
    tool_json_string (b, "type", unet_dtype_name (info->dtype));
    json_shape (b, "shape", info);
    json_shape (b, "shape_in_file",
        inputs ? unet_model_get_input (job->model, i)
               : unet_model_get_output (job->model, i));
    json_builder_end_object (b);
  }
  json_builder_end_array (b);
}

static void
json_triple (JsonBuilder *b, const gchar *key, const gdouble *values)
{
  json_builder_set_member_name (b, key);
  json_builder_begin_array (b);
  for (guint i = 0; i < 3; i++)
    json_builder_add_double_value (b, values[i]);
  json_builder_end_array (b);
}

static void
json_texts (JsonBuilder *b, const gchar *key, gchar **texts)
{
  json_builder_set_member_name (b, key);
  json_builder_begin_array (b);
  for (gchar **text = texts; text != NULL && *text != NULL; text++)
    json_builder_add_string_value (b, *text);
  json_builder_end_array (b);
}

static void
json_contract (JsonBuilder *b, const UnetContract *c)
{
  json_builder_set_member_name (b, "contract");
  if (c == NULL) {
    json_builder_add_null_value (b);
    return;
  }
  json_builder_begin_object (b);
  tool_json_string (b, "input", c->input);
  tool_json_string (b, "output", c->output);
  tool_json_string (b, "layout", tool_enum_nick (UNET_TYPE_LAYOUT, c->layout));
  tool_json_string (
      b, "color-order", tool_enum_nick (UNET_TYPE_COLOR_ORDER, c->color_order));
  tool_json_double (b, "scale", c->scale);
  json_triple (b, "mean", c->mean);
  json_triple (b, "std", c->std);
  json_builder_set_member_name (b, "divide-by-max");
  json_builder_add_boolean_value (b, c->divide_by_max);
  tool_json_string (b, "fit", tool_enum_nick (UNET_TYPE_FIT, c->fit));
  tool_json_int (b, "multiple", c->multiple);
  tool_json_string (
      b, "activation", tool_enum_nick (UNET_TYPE_ACTIVATION, c->activation));
  tool_json_int (b, "foreground-class", c->foreground_class);
  tool_json_int (b, "background", c->background);
  json_builder_set_member_name (b, "invert");
  json_builder_add_boolean_value (b, c->invert);
  json_builder_set_member_name (b, "tta");
  json_builder_add_boolean_value (b, c->tta);
  json_texts (b, "labels", c->labels);
  json_texts (b, "colors", c->colors);
  json_builder_end_object (b);
}

static void
json_machine (JsonBuilder *b, const ToolMachine *machine)
{
  json_builder_set_member_name (b, "machine");
  json_builder_begin_object (b);
  tool_json_string (b, "isa", machine->isa);
  tool_json_int (b, "threads", machine->threads);
  tool_json_double (b, "peak_gflops", machine->peak / 1e9);
  tool_json_double (b, "peak_bf16_gflops", machine->half_peak / 1e9);
  tool_json_double (b, "peak_int8_gflops", machine->byte_peak / 1e9);
  for (gsize i = 0; i < G_N_ELEMENTS (machine->levels); i++) {
    g_autofree gchar *key =
        g_strdup_printf ("%s_gb_s", machine->levels[i].name);
    tool_json_double (b, key, machine->levels[i].rate / 1e9);
  }
  json_builder_end_object (b);
}

static void
json_layers (JsonBuilder *b, const Profile *profile)
{
  json_builder_set_member_name (b, "layers");
  json_builder_begin_array (b);
  for (guint i = 0; i < profile->n_layers; i++) {
    const UnetLayerInfo *layer = &profile->layers[i];

    json_builder_begin_object (b);
    tool_json_string (b, "name", layer->name);
    tool_json_string (b, "op", layer->op);
    tool_json_string (b, "shape", layer->shape);
    tool_json_string (b, "impl", layer->impl);
    tool_json_string (b, "layout", layer->layout);
    tool_json_string (b, "kind", layer->kind);
    tool_json_int (b, "flops", layer->flops);
    tool_json_int (b, "bytes", layer->bytes);
    tool_json_double (b, "ms", layer->time_ns / 1e6);
    tool_json_double (b, "gflops", layer_rate (layer));
    tool_json_double (b, "roof_ms", roof_ms (profile, layer));
    json_builder_end_object (b);
  }
  json_builder_end_array (b);
}

static void
json_sums (JsonBuilder *b, const Profile *profile)
{
  static const gchar *const kinds[][2] = { { "compute", "compute_ms" },
    { "reorder", "reorders_ms" }, { "copy", "copies_ms" } };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    tool_json_double (b, kinds[i][1], sum_layers (profile, kinds[i][0]).ms);
  tool_json_double (b, "idle_ms", idle_ms (profile));
  tool_json_double (b, "run_ms", profile->run_ms);
  tool_json_double (b, "roof_ms", sum_layers (profile, NULL).roof_ms);
  tool_json_int (b, "runs", profile->runs);
}

static void
print_json (ToolJob *job, const Profile *profile)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();
  UnetSession *session = job->session;
  gsize live, arena = unet_session_get_arena_size (session, &live);

  json_builder_begin_object (b);
  tool_json_string (b, "model", unet_model_get_name (job->model));
  json_contract (b, job->contract);
  json_tensors (b, job, TRUE);
  json_tensors (b, job, FALSE);
  tool_json_int (b, "parameters", unet_model_get_n_parameters (job->model));
  tool_json_double (b, "gflop", unet_session_get_flops (session) / 1e9);
  tool_json_int (b, "arena_bytes", arena);
  tool_json_int (b, "live_bytes", live);
  tool_json_double (b, "create_ms", job->create_ms);
  tool_json_string (b, "onednn", unet_session_get_engine_name ());
  tool_json_int (b, "threads", unet_session_get_threads (session));
  tool_json_string (b, "precision_used",
      tool_enum_nick (
          UNET_TYPE_PRECISION, unet_session_get_precision (session)));
  json_machine (b, &profile->machine);
  json_layers (b, profile);
  json_sums (b, profile);
  json_builder_end_object (b);
  tool_print_json (b);
}

/* ---- command ------------------------------------------------------------ */

static gboolean
inspect (gchar **words, ToolOptions *options, gpointer own, GError **error)
{
  const gboolean *json = own;
  Profile profile = { 0 };
  gboolean ok = FALSE;
  ToolJob job;

  if (!tool_job_load (&job, words, options, error)
      || !tool_job_open (&job, options, 256, 256, TRUE, error))
    goto out;
  tool_machine_measure (
      &profile.machine, unet_session_get_threads (job.session));
  profile.precision = unet_session_get_precision (job.session);
  tool_pattern_fill (job.session, 0);
  if (!profile_runs (job.session, &profile, error))
    goto out;
  if (*json) {
    print_json (&job, &profile);
  } else {
    print_summary (&job, &profile);
    print_machine (&profile.machine);
    print_layers (&profile);
    print_sums (&profile);
  }
  ok = TRUE;

out:
  tool_job_clear (&job);
  return ok;
}

ToolStatus
tool_inspect_main (gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print a JSON object", NULL },
    { NULL },
  };
  const ToolCommand command = { "inspect",
    "[MODEL] — show what a model expects and the time of each layer", text,
    entries, inspect };

  return tool_command_run (&command, argc, argv, &json);
}
