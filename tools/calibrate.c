/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg calibrate: what a model needs to run in int8. */

#include "lib/picture.h"
#include "lib/tool.h"

#include "frame/frame.h"

#include <string.h>

static const gchar text[] =
    "Runs the network on pictures, in f32, to learn how large its values get, "
    "and\n"
    "then in bytes, to see whether the masks agree: two thirds of the frames "
    "are\n"
    "learnt from, the others tell. Where masks differ, the layers that matter "
    "most\n"
    "stay in f32. The result is a text file for --calibration, for the "
    "element's\n"
    "property of that name, and for every size of the same model.\n"
    "\n"
    "FILEs are pictures, videos (a frame of each second is taken) or folders "
    "of\n"
    "them: what the model is to see later on. Ten to a hundred frames will "
    "do.\n"
    "\n"
    "Examples:\n"
    "  unetseg calibrate person meeting.mkv -o person.calibration\n"
    "  unetseg calibrate unet.onnx pictures/ --size 512x288 -o "
    "unet.calibration\n"
    "  unetseg bench unet.onnx -p int8 --calibration unet.calibration\n";

typedef struct {
  ToolJob job;
  UnetCalibration *calibration;
  ToolOptions *options;
  guint limit; /* of frames */
  guint input;
  GError *error; /* (nullable) */
} Calibrate;

/* ---- frames ------------------------------------------------------------- */

static gboolean
copy_frame (Calibrate *self, GstSample *sample, const GstVideoInfo *video,
    GError **error)
{
  ToolJob *job = &self->job;
  UnetPreprocess *preprocess;
  UnetPlacement placement;
  GstVideoFrame frame;

  unet_placement_init (&placement, job->contract->fit,
      GST_VIDEO_INFO_WIDTH (video), GST_VIDEO_INFO_HEIGHT (video),
      GST_VIDEO_INFO_PAR_N (video), GST_VIDEO_INFO_PAR_D (video), job->width,
      job->height, 0, 0, job->width, job->height);
  preprocess = unet_preprocess_new (
      video, job->contract, job->width, job->height, &placement, error);
  if (preprocess == NULL)
    return FALSE;
  if (gst_video_frame_map (
          &frame, video, gst_sample_get_buffer (sample), GST_MAP_READ)) {
    unet_preprocess_run (preprocess, &frame,
        unet_session_get_input_data (job->session, self->input));
    gst_video_frame_unmap (&frame);
    unet_calibration_add (self->calibration, job->session);
  }
  unet_preprocess_free (preprocess);
  return TRUE;
}

/* The first frame decides on the size where the model leaves it open. */
static gboolean
open_session (Calibrate *self, const GstVideoInfo *video, GError **error)
{
  ToolJob *job = &self->job;

  if (job->session != NULL)
    return TRUE;
  if (!tool_job_open (job, self->options, GST_VIDEO_INFO_WIDTH (video),
          GST_VIDEO_INFO_HEIGHT (video), FALSE, error))
    return FALSE;
  tool_job_fill (job); /* inputs beside the picture */
  for (guint i = 0; i < unet_model_get_n_inputs (job->model); i++)
    if (g_str_equal (
            unet_model_get_input (job->model, i)->name, job->contract->input))
      self->input = i;
  return TRUE;
}

static guint
n_frames (const Calibrate *self)
{
  guint n;

  unet_calibration_get_data (self->calibration, &n);
  return n;
}

/* Returns: whether more are wanted */
static gboolean
take_frame (GstSample *sample, gpointer data)
{
  Calibrate *self = data;
  GstVideoInfo video;

  if (!gst_video_info_from_caps (&video, gst_sample_get_caps (sample))
      || !open_session (self, &video, &self->error)
      || !copy_frame (self, sample, &video, &self->error))
    return FALSE;
  return n_frames (self) < self->limit;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(gchar *const *) a, *(gchar *const *) b);
}

static gboolean take_path (Calibrate *self, const gchar *path, GError **error);

static gboolean
take_folder (Calibrate *self, const gchar *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  const gchar *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (*name != '.')
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names);
  /* evenly, where there are more than wanted */
  for (guint i = 0, step = MAX (names->len / self->limit, 1);
       i < names->len && n_frames (self) < self->limit; i += step) {
    const gchar *file = g_ptr_array_index (names, i);

    if (!g_file_test (file, G_FILE_TEST_IS_DIR)
        && !take_path (self, file, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
take_path (Calibrate *self, const gchar *path, GError **error)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return take_folder (self, path, error);
  if (!tool_picture_each_second (path, take_frame, self, error))
    return FALSE;
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

/* ---- command ------------------------------------------------------------ */

static gboolean
finish (Calibrate *self, const gchar *output, GError **error)
{
  ToolJob *job = &self->job;
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  g_autofree gchar *found = NULL;

  if (n_frames (self) == 0) {
    g_set_error_literal (
        error, TOOL_ERROR, TOOL_ERROR_PICTURE, "no frames to calibrate with");
    return FALSE;
  }
  options.threads = unet_session_get_threads (job->session);
  if (!unet_calibration_finish (
          self->calibration, job->contract, &options, error)
      || !unet_calibration_save (self->calibration, output, error))
    return FALSE;
  found = tool_calibration_describe (self->calibration);
  g_print ("%s: %s\n", output, found);
  if (!unet_calibration_agrees (self->calibration))
    g_print ("masks differ too much: int8 will not be used\n");
  return TRUE;
}

static gboolean
calibrate (gchar **words, ToolOptions *options, const gchar *output,
    gint frames, GError **error)
{
  Calibrate self = { .options = options, .limit = frames };
  gchar *model[] = { words ? words[0] : NULL, NULL };
  gboolean ok = FALSE;

  if (output == NULL || words == NULL || words[0] == NULL || words[1] == NULL
      || frames < 1) {
    g_set_error_literal (
        error, TOOL_ERROR, TOOL_ERROR_USAGE, "wanted: MODEL FILE… -o FILE");
    return FALSE;
  }
  g_clear_pointer (&options->precision, g_free);
  if (tool_job_load (&self.job, model, options, error)) {
    if (self.job.contract == NULL) {
      g_propagate_error (error, g_steal_pointer (&self.job.contract_error));
    } else {
      g_autofree gchar *data = g_strjoinv (" ", words + 1);

      self.calibration = unet_calibration_new (self.job.model, data);
      tool_calibration_limits (self.calibration, options);
      ok = TRUE;
    }
  }
  for (guint i = 1; ok && words[i] && n_frames (&self) < self.limit; i++)
    ok = take_path (&self, words[i], error);
  ok = ok && finish (&self, output, error);
  g_clear_pointer (&self.calibration, unet_calibration_unref);
  tool_job_clear (&self.job);
  return ok;
}

gint
tool_calibrate_main (gint argc, gchar **argv)
{
  ToolOptions options = TOOL_OPTIONS_INIT;
  g_auto (GStrv) words = NULL;
  g_autofree gchar *output = NULL;
  g_autoptr (GError) error = NULL;
  gint status = TOOL_OK, frames = 48;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "The file to write",
        "FILE" },
    { "frames", 'n', 0, G_OPTION_ARG_INT, &frames,
        "Frames to take at most; 48 by default", "N" },
    { NULL },
  };

  gst_init (NULL, NULL);
  if (!tool_parse (argc, argv, entries,
          "MODEL FILE… — what a model needs to run in int8", text, &options,
          &words, &error)
      || !calibrate (words, &options, output, frames, &error))
    status = tool_complain ("calibrate", error);
  tool_options_clear (&options);
  return status;
}
