/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg run: one inference on a picture or on tensors. */

#include "frame/frame.h"
#include "lib/npy.h"
#include "lib/picture.h"
#include "session/tiles.h"
#include "lib/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const gchar text[] =
    "Runs the network once and writes every output as FOLDER/NAME.npy, and, "
    "where\n"
    "the output is a mask, FOLDER/NAME.png: the foreground's probability in "
    "grey,\n"
    "or, with more than one class besides the background, the class map in\n"
    "colours. What a name has besides letters, digits, '.', '_' and '-' "
    "becomes\n"
    "'_'. The .npy files are what to compare with another framework.\n"
    "\n"
    "A picture (anything that GStreamer decodes; of a video the first frame) "
    "goes\n"
    "through the model's contract: fitted, its colours ordered and normalised. "
    "A\n"
    "tensor (.npy, little-endian) is given to the input of its name as it is;\n"
    "other number types are converted.\n"
    "\n"
    "Examples:\n"
    "  unetseg run --image me.jpg -o out\n"
    "  unetseg run unet.onnx --image scan.png --set activation=softmax -o out\n"
    "  unetseg run unet.onnx --image slide.png --fit tile -o out\n"
    "  unetseg run unet.onnx --input x.npy -o out\n"
    "  unetseg run rvm.onnx --image me.jpg --input r1i=zeros.npy -o out\n";

typedef struct {
  gchar **inputs; /* NAME=FILE.npy */
  gchar *image;
  gchar *fit;
  gchar *folder;
  gdouble threshold;
} RunOptions;

/* A tensor from the command line. */
typedef struct {
  gchar *name;
  gchar *path;
  ToolNpy *npy;
} Feed;

typedef struct {
  ToolJob job;
  GArray *feeds;     /* of Feed */
  GstSample *sample; /* (nullable) */
  GstVideoInfo video;
  UnetTiles *tiles;    /* (nullable): the picture goes through in tiles */
  guint width, height; /* of what the network sees: its input, or all tiles */
  UnetPlacement placement;
  gdouble window[4]; /* of the contract's output: x, y, width, height */
} Run;

static void
feed_clear (gpointer data)
{
  Feed *feed = data;

  g_free (feed->name);
  g_free (feed->path);
  g_clear_pointer (&feed->npy, tool_npy_free);
}

/* ---- input -------------------------------------------------------------- */

static gint
find_input (const UnetModel *model, const gchar *name)
{
  for (guint i = 0; i < unet_model_get_n_inputs (model); i++) {
    if (g_str_equal (unet_model_get_input (model, i)->name, name))
      return i;
  }
  return -1;
}

static gint
find_output (const UnetModel *model, const gchar *name)
{
  for (guint i = 0; i < unet_model_get_n_outputs (model); i++) {
    if (g_str_equal (unet_model_get_output (model, i)->name, name))
      return i;
  }
  return -1;
}

/* NAME=FILE; FILE alone where the model has one input. Names may hold '='. */
static gboolean
split_feed (
    const UnetModel *model, const gchar *given, Feed *feed, GError **error)
{
  for (guint i = 0; i < unet_model_get_n_inputs (model); i++) {
    const gchar *name = unet_model_get_input (model, i)->name;
    gsize n = strlen (name);

    if (strncmp (given, name, n) == 0 && given[n] == '=') {
      feed->name = g_strdup (name);
      feed->path = g_strdup (given + n + 1);
      return TRUE;
    }
  }
  if (unet_model_get_n_inputs (model) == 1 && strchr (given, '=') == NULL) {
    feed->name = g_strdup (unet_model_get_input (model, 0)->name);
    feed->path = g_strdup (given);
    return TRUE;
  }
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
      "--input=%s: not NAME=FILE.npy with the name of one of the model's %u "
      "inputs ('%s'…)",
      given, unet_model_get_n_inputs (model),
      unet_model_get_input (model, 0)->name);
  return FALSE;
}

static gboolean
read_feeds (Run *run, gchar **inputs, GError **error)
{
  for (; inputs != NULL && *inputs != NULL; inputs++) {
    Feed feed = { NULL };

    if (split_feed (run->job.model, *inputs, &feed, error))
      feed.npy = tool_npy_read (feed.path, error);
    g_array_append_val (run->feeds, feed);
    if (feed.npy == NULL)
      return FALSE;
  }
  return TRUE;
}

/* The picture input for a size, as the contract's layout has it. */
static void
picture_shape (const Run *run, guint width, guint height, UnetTensorInfo *info)
{
  const UnetContract *contract = run->job.contract;
  gint rows = contract->layout == UNET_LAYOUT_NHWC ? 1 : 2;

  *info = *unet_model_get_input (
      run->job.model, find_input (run->job.model, contract->input));
  info->dims[0] = 1;
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

static gboolean
open_session (Run *run, const ToolOptions *options, GError **error)
{
  g_autofree UnetTensorInfo *shapes = NULL;
  guint n = run->feeds->len, width = 256, height = 256;
  ToolJob *job = &run->job;

  if (run->sample != NULL)
    frame_size (&run->video, &width, &height);
  if (n == 0)
    return tool_job_open (job, options, width, height, FALSE, error);
  shapes = g_new0 (UnetTensorInfo, n + 1);
  for (guint i = 0; i < n; i++) {
    const Feed *feed = &g_array_index (run->feeds, Feed, i);

    shapes[i].name = feed->name;
    shapes[i].dtype = feed->npy->dtype;
    shapes[i].n_dims = feed->npy->n_dims;
    memcpy (shapes[i].dims, feed->npy->dims, sizeof shapes[i].dims);
  }
  if (run->sample != NULL) {
    if (!tool_job_choose_size (job, options, width, height, error))
      return FALSE;
    picture_shape (run, job->width, job->height, &shapes[n++]);
  }
  return tool_job_open_shapes (job, options, shapes, n, error);
}

static gboolean
copy_feed (Run *run, const Feed *feed, GError **error)
{
  UnetSession *session = run->job.session;
  gint index = find_input (run->job.model, feed->name);
  const UnetTensorInfo *info = unet_session_get_input_info (session, index);
  const ToolNpy *npy = feed->npy;

  if (npy->n_dims != info->n_dims
      || memcmp (npy->dims, info->dims, npy->n_dims * sizeof *npy->dims) != 0) {
    UnetTensorInfo given = { .n_dims = npy->n_dims };
    g_autofree gchar *want = tool_shape (info), *have = NULL;

    memcpy (given.dims, npy->dims, sizeof given.dims);
    have = tool_shape (&given);
    g_set_error (error, UNET_ERROR, UNET_ERROR_SHAPE,
        "%s: input '%s' takes %s, the file has %s", feed->path, feed->name,
        want, have);
    return FALSE;
  }
  if (!tool_npy_convert (feed->npy, info->dtype, error)) {
    g_prefix_error (error, "%s: ", feed->path);
    return FALSE;
  }
  memcpy (unet_session_get_input_data (session, index), npy->data,
      npy->n_elements * unet_dtype_size (npy->dtype));
  return TRUE;
}

static gboolean
is_fed (const Run *run, const gchar *name)
{
  for (guint i = 0; i < run->feeds->len; i++) {
    if (g_str_equal (g_array_index (run->feeds, Feed, i).name, name))
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

/* What a recurrent network remembers is nothing before the first picture. */
static gboolean
may_be_left_out (const Run *run, const gchar *name)
{
  return run->feeds->len == 0 && run->sample != NULL
      && (begins_one (run->job.contract->state, name)
          || begins_one (run->job.contract->constants, name));
}

static gboolean
copy_feeds (Run *run, GError **error)
{
  for (guint i = 0; i < unet_model_get_n_inputs (run->job.model); i++) {
    const gchar *name = unet_model_get_input (run->job.model, i)->name;

    if (!is_fed (run, name) && may_be_left_out (run, name)) {
      const UnetTensorInfo *info =
          unet_session_get_input_info (run->job.session, i);

      memset (unet_session_get_input_data (run->job.session, i), 0,
          tool_count (info) * unet_dtype_size (info->dtype));
      continue;
    }
    if (!is_fed (run, name)) {
      g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
          "input '%s' is given nothing: --input %s=FILE.npy", name, name);
      return FALSE;
    }
  }
  for (guint i = 0; i < run->feeds->len; i++) {
    if (!copy_feed (run, &g_array_index (run->feeds, Feed, i), error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
copy_picture (Run *run, GError **error)
{
  ToolJob *job = &run->job;
  UnetPreprocess *preprocess;
  GstVideoFrame frame;

  preprocess = unet_preprocess_new (&run->video, job->contract, run->width,
      run->height, &run->placement, error);
  if (preprocess == NULL)
    return FALSE;
  if (!gst_video_frame_map (&frame, &run->video,
          gst_sample_get_buffer (run->sample), GST_MAP_READ)) {
    g_set_error_literal (
        error, TOOL_ERROR, TOOL_ERROR_PICTURE, "the picture cannot be mapped");
    unet_preprocess_free (preprocess);
    return FALSE;
  }
  unet_preprocess_run (preprocess, &frame,
      run->tiles != NULL ? (gpointer) unet_tiles_get_picture (run->tiles)
                         : unet_session_get_input_data (job->session,
                             find_input (job->model, job->contract->input)));
  gst_video_frame_unmap (&frame);
  unet_preprocess_free (preprocess);
  return TRUE;
}

/* ---- output ------------------------------------------------------------- */

static const UnetTensorInfo *
output_info (Run *run, guint index)
{
  return run->tiles != NULL
      ? unet_tiles_get_output_info (run->tiles)
      : unet_session_get_output_info (run->job.session, index);
}

static gconstpointer
output_data (Run *run, guint index)
{
  return run->tiles != NULL
      ? unet_tiles_get_output (run->tiles)
      : unet_session_get_output_data (run->job.session, index);
}

/* FOLDER/NAME with harmless letters; @n tells equal names apart. */
static gchar *
output_path (
    const gchar *folder, const gchar *name, guint n, const gchar *suffix)
{
  g_autofree gchar *safe = g_strdup (name);
  g_autofree gchar *file = NULL;

  g_strcanon (safe, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-", '_');
  if (*safe == '.')
    *safe = '_';
  file = n > 0 ? g_strdup_printf ("%s-%u%s", safe, n + 1, suffix)
               : g_strconcat (safe, suffix, NULL);
  return g_build_filename (folder, file, NULL);
}

/* How many outputs before this one get the same file name. */
static guint
count_clashes (const UnetModel *model, guint index)
{
  g_autofree gchar *path =
      output_path ("", unet_model_get_output (model, index)->name, 0, "");
  guint n = 0;

  for (guint i = 0; i < index; i++) {
    g_autofree gchar *other =
        output_path ("", unet_model_get_output (model, i)->name, 0, "");
    n += g_str_equal (path, other);
  }
  return n;
}

static gchar *
path_of (const Run *run, const gchar *folder, guint index, const gchar *suffix)
{
  return output_path (folder,
      unet_model_get_output (run->job.model, index)->name,
      count_clashes (run->job.model, index), suffix);
}

/* Of tiles only the contract's output @mask is put together. */
static gboolean
save_outputs (Run *run, gint mask, const gchar *folder, GError **error)
{
  for (guint i = 0; i < unet_model_get_n_outputs (run->job.model); i++) {
    const UnetTensorInfo *info = output_info (run, i);
    g_autofree gchar *path = path_of (run, folder, i, ".npy");
    g_autofree gchar *shape = tool_shape (info);

    if (run->tiles != NULL && (gint) i != mask)
      continue;
    if (!tool_npy_write (path, info, output_data (run, i), error))
      return FALSE;
    g_print ("%s: %s %s\n", path, unet_dtype_name (info->dtype), shape);
  }
  return TRUE;
}

static gboolean
save_mask (const UnetMask *mask, const gchar *path, GError **error)
{
  guint32 colors[256];

  if (mask->n_classes <= 2)
    return tool_picture_save_gray (
        path, mask->probability, mask->width, mask->height, error);
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    colors[i] = i > 0 ? unet_palette_default (i) & 0xffffff : 0;
  return tool_picture_save_indexed (path, mask->class_map, mask->width,
      mask->height, colors, mask->n_classes, error);
}

/* A network's output that is no mask ends in @refused and gives no PNG. */
static gboolean
save_png (Run *run, const RunOptions *options, guint index, GError **refused,
    GError **error)
{
  ToolJob *job = &run->job;
  g_autofree gchar *path = path_of (run, options->folder, index, ".png");
  UnetPostprocess *postprocess;
  UnetMask mask = { 0 };
  gsize size;
  gboolean ok;

  postprocess = unet_postprocess_new (job->contract, output_info (run, index),
      run->width, run->height, &run->placement, run->window[0], run->window[1],
      run->window[2], run->window[3], refused);
  if (postprocess == NULL)
    return TRUE;
  unet_postprocess_get_info (postprocess, &mask);
  size = (gsize) mask.width * mask.height;
  mask.class_map = g_malloc0 (size);
  mask.probability = g_malloc0 (size);
  unet_postprocess_run (
      postprocess, output_data (run, index), options->threshold, &mask);
  ok = save_mask (&mask, path, error);
  if (ok)
    g_print ("%s: %ux%u\n", path, mask.width, mask.height);
  g_free (mask.class_map);
  g_free (mask.probability);
  unet_postprocess_free (postprocess);
  return ok;
}

/* ---- command ------------------------------------------------------------ */

/* Where picture and mask lie; FALSE where the output is no picture. */
static gboolean
place (Run *run, gint output)
{
  ToolJob *job = &run->job;
  gdouble *w = run->window;

  run->width = job->width;
  run->height = job->height;
  if (run->tiles != NULL) {
    frame_size (&run->video, &run->width, &run->height);
    w[0] = w[1] = 0;
    unet_tiles_get_window (run->tiles, &w[2], &w[3]);
  } else if (!unet_session_get_output_window (
                 job->session, output, &w[0], &w[1], &w[2], &w[3])) {
    w[0] = w[1] = 0;
    w[2] = job->width;
    w[3] = job->height;
    if (run->sample == NULL)
      return FALSE;
  }
  if (run->sample != NULL)
    unet_placement_init_for (&run->placement, job->contract,
        GST_VIDEO_INFO_WIDTH (&run->video), GST_VIDEO_INFO_HEIGHT (&run->video),
        GST_VIDEO_INFO_PAR_N (&run->video), GST_VIDEO_INFO_PAR_D (&run->video),
        run->width, run->height, w[0], w[1], w[2], w[3]);
  else
    unet_placement_init (&run->placement, UNET_FIT_STRETCH, job->width,
        job->height, 1, 1, job->width, job->height, w[0], w[1], w[2], w[3]);
  return TRUE;
}

/* The picture input's size, where it came from a tensor. */
static void
learn_size (Run *run)
{
  ToolJob *job = &run->job;
  gint rows = job->contract->layout == UNET_LAYOUT_NHWC ? 1 : 2;
  const UnetTensorInfo *info = unet_session_get_input_info (
      job->session, find_input (job->model, job->contract->input));

  job->height = info->dims[rows];
  job->width = info->dims[rows + 1];
}

static gboolean
open_tiles (Run *run, GError **error)
{
  guint width, height, x, y;

  if (run->sample == NULL || run->job.contract->fit != UNET_FIT_TILE)
    return TRUE;
  frame_size (&run->video, &width, &height);
  run->tiles = unet_tiles_new (
      run->job.session, run->job.contract, width, height, error);
  if (run->tiles == NULL)
    return FALSE;
  unet_tiles_get_overlap (run->tiles, &x, &y);
  g_print ("%u tiles of %ux%u, overlapping by %ux%u\n",
      unet_tiles_get_n_tiles (run->tiles), run->job.width, run->job.height, x,
      y);
  return TRUE;
}

static gboolean
save (Run *run, const RunOptions *options, gint output, gboolean placed,
    GError **error)
{
  g_autoptr (GError) refused = NULL;

  if (g_mkdir_with_parents (options->folder, 0777) < 0) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_FILE, "%s: %s", options->folder,
        g_strerror (errno));
    return FALSE;
  }
  if (!save_outputs (run, output, options->folder, error)
      || (placed && !save_png (run, options, output, &refused, error)))
    return FALSE;
  if (refused != NULL && run->sample != NULL)
    g_printerr ("unetseg: no PNG: %s\n", refused->message);
  return TRUE;
}

static gboolean
run_once (Run *run, const RunOptions *options, GError **error)
{
  ToolJob *job = &run->job;
  gboolean placed = FALSE;
  gint output = -1;

  if (job->contract != NULL) {
    learn_size (run);
    output = find_output (job->model, job->contract->output);
    if (!open_tiles (run, error))
      return FALSE;
    placed = place (run, output);
  }
  if (!copy_feeds (run, error)
      || (run->sample != NULL && !copy_picture (run, error))
      || !(run->tiles != NULL ? unet_tiles_run (run->tiles, job->session, error)
                              : unet_session_run (job->session, error)))
    return FALSE;
  return save (run, options, output, placed, error);
}

static gboolean
load_picture (Run *run, const gchar *path, GError **error)
{
  if (path == NULL)
    return TRUE;
  if (run->job.contract == NULL) {
    g_propagate_error (error, g_steal_pointer (&run->job.contract_error));
    return FALSE;
  }
  run->sample = tool_picture_load (path, error);
  return run->sample != NULL
      && gst_video_info_from_caps (
          &run->video, gst_sample_get_caps (run->sample));
}

static gboolean
check_options (
    const ToolOptions *common, const RunOptions *options, GError **error)
{
  const gchar *wrong = NULL;

  if (options->folder == NULL)
    wrong = "where to? -o FOLDER is missing";
  else if (options->image == NULL && options->inputs == NULL)
    wrong = "on what? --image FILE or --input NAME=FILE.npy is missing";
  else if (!(options->threshold >= 0 && options->threshold <= 1))
    wrong = "--threshold: not within 0 to 1";
  else if (common->shapes != NULL)
    wrong = "--shape: tensors bring their own shapes";
  else if (common->size != NULL && options->image == NULL)
    wrong = "--size: only for --image; tensors bring their own";
  if (wrong == NULL)
    return TRUE;
  g_set_error_literal (error, TOOL_ERROR, TOOL_ERROR_USAGE, wrong);
  return FALSE;
}

static gboolean
run (gchar **words, const ToolOptions *options, const RunOptions *own,
    GError **error)
{
  Run run = { .feeds = g_array_new (FALSE, FALSE, sizeof (Feed)) };
  gboolean ok = FALSE;

  g_array_set_clear_func (run.feeds, feed_clear);
  if (!check_options (options, own, error)
      || !tool_job_load (&run.job, words, options, error)
      || !read_feeds (&run, own->inputs, error)
      || !load_picture (&run, own->image, error)
      || !open_session (&run, options, error))
    goto out;
  ok = run_once (&run, own, error);

out:
  g_clear_pointer (&run.sample, gst_sample_unref);
  g_clear_pointer (&run.tiles, unet_tiles_free);
  g_array_unref (run.feeds);
  tool_job_clear (&run.job);
  return ok;
}

static gboolean
add_fit (ToolOptions *options, const gchar *fit)
{
  g_autoptr (GStrvBuilder) set = g_strv_builder_new ();
  g_autofree gchar *field = g_strconcat ("fit=", fit, NULL);

  if (fit == NULL)
    return TRUE;
  if (options->set != NULL)
    g_strv_builder_addv (set, (const gchar **) options->set);
  g_strv_builder_add (set, field);
  g_strfreev (options->set);
  options->set = g_strv_builder_end (set);
  return TRUE;
}

gint
tool_run_main (gint argc, gchar **argv)
{
  ToolOptions options = TOOL_OPTIONS_INIT;
  RunOptions own = { .threshold = .5 };
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;
  gint status = TOOL_OK;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &own.folder,
        "Where the outputs go; made if need be", "FOLDER" },
    { "image", 'i', 0, G_OPTION_ARG_FILENAME, &own.image, "A picture", "FILE" },
    { "fit", 'f', 0, G_OPTION_ARG_STRING, &own.fit,
        "How the picture is fitted: stretch, letterbox, crop or tile (as "
        "--set fit=…)",
        "FIT" },
    { "input", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &own.inputs,
        "A tensor for an input (repeatable)", "NAME=FILE.npy" },
    { "threshold", 0, 0, G_OPTION_ARG_DOUBLE, &own.threshold,
        "Least probability of a class in the class map; 0.5 by default", "P" },
    { NULL },
  };

  gst_init (NULL, NULL);
  if (!tool_parse (argc, argv, entries,
          "[MODEL] — one inference on a picture or on tensors", text, &options,
          &words, &error)
      || !add_fit (&options, own.fit) || !run (words, &options, &own, &error))
    status = tool_complain ("run", error);
  tool_options_clear (&options);
  g_free (own.folder);
  g_free (own.image);
  g_free (own.fit);
  g_strfreev (own.inputs);
  return status;
}
