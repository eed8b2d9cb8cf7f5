/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg eval: compares a model's masks with true masks. */

#include "eval.h"

#include "frame/draw/overlay.h"
#include "lib/class-score.h"
#include "lib/command.h"
#include "lib/job.h"
#include "lib/mask-file.h"
#include "lib/pattern.h"
#include "lib/picture-input.h"
#include "lib/picture.h"
#include "lib/print.h"
#include "lib/score-table.h"
#include "lib/true-mask.h"
#include "model/tensors.h"

#include <math.h>
#include <string.h>

/* Pictures of a calibration that eval makes; calibrate takes as many. */
#define CALIBRATION_PICTURES 48

static const gchar text[] =
    "Runs the network on every picture of a folder, as the element does on a\n"
    "frame of that size, and compares the mask at full opacity with the true\n"
    "mask: MASKS/NAME.png for IMAGES/NAME.jpg, white where there is\n"
    "foreground. A picture without a mask, or with a black one, has no\n"
    "foreground. A folder of masks with no mask for any picture is an error.\n"
    "\n"
    "Prints means over the pictures: foreground_iou, miou (mean with the\n"
    "background's), boundary_iou (within 2 % of the diagonal from the\n"
    "outlines) and, over the pictures without foreground, false_area, the\n"
    "part of the picture that the network takes for foreground. Also unsure,\n"
    "the part whose probability lies between 0.2 and 0.8; holes and islands,\n"
    "the number of parts that are wrong as a whole; and poor, the number of\n"
    "pictures with a foreground_iou below 0.9. With --frames the pictures are\n"
    "one recording's frames by name, and area_jumps counts how often the\n"
    "mask's area changes by more than 5 % from one to the next.\n"
    "\n"
    "With --classes, masks are grey pictures of the numbers of the network's\n"
    "channels, and 255 where a pixel counts for none. Prints the IoU of each\n"
    "class over all pictures, miou (their mean) and pixel_error (the share of\n"
    "wrong pixels). --threshold is then 0 by default.\n"
    "\n"
    "In int8, a model without a calibration is calibrated with these\n"
    "pictures, at most 48 of them.\n"
    "\n"
    "Examples:\n"
    "  unetseg eval --images people/images --masks people/masks\n"
    "  unetseg eval --images empty-rooms\n"
    "  unetseg eval roads.onnx --images val --masks numbers --classes\n"
    "  unetseg eval unet.onnx --images cells --masks truth --each --json\n"
    "\n"
    "Keys of the JSON object: model, precision (asked for), precision_used,\n"
    "onednn, pictures, foreground_iou, miou, boundary_iou, empty_pictures,\n"
    "false_area, unsure, holes, islands, poor; with --frames also area_jumps;\n"
    "with --each also each: one object for each picture. A mean over no\n"
    "picture is null. With --classes: miou, pixel_error and classes, one\n"
    "object with class, label and iou for each.\n";

typedef struct {
  gchar *images, *masks;
  gdouble threshold;
  gboolean each, json, tta, classes, frames;
} EvalOptions;

/* A session, and the size of its input. */
typedef struct {
  guint width, height;
  UnetSession *session;
} Shape;

typedef struct {
  ToolJob job;
  const EvalOptions *options;
  guint input, output; /* indices */
  GPtrArray *names;    /* of gchar: of the pictures */
  GArray *shapes;      /* of Shape */
  GArray *table;
  ToolClassScore *classes; /* of --classes */
  UnetPrecision precision;
} Eval;

static void
shape_clear (gpointer data)
{
  Shape *shape = data;

  unet_session_unref (shape->session);
}

/* ---- sessions ----------------------------------------------------------- */

/* Every nth picture of the folder calibrates. */
static gboolean
put_picture (UnetSession *session, guint index, gpointer data, GError **error)
{
  const Eval *eval = data;
  guint n = MIN (eval->names->len, CALIBRATION_PICTURES);
  const gchar *name =
      g_ptr_array_index (eval->names, (guint64) index * eval->names->len / n);
  g_autofree gchar *path = g_build_filename (eval->options->images, name, NULL);
  g_autoptr (GstSample) sample = tool_picture_load (path, error);

  if (sample == NULL)
    return FALSE;
  tool_pattern_fill (session, 0); /* for inputs besides the picture */
  return tool_picture_to_session (
      sample, eval->job.contract, session, eval->input, error);
}

/* Returns the session for frames of this shape and makes it at the first
 * one. */
static UnetSession *
open_session (Eval *eval, const ToolOptions *options, guint width, guint height,
    GError **error)
{
  ToolJob *job = &eval->job;
  Shape shape;

  if (!tool_job_choose_size (job, options, width, height, error))
    return NULL;
  for (guint i = 0; i < eval->shapes->len; i++) {
    Shape *known = &g_array_index (eval->shapes, Shape, i);

    if (known->width == job->width && known->height == job->height)
      return known->session;
  }
  if (!tool_job_open (job, options, width, height, FALSE, error))
    return NULL;
  tool_pattern_fill (job->session, 0); /* for inputs besides the picture */
  shape = (Shape){ job->width, job->height, g_steal_pointer (&job->session) };
  eval->precision = unet_session_get_precision (shape.session);
  g_array_append_val (eval->shapes, shape);
  return shape.session;
}

/* ---- one picture -------------------------------------------------------- */

/* Upscales the mask to the picture, as the element draws it: every class in
 * white. */
static guint8 *
draw (const UnetMask *mask, const GstVideoInfo *video, gdouble threshold,
    GError **error)
{
  g_autoptr (GstBuffer) buffer = NULL;
  UnetOverlay *overlay;
  GstVideoFrame frame;
  GstVideoInfo canvas;
  guint32 colors[256];
  guint8 *found = NULL;

  gst_video_info_set_format (&canvas, GST_VIDEO_FORMAT_RGBx,
      GST_VIDEO_INFO_WIDTH (video), GST_VIDEO_INFO_HEIGHT (video));
  overlay = unet_overlay_new (&canvas, error);
  if (overlay == NULL)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    colors[i] = i > 0 ? 0xffffffff : 0;
  unet_overlay_set_palette (overlay, colors, G_N_ELEMENTS (colors));
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&canvas), NULL);
  gst_buffer_memset (buffer, 0, 0, -1);
  if (tool_picture_map (&frame, &canvas, buffer, GST_MAP_READWRITE, error)) {
    unet_overlay_draw (overlay, &frame, mask, 1, threshold);
    found = tool_mask_read_bright (&frame);
    gst_video_frame_unmap (&frame);
  }
  unet_overlay_free (overlay);
  return found;
}

/* The class of each pixel of a picture. */
static guint8 *
draw_classes (const UnetMask *mask, const GstVideoInfo *video,
    gdouble threshold, GError **error)
{
  const gsize n =
      (gsize) GST_VIDEO_INFO_WIDTH (video) * GST_VIDEO_INFO_HEIGHT (video);
  guint8 *found = tool_mask_draw_at_size (mask, GST_VIDEO_INFO_WIDTH (video),
      GST_VIDEO_INFO_HEIGHT (video), threshold, error);

  for (gsize i = 0; found && mask->n_classes <= 2 && i < n; i++)
    found[i] = found[i] >= threshold * 255; /* a probability */
  return found;
}

/* Fills what was found in @pair. */
static gboolean
draw_buffers (const Eval *eval, const UnetFramePath *path,
    const UnetMaskBuffers *buffers, ToolMaskPair *pair, GError **error)
{
  const gdouble threshold = eval->options->threshold;
  UnetMaskMap map;

  if (!tool_mask_map (path, buffers, &map, error))
    return FALSE;
  pair->found = eval->classes
      ? draw_classes (&map.mask, &path->info, threshold, error)
      : draw (&map.mask, &path->info, threshold, error);
  if (pair->found && !eval->classes && map.mask.n_classes <= 2)
    pair->probability = tool_mask_draw_at_size (
        &map.mask, pair->width, pair->height, threshold, error);
  unet_mask_buffers_unmap (buffers, &map);
  return pair->found
      && (pair->probability || eval->classes || map.mask.n_classes > 2);
}

/* Runs the network on a picture and fills what it finds in @pair. */
static gboolean
find (Eval *eval, const ToolOptions *options, GstSample *sample,
    GstVideoInfo *video, ToolMaskPair *pair, GError **error)
{
  const UnetFrameKind kind = { video, GST_VIDEO_ORIENTATION_IDENTITY,
    eval->job.contract, eval->input, eval->output };
  UnetMaskBuffers buffers = { NULL, NULL };
  UnetFramePath *path;
  UnetSession *session;
  gboolean ok;

  session = open_session (eval, options, pair->width, pair->height, error);
  path = session ? unet_frame_path_new (&kind, session, error) : NULL;
  if (path == NULL)
    return FALSE;
  ok = tool_picture_read (sample, path, session, error)
      && unet_frame_path_run (path, session, error)
      && unet_frame_path_fill (
          path, session, eval->options->threshold, &buffers, error)
      && draw_buffers (eval, path, &buffers, pair, error);
  unet_mask_buffers_clear (&buffers);
  unet_frame_path_unref (path);
  return ok;
}

static void
add_score (Eval *eval, const gchar *name, const ToolMaskPair *pair)
{
  ToolScore score;

  if (eval->classes) {
    tool_class_score_add (eval->classes, pair->found, pair->truth,
        (gsize) pair->width * pair->height, eval->job.contract);
    return;
  }
  tool_score (pair, &score);
  tool_score_table_add (eval->table, name, &score);
}

static gboolean
evaluate_picture (
    Eval *eval, const ToolOptions *common, const gchar *name, GError **error)
{
  const EvalOptions *options = eval->options;
  g_autofree gchar *path = g_build_filename (options->images, name, NULL);
  g_autoptr (GstSample) sample = NULL;
  ToolMaskPair pair = { 0 };
  GstVideoInfo video;
  gboolean ok;

  sample = tool_picture_load (path, error);
  if (sample == NULL)
    return FALSE;
  gst_video_info_from_caps (&video, gst_sample_get_caps (sample));
  pair.width = (guint) GST_VIDEO_INFO_WIDTH (&video);
  pair.height = (guint) GST_VIDEO_INFO_HEIGHT (&video);
  pair.truth = eval->classes
      ? tool_true_mask_load_numbers (options->masks, name, &video, error)
      : tool_true_mask_load (options->masks, name, &video, error);
  if (pair.truth == NULL)
    return FALSE;
  ok = find (eval, common, sample, &video, &pair, error);
  if (ok)
    add_score (eval, name, &pair);
  else
    g_prefix_error (error, "%s: ", path);
  g_free (pair.found);
  g_free (pair.truth);
  g_free (pair.probability);
  return ok;
}

/* ---- output ------------------------------------------------------------- */

static ToolScoreTableFlags
table_flags (const EvalOptions *options)
{
  return (options->each ? TOOL_SCORE_TABLE_EACH : 0)
      | (options->frames ? TOOL_SCORE_TABLE_FRAMES : 0);
}

static void
print_json (const Eval *eval, const ToolOptions *common)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  json_builder_begin_object (b);
  tool_json_string (b, "model", unet_model_get_name (eval->job.model));
  tool_json_string (
      b, "precision", common->precision ? common->precision : "auto");
  tool_json_string (b, "precision_used",
      tool_enum_nick (UNET_TYPE_PRECISION, eval->precision));
  if (eval->job.calibration != NULL)
    tool_json_string (b, "calibration",
        unet_calibration_get_data (eval->job.calibration, NULL));
  tool_json_string (b, "onednn", unet_session_get_engine_name ());
  if (eval->classes)
    tool_class_score_add_json (eval->classes, b, eval->job.contract);
  else
    tool_score_table_add_json (b, eval->table, table_flags (eval->options));
  json_builder_end_object (b);
  tool_print_json (b);
}

static void
print_calibration (const Eval *eval)
{
  g_autofree gchar *found = NULL;

  if (eval->job.calibration == NULL)
    return;
  found = tool_calibration_describe (eval->job.calibration);
  g_print ("%s, calibrated with %s\n",
      tool_enum_nick (UNET_TYPE_PRECISION, eval->precision), found);
}

/* ---- folders ------------------------------------------------------------ */

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(gchar *const *) a, *(gchar *const *) b);
}

/* The files of a folder that have a suffix and are not hidden, by name. */
static GPtrArray *
list_pictures (const gchar *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  GPtrArray *names;
  const gchar *name;

  if (dir == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    const gchar *dot = strrchr (name, '.');

    if (dot != NULL && dot != name
        && g_file_test (path, G_FILE_TEST_IS_REGULAR))
      g_ptr_array_add (names, g_strdup (name));
  }
  g_ptr_array_sort (names, compare_names);
  if (names->len > 0)
    return names;
  g_ptr_array_unref (names);
  g_set_error (
      error, TOOL_ERROR, TOOL_ERROR_PICTURE, "%s: no pictures in it", folder);
  return NULL;
}

/* A folder without a mask for any picture is the wrong folder: every picture
 * would count as one without foreground. */
static gboolean
check_masks (const Eval *eval, GError **error)
{
  const gchar *masks = eval->options->masks;

  if (masks == NULL)
    return TRUE;
  if (!g_file_test (masks, G_FILE_TEST_IS_DIR)) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_FILE,
        "--masks=%s: there is no such folder", masks);
    return FALSE;
  }
  for (guint i = 0; i < eval->names->len; i++) {
    g_autofree gchar *path =
        tool_true_mask_path (masks, g_ptr_array_index (eval->names, i));

    if (g_file_test (path, G_FILE_TEST_EXISTS))
      return TRUE;
  }
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_FILE,
      "--masks=%s: no NAME.png in it for any picture NAME of %s", masks,
      eval->options->images);
  return FALSE;
}

static gboolean
evaluate_folder (Eval *eval, const ToolOptions *common, GError **error)
{
  ToolJob *job = &eval->job;
  ToolFrames frames = { eval->options->images, 0, put_picture, eval };

  if (!tool_job_require_contract (job, error))
    return FALSE;
  eval->names = list_pictures (eval->options->images, error);
  if (eval->names == NULL || !check_masks (eval, error))
    return FALSE;
  frames.n = MIN (eval->names->len, CALIBRATION_PICTURES);
  job->frames = &frames;
  eval->input = unet_model_find_input_index (job->model, job->contract->input);
  eval->output =
      unet_model_find_output_index (job->model, job->contract->output);
  for (guint i = 0; i < eval->names->len; i++) {
    if (!evaluate_picture (
            eval, common, g_ptr_array_index (eval->names, i), error))
      return FALSE;
  }
  job->frames = NULL;
  return TRUE;
}

/* ---- command ------------------------------------------------------------ */

static gboolean
check_options (ToolOptions *common, const EvalOptions *options, GError **error)
{
  const gchar *wrong = NULL;

  if (options->classes && options->masks == NULL)
    wrong = "--classes: --masks FOLDER is missing";
  if (options->classes && options->frames)
    wrong = "--frames: not with --classes";
  if (options->images == NULL)
    wrong = "--images FOLDER is missing";
  else if (!wrong && common->shapes != NULL)
    wrong = "--shape: pictures have shapes of their own; use --size";
  if (wrong != NULL) {
    g_set_error_literal (error, TOOL_ERROR, TOOL_ERROR_USAGE, wrong);
    return FALSE;
  }
  /* Pictures have many shapes, and no session runs often. */
  if (common->tuning == NULL)
    common->tuning = g_strdup ("static");
  tool_options_add_field (common, "tta", options->tta ? "true" : NULL);
  return tool_check_threshold (options->threshold, error);
}

static gboolean
eval (gchar **words, ToolOptions *common, gpointer data, GError **error)
{
  Eval eval = { .options = data,
    .shapes = g_array_new (FALSE, FALSE, sizeof (Shape)),
    .table = tool_score_table_new () };
  EvalOptions *options = data;
  gboolean ok;

  if (options->classes)
    eval.classes = tool_class_score_new ();
  if (isnan (options->threshold))
    options->threshold = options->classes ? 0 : .5;

  g_array_set_clear_func (eval.shapes, shape_clear);
  ok = check_options (common, eval.options, error)
      && tool_job_load (&eval.job, words, common, error)
      && evaluate_folder (&eval, common, error);
  if (ok && eval.options->json) {
    print_json (&eval, common);
  } else if (ok) {
    if (eval.classes)
      tool_class_score_print (eval.classes, eval.job.contract);
    else
      tool_score_table_print (eval.table, table_flags (eval.options));
    print_calibration (&eval);
  }
  g_array_unref (eval.shapes);
  g_array_unref (eval.table);
  tool_class_score_free (eval.classes);
  g_clear_pointer (&eval.names, g_ptr_array_unref);
  tool_job_clear (&eval.job);
  return ok;
}

ToolStatus
tool_eval_main (gint argc, gchar **argv)
{
  EvalOptions own = { .threshold = NAN };
  const GOptionEntry entries[] = {
    { "images", 'i', 0, G_OPTION_ARG_FILENAME, &own.images, "Pictures",
        "FOLDER" },
    { "masks", 'm', 0, G_OPTION_ARG_FILENAME, &own.masks, "Their true masks",
        "FOLDER" },
    { "threshold", 0, 0, G_OPTION_ARG_DOUBLE, &own.threshold,
        "Least probability of the foreground; 0.5 by default, 0 with --classes",
        "P" },
    { "classes", 0, 0, G_OPTION_ARG_NONE, &own.classes,
        "Masks are numbers of classes: compare each", NULL },
    { "each", 0, 0, G_OPTION_ARG_NONE, &own.each,
        "Print the scores of every picture as well", NULL },
    { "frames", 0, 0, G_OPTION_ARG_NONE, &own.frames,
        "Pictures are frames of one recording: count jumps of the area", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &own.json, "Print a JSON object", NULL },
    { "tta", 0, 0, G_OPTION_ARG_NONE, &own.tta,
        "Average over reflections, and rotations of a square input (as --set "
        "tta=true)",
        NULL },
    { NULL },
  };
  const ToolCommand command = { "eval",
    "[MODEL] — compare a model's masks with true masks", text, entries, eval };
  ToolStatus status;

  gst_init (NULL, NULL);
  status = tool_command_run (&command, argc, argv, &own);
  g_free (own.images);
  g_free (own.masks);
  return status;
}
