/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg run: runs a model once, on a picture or on tensors. */

#include "run.h"

#include "lib/command.h"
#include "lib/job.h"
#include "lib/mask-file.h"
#include "lib/output-name.h"
#include "lib/picture-input.h"
#include "lib/picture.h"
#include "lib/print.h"
#include "lib/tensor-input.h"
#include "base/tensor-info.h"
#include "model/tensors.h"

#include <errno.h>
#include <string.h>

static const gchar text[] =
    "Runs the network once and writes every output as FOLDER/NAME.npy. The\n"
    "output that is a mask is also written as FOLDER/NAME.png, at the\n"
    "network's size, and as FOLDER/NAME.picture.png, at the picture's size:\n"
    "the probability of the foreground in grey or, with more than one class\n"
    "besides the background, the class map in colours. Characters of a name\n"
    "other than letters, digits, '.', '_' and '-' become '_'. The .npy files\n"
    "are for comparing with another framework.\n"
    "\n"
    "A picture (any format that GStreamer decodes; of a video the first\n"
    "frame) goes through the model's contract: it is turned upright, fitted,\n"
    "and its colours are ordered and normalised. A tensor (.npy,\n"
    "little-endian) goes to the input of its name unchanged; other number\n"
    "types are converted.\n"
    "\n"
    "Examples:\n"
    "  unetseg run --image me.jpg -o out\n"
    "  unetseg run unet.onnx --image scan.png --set activation=softmax -o out\n"
    "  unetseg run unet.onnx --image slide.png --fit tile --tta -o out\n"
    "  unetseg run unet.onnx --input x.npy -o out\n"
    "  unetseg run rvm.onnx --image me.jpg --input r1i=zeros.npy -o out\n";

typedef struct {
  gchar **inputs; /* NAME=FILE.npy */
  gchar *image;
  gchar *fit;
  gchar *folder;
  gdouble threshold;
  gboolean tta;
} RunOptions;

typedef struct {
  ToolJob job;
  GArray *tensors;   /* of ToolTensorInput */
  GstSample *sample; /* (nullable) */
  GstVideoInfo video;
  gint input, output;  /* of the contract: indices, -1 without one */
  UnetFramePath *path; /* (nullable): no picture comes in or goes out */
  GError *refused;     /* (nullable): why the output is no mask */
} Run;

/* ---- session ------------------------------------------------------------ */

/* The shape of the picture input for a size, in the contract's layout. */
static void
picture_shape (const Run *run, guint width, guint height, UnetTensorInfo *info)
{
  const UnetContract *contract = run->job.contract;
  gint rows = contract->layout == UNET_LAYOUT_NHWC ? 1 : 2;

  *info = *unet_model_get_input (run->job.model, run->input);
  info->dims[0] = MAX (info->dims[0], 1);
  info->dims[rows] = height;
  info->dims[rows + 1] = width;
}

/* Frame size with square pixels. */
static void
frame_size (const GstVideoInfo *video, guint *width, guint *height)
{
  *width = gst_util_uint64_scale_int_round (GST_VIDEO_INFO_WIDTH (video),
      GST_VIDEO_INFO_PAR_N (video), GST_VIDEO_INFO_PAR_D (video));
  *width = MAX (*width, 1);
  *height = GST_VIDEO_INFO_HEIGHT (video);
}

/* A calibration for int8 is made with the picture itself. */
static gboolean
put_picture (UnetSession *session, guint index, gpointer data, GError **error)
{
  Run *run = data;

  return tool_picture_to_session (
      run->sample, run->job.contract, session, run->input, error);
}

static gboolean
open_session (Run *run, const ToolOptions *options, GError **error)
{
  g_autofree UnetTensorInfo *shapes = NULL;
  guint n = run->tensors->len, width = 256, height = 256;
  ToolJob *job = &run->job;

  if (run->sample != NULL)
    frame_size (&run->video, &width, &height);
  if (n == 0)
    return tool_job_open (job, options, width, height, FALSE, error);
  shapes = g_new0 (UnetTensorInfo, n + 1);
  for (guint i = 0; i < n; i++) {
    const ToolTensorInput *tensor =
        &g_array_index (run->tensors, ToolTensorInput, i);

    shapes[i].name = tensor->name;
    shapes[i].dtype = tensor->npy->dtype;
    shapes[i].n_dims = tensor->npy->n_dims;
    memcpy (shapes[i].dims, tensor->npy->dims, sizeof shapes[i].dims);
  }
  if (run->sample != NULL) {
    if (!tool_job_choose_size (job, options, width, height, error))
      return FALSE;
    picture_shape (run, job->width, job->height, &shapes[n++]);
  }
  return tool_job_open_shapes (job, options, shapes, n, error);
}

/* ---- inputs ------------------------------------------------------------- */

static gboolean
has_data (const Run *run, const gchar *name)
{
  for (guint i = 0; i < run->tensors->len; i++) {
    if (g_str_equal (
            g_array_index (run->tensors, ToolTensorInput, i).name, name))
      return TRUE;
  }
  return run->sample != NULL && g_str_equal (run->job.contract->input, name);
}

static gboolean
begins_one (gchar **list, const gchar *name)
{
  for (; list != NULL && *list != NULL; list++) {
    if (g_str_has_prefix (*list, name) && (*list)[strlen (name)] == ':')
      return TRUE;
  }
  return FALSE;
}

/* The states of a recurrent network are zero before the first picture. */
static gboolean
may_be_left_out (const Run *run, const gchar *name)
{
  return run->tensors->len == 0 && run->sample != NULL
      && (begins_one (run->job.contract->state, name)
          || begins_one (run->job.contract->constants, name));
}

static gboolean
copy_tensors (Run *run, GError **error)
{
  for (guint i = 0; i < unet_model_get_n_inputs (run->job.model); i++) {
    const gchar *name = unet_model_get_input (run->job.model, i)->name;

    if (!has_data (run, name) && may_be_left_out (run, name)) {
      const UnetTensorInfo *info =
          unet_session_get_input_info (run->job.session, i);

      memset (unet_session_get_input_data (run->job.session, i), 0,
          unet_tensor_info_size (info));
      continue;
    }
    if (!has_data (run, name)) {
      g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
          "input '%s' has no data: name it with --input %s=FILE.npy", name,
          name);
      return FALSE;
    }
  }
  for (guint i = 0; i < run->tensors->len; i++) {
    if (!tool_tensor_input_copy (
            &g_array_index (run->tensors, ToolTensorInput, i), run->job.session,
            error))
      return FALSE;
  }
  return TRUE;
}

/* ---- outputs ------------------------------------------------------------ */

static gboolean
goes_in_tiles (const Run *run)
{
  return run->path != NULL && run->path->tiles != NULL;
}

static gconstpointer
get_output (Run *run, guint index, const UnetTensorInfo **info)
{
  UnetSession *session = run->job.session;

  if (run->path != NULL)
    return unet_frame_path_get_output (run->path, session, index, info);
  *info = unet_session_get_output_info (session, index);
  return unet_session_get_output_data (session, index);
}

/* Leaves out outputs whose tiles are not joined. */
static gboolean
save_outputs (Run *run, const gchar *folder, GError **error)
{
  for (guint i = 0; i < unet_model_get_n_outputs (run->job.model); i++) {
    g_autofree gchar *path =
        tool_output_path (run->job.model, i, folder, ".npy");
    g_autofree gchar *shape = NULL;
    const UnetTensorInfo *info;
    gconstpointer data;

    data = get_output (run, i, &info);
    if (data == NULL)
      continue;
    if (!tool_npy_write (path, info, data, error))
      return FALSE;
    shape = tool_shape (info);
    g_print ("%s: %s %s\n", path, unet_dtype_name (info->dtype), shape);
  }
  return TRUE;
}

/* The mask at its own size and, of a picture, at the picture's size. */
static gboolean
save_mask (
    Run *run, const RunOptions *options, const UnetMask *mask, GError **error)
{
  const UnetModel *model = run->job.model;
  g_autofree gchar *path =
      tool_output_path (model, run->output, options->folder, ".png");
  g_autofree gchar *large =
      tool_output_path (model, run->output, options->folder, ".picture.png");
  guint width = GST_VIDEO_INFO_WIDTH (&run->video);
  guint height = GST_VIDEO_INFO_HEIGHT (&run->video);

  if (!tool_mask_save (mask, path, error))
    return FALSE;
  g_print ("%s: %ux%u\n", path, mask->width, mask->height);
  if (run->sample == NULL)
    return TRUE;
  if (!tool_mask_save_at_size (
          mask, large, width, height, options->threshold, error))
    return FALSE;
  g_print ("%s: %ux%u\n", large, width, height);
  return TRUE;
}

/* Writes no PNG of an output that is no mask. */
static gboolean
save_png (Run *run, const RunOptions *options, GError **error)
{
  UnetFramePath *path = run->path;
  UnetMaskBuffers buffers = { NULL, NULL };
  UnetMaskMap map;
  gboolean ok;

  if (path == NULL || path->postprocess == NULL)
    return TRUE;
  if (!unet_frame_path_fill (
          path, run->job.session, options->threshold, &buffers, error))
    return FALSE;
  ok = tool_mask_map (path, &buffers, &map, error);
  if (ok) {
    ok = save_mask (run, options, &map.mask, error);
    unet_mask_buffers_unmap (&buffers, &map);
  }
  unet_mask_buffers_clear (&buffers);
  return ok;
}

static gboolean
save (Run *run, const RunOptions *options, GError **error)
{
  if (g_mkdir_with_parents (options->folder, 0777) < 0) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_FILE, "%s: %s", options->folder,
        g_strerror (errno));
    return FALSE;
  }
  if (!save_outputs (run, options->folder, error)
      || !save_png (run, options, error))
    return FALSE;
  if (run->refused != NULL && run->sample != NULL)
    g_printerr ("unetseg: no PNG: %s\n", run->refused->message);
  return TRUE;
}

/* ---- path --------------------------------------------------------------- */

/* A tensor is a picture of its own size, which may be another than the
 * model's. Returns FALSE for an output that does not lie on it. */
static gboolean
describe_tensor (Run *run)
{
  ToolJob *job = &run->job;
  gint rows = job->contract->layout == UNET_LAYOUT_NHWC ? 1 : 2;
  const UnetTensorInfo *info =
      unet_session_get_input_info (job->session, run->input);
  gdouble x, y, width, height;

  job->height = info->dims[rows];
  job->width = info->dims[rows + 1];
  /* Where a flattened output lies is not known: it covers everything. */
  return (unet_session_get_output_window (
              job->session, run->output, &x, &y, &width, &height)
             || unet_session_get_output_info (job->session, run->output)->n_dims
                 < 3)
      && gst_video_info_set_format (
          &run->video, GST_VIDEO_FORMAT_RGB, job->width, job->height);
}

static void
print_tiles (const Run *run)
{
  UnetTiles *tiles = run->path->tiles;
  guint x, y;

  unet_tiles_get_overlap (tiles, &x, &y);
  g_print ("%u tile%s of %ux%u, overlapping by %ux%u\n",
      unet_tiles_get_n_tiles (tiles),
      tool_plural (unet_tiles_get_n_tiles (tiles)), run->job.width,
      run->job.height, x, y);
}

static gboolean
open_path (Run *run, GError **error)
{
  ToolJob *job = &run->job;
  g_autoptr (UnetContract) contract = unet_contract_copy (job->contract);
  const UnetFrameKind kind = { &run->video, GST_VIDEO_ORIENTATION_IDENTITY,
    contract, run->input, run->output };

  if (run->sample == NULL && !describe_tensor (run))
    return TRUE;
  if (run->sample == NULL)
    contract->fit = UNET_FIT_STRETCH;
  run->path = unet_frame_path_new_reader (&kind, job->session, error);
  if (run->path == NULL)
    return FALSE;
  if (goes_in_tiles (run))
    print_tiles (run);
  unet_frame_path_add_masks (run->path, contract, job->session, &run->refused);
  return TRUE;
}

/* ---- command ------------------------------------------------------------ */

static gboolean
run_once (Run *run, const RunOptions *options, GError **error)
{
  UnetSession *session = run->job.session;

  if ((run->job.contract != NULL && !open_path (run, error))
      || !copy_tensors (run, error)
      || (run->sample != NULL
          && !tool_picture_read (run->sample, run->path, session, error))
      || !(run->path ? unet_frame_path_run (run->path, session, error)
                     : unet_session_run (session, error)))
    return FALSE;
  return save (run, options, error);
}

static gboolean
load_picture (Run *run, const gchar *path, GError **error)
{
  if (path == NULL)
    return TRUE;
  if (!tool_job_require_contract (&run->job, error))
    return FALSE;
  run->sample = tool_picture_load (path, error);
  return run->sample != NULL
      && gst_video_info_from_caps (
          &run->video, gst_sample_get_caps (run->sample));
}

static gboolean
load (Run *run, gchar **words, const ToolOptions *options,
    const RunOptions *own, GError **error)
{
  if (!tool_job_load (&run->job, words, options, error))
    return FALSE;
  run->input = run->output = -1;
  if (run->job.contract != NULL) {
    run->input =
        unet_model_find_input_index (run->job.model, run->job.contract->input);
    run->output = unet_model_find_output_index (
        run->job.model, run->job.contract->output);
  }
  run->tensors = tool_tensor_inputs_read (run->job.model, own->inputs, error);
  return run->tensors != NULL && load_picture (run, own->image, error);
}

static gboolean
check_options (
    const ToolOptions *common, const RunOptions *options, GError **error)
{
  const gchar *wrong = NULL;

  if (options->folder == NULL)
    wrong = "-o FOLDER is missing";
  else if (options->image == NULL && options->inputs == NULL)
    wrong = "--image FILE or --input NAME=FILE.npy is missing";
  else if (common->shapes != NULL)
    wrong = "--shape: the files of --input have the shapes";
  else if (common->size != NULL && options->image == NULL)
    wrong = "--size: only for --image; the files of --input have the sizes";
  if (wrong == NULL)
    return tool_check_threshold (options->threshold, error);
  g_set_error_literal (error, TOOL_ERROR, TOOL_ERROR_USAGE, wrong);
  return FALSE;
}

static gboolean
run (gchar **words, ToolOptions *options, gpointer data, GError **error)
{
  const RunOptions *own = data;
  Run run = { .tensors = NULL };
  const ToolFrames frames = { own->image, 1, put_picture, &run };
  gboolean ok;

  if (!check_options (options, own, error))
    return FALSE;
  /* A session that runs once does not make up for the time of measuring; one
   * that runs for each tile does. */
  if (options->tuning == NULL && g_strcmp0 (own->fit, "tile") != 0)
    options->tuning = g_strdup ("static");
  tool_options_add_field (options, "fit", own->fit);
  tool_options_add_field (options, "tta", own->tta ? "true" : NULL);
  ok = load (&run, words, options, own, error);
  if (ok && run.sample != NULL)
    run.job.frames = &frames;
  ok = ok && open_session (&run, options, error) && run_once (&run, own, error);
  g_clear_pointer (&run.sample, gst_sample_unref);
  g_clear_pointer (&run.path, unet_frame_path_unref);
  g_clear_error (&run.refused);
  g_clear_pointer (&run.tensors, g_array_unref);
  tool_job_clear (&run.job);
  return ok;
}

static void
run_options_clear (RunOptions *options)
{
  g_free (options->folder);
  g_free (options->image);
  g_free (options->fit);
  g_strfreev (options->inputs);
}

ToolStatus
tool_run_main (gint argc, gchar **argv)
{
  RunOptions own = { .threshold = .5 };
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &own.folder,
        "Folder of the outputs; created if missing", "FOLDER" },
    { "image", 'i', 0, G_OPTION_ARG_FILENAME, &own.image, "A picture", "FILE" },
    { "fit", 'f', 0, G_OPTION_ARG_STRING, &own.fit,
        "How the picture is fitted: stretch, letterbox, crop or tile (as "
        "--set fit=…)",
        "FIT" },
    { "input", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &own.inputs,
        "A tensor for an input (repeatable)", "NAME=FILE.npy" },
    { "threshold", 0, 0, G_OPTION_ARG_DOUBLE, &own.threshold,
        "Least probability of a class in the class map; 0.5 by default", "P" },
    { "tta", 0, 0, G_OPTION_ARG_NONE, &own.tta,
        "Average over reflections, and rotations of a square input (as --set "
        "tta=true)",
        NULL },
    { NULL },
  };
  const ToolCommand command = { "run",
    "[MODEL] — run a model once, on a picture or on tensors", text, entries,
    run };
  ToolStatus status;

  gst_init (NULL, NULL);
  status = tool_command_run (&command, argc, argv, &own);
  run_options_clear (&own);
  return status;
}
