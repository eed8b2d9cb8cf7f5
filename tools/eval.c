/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg eval: how well a model's masks meet the true ones. */

#include "lib/picture.h"
#include "lib/score.h"
#include "lib/tool.h"

#include "frame/frame.h"

#include <string.h>

static const gchar text[] =
    "Runs the network on every picture of a folder, as the element would on a\n"
    "frame of that size, and compares what it would draw at full opacity with\n"
    "the true masks: MASKS/NAME.png for IMAGES/NAME.jpg, white where there is\n"
    "something. A picture without a mask, or with a black one, shows nothing "
    "of\n"
    "what the network looks for.\n"
    "\n"
    "Printed are means over the pictures: foreground_iou, miou (with the\n"
    "background's), boundary_iou (within 2 % of the diagonal from the "
    "outlines)\n"
    "and, over the pictures that show nothing, false_area, the part of the\n"
    "picture that is taken for something.\n"
    "\n"
    "Examples:\n"
    "  unetseg eval --images people/images --masks people/masks\n"
    "  unetseg eval --images empty-rooms\n"
    "  unetseg eval unet.onnx --images cells --masks truth --each --json\n"
    "\n"
    "Keys of the JSON object: model, precision (asked for), precision_used,\n"
    "onednn, pictures, foreground_iou, miou, boundary_iou, empty_pictures,\n"
    "false_area; with --each also each: one object a picture. A mean over no\n"
    "picture is null.\n";

typedef struct {
  gchar *images, *masks;
  gdouble threshold;
  gboolean each, json;
} EvalOptions;

/* A session for pictures of one shape. */
typedef struct {
  guint width, height;
  UnetSession *session;
} Shape;

typedef struct {
  gchar *name;
  ToolScore score;
} Result;

typedef struct {
  ToolJob job;
  guint input, output; /* indices */
  GArray *shapes;      /* of Shape */
  GArray *results;     /* of Result */
  UnetPrecision precision;
} Eval;

/* What goes with one picture. */
typedef struct {
  GstVideoInfo video;
  UnetSession *session;
  UnetPreprocess *preprocess;
  UnetPostprocess *postprocess;
  UnetOverlay *overlay;
  UnetMask mask;
} Path;

static void
shape_clear (gpointer data)
{
  Shape *shape = data;

  unet_session_unref (shape->session);
}

static void
result_clear (gpointer data)
{
  Result *result = data;

  g_free (result->name);
}

/* ---- sessions ----------------------------------------------------------- */

static guint
find_tensor (const UnetModel *model, const gchar *name, guint n,
    const UnetTensorInfo *(*get) (const UnetModel *, guint))
{
  for (guint i = 0; i < n; i++) {
    if (g_str_equal (get (model, i)->name, name))
      return i;
  }
  g_return_val_if_reached (0);
}

/* The session for frames of this shape; pictures of a folder have few. */
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
  tool_job_fill (job); /* inputs beside the picture */
  shape = (Shape){ job->width, job->height, g_steal_pointer (&job->session) };
  eval->precision = unet_session_get_precision (shape.session);
  g_array_append_val (eval->shapes, shape);
  return shape.session;
}

/* ---- frame path --------------------------------------------------------- */

static void
path_clear (Path *path)
{
  g_clear_pointer (&path->preprocess, unet_preprocess_free);
  g_clear_pointer (&path->postprocess, unet_postprocess_free);
  g_clear_pointer (&path->overlay, unet_overlay_free);
  g_clear_pointer (&path->mask.class_map, g_free);
  g_clear_pointer (&path->mask.probability, g_free);
}

/* White is drawn on black. */
static gboolean
open_overlay (Path *path, GError **error)
{
  guint32 colors[256];

  path->overlay = unet_overlay_new (&path->video, error);
  if (path->overlay == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    colors[i] = i > 0 ? 0xffffffff : 0;
  unet_overlay_set_palette (path->overlay, colors, G_N_ELEMENTS (colors));
  return TRUE;
}

static gboolean
path_open (Path *path, Eval *eval, GError **error)
{
  const ToolJob *job = &eval->job;
  gdouble x = 0, y = 0, w = job->width, h = job->height;
  const GstVideoInfo *video = &path->video;
  UnetPlacement placement;
  gsize size;

  unet_session_get_output_window (path->session, eval->output, &x, &y, &w, &h);
  unet_placement_init (&placement, job->contract->fit,
      GST_VIDEO_INFO_WIDTH (video), GST_VIDEO_INFO_HEIGHT (video),
      GST_VIDEO_INFO_PAR_N (video), GST_VIDEO_INFO_PAR_D (video), job->width,
      job->height, x, y, w, h);
  path->preprocess = unet_preprocess_new (
      video, job->contract, job->width, job->height, &placement, error);
  if (path->preprocess == NULL)
    return FALSE;
  path->postprocess = unet_postprocess_new (job->contract,
      unet_session_get_output_info (path->session, eval->output), job->width,
      job->height, &placement, x, y, w, h, error);
  if (path->postprocess == NULL)
    return FALSE;
  unet_postprocess_get_info (path->postprocess, &path->mask);
  size = (gsize) path->mask.width * path->mask.height;
  path->mask.class_map = g_malloc0 (size);
  path->mask.probability = g_malloc0 (size);
  return open_overlay (path, error);
}

/* ---- one picture -------------------------------------------------------- */

static gboolean
map_picture (GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
    GstMapFlags flags, GError **error)
{
  if (gst_video_frame_map (frame, info, buffer, flags))
    return TRUE;
  g_set_error_literal (
      error, TOOL_ERROR, TOOL_ERROR_PICTURE, "the picture cannot be mapped");
  return FALSE;
}

/* One byte a pixel: 1 where the first colour of the frame is bright. */
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

static gboolean
infer (Path *path, Eval *eval, GstBuffer *buffer, gdouble threshold,
    GError **error)
{
  GstVideoFrame frame;

  if (!map_picture (&frame, &path->video, buffer, GST_MAP_READ, error))
    return FALSE;
  unet_preprocess_run (path->preprocess, &frame,
      unet_session_get_input_data (path->session, eval->input));
  gst_video_frame_unmap (&frame);
  if (!unet_session_run (path->session, error))
    return FALSE;
  unet_postprocess_run (path->postprocess,
      unet_session_get_output_data (path->session, eval->output), threshold,
      &path->mask);
  return TRUE;
}

/* The mask upscaled to the picture, as the element draws it. */
static guint8 *
draw (Path *path, gdouble threshold, GError **error)
{
  g_autoptr (GstBuffer) canvas =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&path->video), NULL);
  GstVideoFrame frame;
  guint8 *found;

  gst_buffer_memset (canvas, 0, 0, -1);
  if (!map_picture (&frame, &path->video, canvas, GST_MAP_READWRITE, error))
    return NULL;
  unet_overlay_draw (path->overlay, &frame, &path->mask, 1, threshold);
  found = read_bright (&frame);
  gst_video_frame_unmap (&frame);
  return found;
}

/* What the network finds in a picture; NULL on error. */
static guint8 *
find (Eval *eval, const ToolOptions *options, gdouble threshold,
    GstSample *sample, GstVideoInfo *video, GError **error)
{
  Path path = { .video = *video };
  guint8 *found = NULL;

  path.session = open_session (eval, options, GST_VIDEO_INFO_WIDTH (video),
      GST_VIDEO_INFO_HEIGHT (video), error);
  if (path.session != NULL && path_open (&path, eval, error)
      && infer (&path, eval, gst_sample_get_buffer (sample), threshold, error))
    found = draw (&path, threshold, error);
  path_clear (&path);
  return found;
}

static GstSample *
load (const gchar *path, GstVideoInfo *video, GError **error)
{
  GstSample *sample = tool_picture_load (path, error);

  if (sample != NULL)
    gst_video_info_from_caps (video, gst_sample_get_caps (sample));
  return sample;
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

/* The true mask; all zero where there is none. */
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
  sample = load (path, &info, error);
  if (sample == NULL)
    return NULL;
  if (GST_VIDEO_INFO_WIDTH (&info) != (gint) width
      || GST_VIDEO_INFO_HEIGHT (&info) != (gint) height) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_PICTURE,
        "%s: %dx%d, its picture is %ux%u", path, GST_VIDEO_INFO_WIDTH (&info),
        GST_VIDEO_INFO_HEIGHT (&info), width, height);
    return NULL;
  }
  if (!map_picture (
          &frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ, error))
    return NULL;
  truth = read_bright (&frame);
  gst_video_frame_unmap (&frame);
  return truth;
}

static gboolean
evaluate_picture (Eval *eval, const ToolOptions *common,
    const EvalOptions *options, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (options->images, name, NULL);
  g_autofree guint8 *found = NULL, *truth = NULL;
  g_autoptr (GstSample) sample = NULL;
  GstVideoInfo video;
  Result result;

  sample = load (path, &video, error);
  if (sample == NULL)
    return FALSE;
  truth = load_truth (options, name, &video, error);
  if (truth == NULL)
    return FALSE;
  found = find (eval, common, options->threshold, sample, &video, error);
  if (found == NULL) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  tool_score (found, truth, GST_VIDEO_INFO_WIDTH (&video),
      GST_VIDEO_INFO_HEIGHT (&video), &result.score);
  result.name = g_strdup (name);
  g_array_append_val (eval->results, result);
  return TRUE;
}

/* ---- output ------------------------------------------------------------- */

static const struct {
  const gchar *name;
  gsize offset;
} measures[] = {
  { "foreground_iou", G_STRUCT_OFFSET (ToolScore, foreground_iou) },
  { "miou", G_STRUCT_OFFSET (ToolScore, miou) },
  { "boundary_iou", G_STRUCT_OFFSET (ToolScore, boundary_iou) },
  { "false_area", G_STRUCT_OFFSET (ToolScore, false_area) },
};
#define FALSE_AREA (G_N_ELEMENTS (measures) - 1)

static gdouble
value_of (const ToolScore *score, guint measure)
{
  return G_STRUCT_MEMBER (gdouble, score, measures[measure].offset);
}

/* Over the pictures with something, or over those with nothing. */
static guint
mean (const Eval *eval, guint measure, gdouble *value)
{
  gdouble sum = 0;
  guint n = 0;

  for (guint i = 0; i < eval->results->len; i++) {
    const ToolScore *score = &g_array_index (eval->results, Result, i).score;

    if (score->empty != (measure == FALSE_AREA))
      continue;
    sum += value_of (score, measure);
    n++;
  }
  *value = n > 0 ? sum / n : 0;
  return n;
}

static void
print_text (const Eval *eval, gboolean each)
{
  gdouble value;

  for (guint i = 0; each && i < eval->results->len; i++) {
    const Result *result = &g_array_index (eval->results, Result, i);

    for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
      if (result->score.empty == (m == FALSE_AREA))
        g_print ("%s %.4f  ", measures[m].name, value_of (&result->score, m));
    }
    g_print ("%s\n", result->name);
  }
  for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
    guint n = mean (eval, m, &value);

    if (n > 0)
      g_print ("%-14s %.4f  (%u pictures)\n", measures[m].name, value, n);
  }
}

static void
add_each (JsonBuilder *b, const Eval *eval)
{
  json_builder_set_member_name (b, "each");
  json_builder_begin_array (b);
  for (guint i = 0; i < eval->results->len; i++) {
    const Result *result = &g_array_index (eval->results, Result, i);

    json_builder_begin_object (b);
    tool_json_string (b, "name", result->name);
    for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
      if (result->score.empty == (m == FALSE_AREA))
        tool_json_double (b, measures[m].name, value_of (&result->score, m));
    }
    json_builder_end_object (b);
  }
  json_builder_end_array (b);
}

static void
print_json (const Eval *eval, const ToolOptions *common, gboolean each)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();
  gdouble value;

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
  tool_json_int (b, "pictures", mean (eval, 0, &value));
  tool_json_int (b, "empty_pictures", mean (eval, FALSE_AREA, &value));
  for (guint m = 0; m < G_N_ELEMENTS (measures); m++) {
    if (mean (eval, m, &value) > 0) {
      tool_json_double (b, measures[m].name, value);
    } else {
      json_builder_set_member_name (b, measures[m].name);
      json_builder_add_null_value (b);
    }
  }
  if (each)
    add_each (b, eval);
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

/* ---- command ------------------------------------------------------------ */

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(gchar *const *) a, *(gchar *const *) b);
}

/* Files of a folder that have a suffix and are not hidden, by name. */
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

static gboolean
evaluate_folder (Eval *eval, const ToolOptions *common,
    const EvalOptions *options, GError **error)
{
  ToolJob *job = &eval->job;
  g_autoptr (GPtrArray) names = NULL;

  if (job->contract == NULL) {
    g_propagate_error (error, g_steal_pointer (&job->contract_error));
    return FALSE;
  }
  names = list_pictures (options->images, error);
  if (names == NULL)
    return FALSE;
  eval->input = find_tensor (job->model, job->contract->input,
      unet_model_get_n_inputs (job->model), unet_model_get_input);
  eval->output = find_tensor (job->model, job->contract->output,
      unet_model_get_n_outputs (job->model), unet_model_get_output);
  for (guint i = 0; i < names->len; i++) {
    if (!evaluate_picture (
            eval, common, options, g_ptr_array_index (names, i), error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_options (ToolOptions *common, const EvalOptions *options, GError **error)
{
  const gchar *wrong = NULL;

  if (options->images == NULL)
    wrong = "on what? --images FOLDER is missing";
  else if (!(options->threshold >= 0 && options->threshold <= 1))
    wrong = "--threshold: not within 0 to 1";
  else if (common->shapes != NULL)
    wrong = "--shape: pictures have their own; use --size";
  if (wrong != NULL) {
    g_set_error_literal (error, TOOL_ERROR, TOOL_ERROR_USAGE, wrong);
    return FALSE;
  }
  /* Pictures come in many shapes, and none is run often. */
  if (common->tuning == NULL)
    common->tuning = g_strdup ("static");
  return TRUE;
}

static gboolean
eval (gchar **words, ToolOptions *common, const EvalOptions *options,
    GError **error)
{
  Eval eval = { .shapes = g_array_new (FALSE, FALSE, sizeof (Shape)),
    .results = g_array_new (FALSE, FALSE, sizeof (Result)) };
  gboolean ok;

  g_array_set_clear_func (eval.shapes, shape_clear);
  g_array_set_clear_func (eval.results, result_clear);
  ok = check_options (common, options, error)
      && tool_job_load (&eval.job, words, common, error)
      && evaluate_folder (&eval, common, options, error);
  if (ok && options->json)
    print_json (&eval, common, options->each);
  else if (ok)
    print_text (&eval, options->each);
  if (ok && !options->json)
    print_calibration (&eval);
  g_array_unref (eval.shapes);
  g_array_unref (eval.results);
  tool_job_clear (&eval.job);
  return ok;
}

gint
tool_eval_main (gint argc, gchar **argv)
{
  ToolOptions common = TOOL_OPTIONS_INIT;
  EvalOptions options = { .threshold = .5 };
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;
  gint status = TOOL_OK;
  const GOptionEntry entries[] = {
    { "images", 'i', 0, G_OPTION_ARG_FILENAME, &options.images, "Pictures",
        "FOLDER" },
    { "masks", 'm', 0, G_OPTION_ARG_FILENAME, &options.masks,
        "Their true masks", "FOLDER" },
    { "threshold", 0, 0, G_OPTION_ARG_DOUBLE, &options.threshold,
        "Least probability of what is found; 0.5 by default", "P" },
    { "each", 0, 0, G_OPTION_ARG_NONE, &options.each,
        "Tell about every picture, too", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print a JSON object",
        NULL },
    { NULL },
  };

  gst_init (NULL, NULL);
  if (!tool_parse (argc, argv, entries,
          "[MODEL] — how well masks meet the true ones", text, &common, &words,
          &error)
      || !eval (words, &common, &options, &error))
    status = tool_complain ("eval", error);
  tool_options_clear (&common);
  g_free (options.images);
  g_free (options.masks);
  return status;
}
