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
    "part of the picture that the network takes for foreground.\n"
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
    "false_area; with --each also each: one object for each picture. A mean\n"
    "over no picture is null. With --classes: miou, pixel_error and classes,\n"
    "one object with class, label and iou for each.\n";

typedef struct {
  gchar *images, *masks;
  gdouble threshold;
  gboolean each, json, tta, classes;
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

/* One byte for each pixel: 1 where red is above a half. */
static guint8 *
read_bright (const GstVideoFrame *frame)
{
  guint width = GST_VIDEO_FRAME_WIDTH (frame);
  guint height = GST_VIDEO_FRAME_HEIGHT (frame);
  guint8 *bright = g_malloc ((gsize) width * height), *at = bright;

  for (guint y = 0; y < height; y++) {
    const guint8 *row = (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, 0)
        + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);

    for (guint x = 0; x < width; x++)
      *at++ = row[4 * x] > 127;
  }
  return bright;
}

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
    found = read_bright (&frame);
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

static guint8 *
draw_buffers (const Eval *eval, const UnetFramePath *path,
    const UnetMaskBuffers *buffers, gdouble threshold, GError **error)
{
  UnetMaskMap map;
  guint8 *found;

  if (!tool_mask_map (path, buffers, &map, error))
    return NULL;
  found = eval->classes
      ? draw_classes (&map.mask, &path->info, threshold, error)
      : draw (&map.mask, &path->info, threshold, error);
  unet_mask_buffers_unmap (buffers, &map);
  return found;
}

/* The foreground that the network finds in a picture; NULL on error. */
static guint8 *
find (Eval *eval, const ToolOptions *options, gdouble threshold,
    GstSample *sample, GstVideoInfo *video, GError **error)
{
  const UnetFrameKind kind = { video, GST_VIDEO_ORIENTATION_IDENTITY,
    eval->job.contract, eval->input, eval->output };
  UnetMaskBuffers buffers = { NULL, NULL };
  UnetFramePath *path;
  UnetSession *session;
  guint8 *found = NULL;

  session = open_session (eval, options, GST_VIDEO_INFO_WIDTH (video),
      GST_VIDEO_INFO_HEIGHT (video), error);
  path = session ? unet_frame_path_new (&kind, session, error) : NULL;
  if (path == NULL)
    return NULL;
  if (tool_picture_read (sample, path, session, error)
      && unet_frame_path_run (path, session, error)
      && unet_frame_path_fill (path, session, threshold, &buffers, error))
    found = draw_buffers (eval, path, &buffers, threshold, error);
  unet_mask_buffers_clear (&buffers);
  unet_frame_path_unref (path);
  return found;
}

/* IMAGES/name.jpg -> MASKS/name.png */
static gchar *
mask_path (const EvalOptions *options, const gchar *name)
{
  const gchar *dot = strrchr (name, '.');
  g_autofree gchar *stem = g_strndup (name, dot - name);
  g_autofree gchar *file = g_strconcat (stem, ".png", NULL);

  return g_build_filename (options->masks, file, NULL);
}

/* Returns the true mask of --classes; pixels of a picture without one count for
 * no class. */
static guint8 *
load_numbers (const EvalOptions *options, const gchar *name,
    const GstVideoInfo *video, GError **error)
{
  guint width = GST_VIDEO_INFO_WIDTH (video);
  guint height = GST_VIDEO_INFO_HEIGHT (video);
  g_autofree gchar *path = mask_path (options, name);
  g_autoptr (GstSample) sample = NULL;
  GstVideoFrame frame;
  GstVideoInfo info;
  guint8 *numbers;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return memset (g_malloc ((gsize) width * height), TOOL_CLASS_UNKNOWN,
        (gsize) width * height);
  sample = tool_picture_load (path, error);
  if (sample == NULL)
    return NULL;
  gst_video_info_from_caps (&info, gst_sample_get_caps (sample));
  if (GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_GRAY8
      || GST_VIDEO_INFO_WIDTH (&info) != (gint) width
      || GST_VIDEO_INFO_HEIGHT (&info) != (gint) height) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_PICTURE,
        "%s: %dx%d in %s; --classes needs %ux%u in 8 bits of grey", path,
        GST_VIDEO_INFO_WIDTH (&info), GST_VIDEO_INFO_HEIGHT (&info),
        GST_VIDEO_INFO_NAME (&info), width, height);
    return NULL;
  }
  if (!tool_picture_map (
          &frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ, error))
    return NULL;
  numbers = tool_mask_copy_rows (&frame);
  gst_video_frame_unmap (&frame);
  return numbers;
}

/* The true mask; all zero for a picture that has none. */
static guint8 *
load_truth (const EvalOptions *options, const gchar *name,
    const GstVideoInfo *video, GError **error)
{
  guint width = GST_VIDEO_INFO_WIDTH (video);
  guint height = GST_VIDEO_INFO_HEIGHT (video);
  g_autofree gchar *path = options->masks != NULL ? mask_path (options, name)
                                                  : NULL;
  g_autoptr (GstSample) sample = NULL;
  GstVideoFrame frame;
  GstVideoInfo info;
  guint8 *truth;

  if (path == NULL || !g_file_test (path, G_FILE_TEST_EXISTS))
    return g_malloc0 ((gsize) width * height);
  sample = tool_picture_load_rgb (path, error);
  if (sample == NULL)
    return NULL;
  gst_video_info_from_caps (&info, gst_sample_get_caps (sample));
  if (GST_VIDEO_INFO_WIDTH (&info) != (gint) width
      || GST_VIDEO_INFO_HEIGHT (&info) != (gint) height) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_PICTURE,
        "%s: %dx%d, its picture is %ux%u", path, GST_VIDEO_INFO_WIDTH (&info),
        GST_VIDEO_INFO_HEIGHT (&info), width, height);
    return NULL;
  }
  if (!tool_picture_map (
          &frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ, error))
    return NULL;
  truth = read_bright (&frame);
  gst_video_frame_unmap (&frame);
  return truth;
}

static gboolean
evaluate_picture (
    Eval *eval, const ToolOptions *common, const gchar *name, GError **error)
{
  const EvalOptions *options = eval->options;
  g_autofree gchar *path = g_build_filename (options->images, name, NULL);
  g_autofree guint8 *found = NULL, *truth = NULL;
  g_autoptr (GstSample) sample = NULL;
  GstVideoInfo video;
  ToolScore score;

  sample = tool_picture_load (path, error);
  if (sample == NULL)
    return FALSE;
  gst_video_info_from_caps (&video, gst_sample_get_caps (sample));
  truth = eval->classes ? load_numbers (options, name, &video, error)
                        : load_truth (options, name, &video, error);
  if (truth == NULL)
    return FALSE;
  found = find (eval, common, options->threshold, sample, &video, error);
  if (found == NULL) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  if (eval->classes) {
    tool_class_score_add (eval->classes, found, truth,
        (gsize) GST_VIDEO_INFO_WIDTH (&video) * GST_VIDEO_INFO_HEIGHT (&video),
        eval->job.contract);
    return TRUE;
  }
  tool_score (found, truth, GST_VIDEO_INFO_WIDTH (&video),
      GST_VIDEO_INFO_HEIGHT (&video), &score);
  tool_score_table_add (eval->table, name, &score);
  return TRUE;
}

/* ---- output ------------------------------------------------------------- */

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
    tool_score_table_add_json (b, eval->table, eval->options->each);
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
        mask_path (eval->options, g_ptr_array_index (eval->names, i));

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
      tool_score_table_print (eval.table, eval.options->each);
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
