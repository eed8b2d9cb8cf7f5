/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg calibrate: measures the ranges of values that int8 needs. */

#include "calibrate.h"

#include "lib/command.h"
#include "lib/job.h"
#include "lib/pattern.h"
#include "lib/picture-input.h"
#include "lib/picture.h"
#include "lib/print.h"
#include "model/tensors.h"

#include <string.h>

static const gchar text[] =
    "Runs the network on pictures in f32 to measure the ranges of its values,\n"
    "then in int8 to compare the masks: two thirds of the frames set the\n"
    "ranges, the other third compares. When masks differ, the layers with the\n"
    "largest effect stay in f32. The result is a text file for --calibration\n"
    "and for the element's property of that name. It serves every size of the\n"
    "same model.\n"
    "\n"
    "FILEs are pictures, videos (one frame of each second is taken) or "
    "folders\n"
    "of them, like those that the model will see. Ten to a hundred frames are\n"
    "enough.\n"
    "\n"
    "Examples:\n"
    "  unetseg calibrate person meeting.mkv -o person.calibration\n"
    "  unetseg calibrate unet.onnx pictures/ --size 512x288 -o "
    "unet.calibration\n"
    "  unetseg bench unet.onnx -p int8 --calibration unet.calibration\n";

typedef struct {
  gchar *output;
  gint frames;
} CalibrateOptions;

typedef struct {
  ToolJob job;
  UnetCalibration *calibration;
  ToolOptions *options;
  guint limit;   /* of frames */
  guint input;   /* index of the contract's input */
  GError *error; /* (nullable) */
} Calibrate;

/* ---- frames ------------------------------------------------------------- */

/* The first frame decides the size where the model leaves it open. */
static gboolean
open_session (Calibrate *self, GstSample *sample, GError **error)
{
  ToolJob *job = &self->job;
  GstVideoInfo video;

  if (job->session != NULL)
    return TRUE;
  if (!gst_video_info_from_caps (&video, gst_sample_get_caps (sample))
      || !tool_job_open (job, self->options, GST_VIDEO_INFO_WIDTH (&video),
          GST_VIDEO_INFO_HEIGHT (&video), FALSE, error))
    return FALSE;
  tool_pattern_fill (job->session, 0); /* for inputs besides the picture */
  self->input = unet_model_find_input_index (job->model, job->contract->input);
  return TRUE;
}

static guint
n_frames (const Calibrate *self)
{
  guint n;

  unet_calibration_get_data (self->calibration, &n);
  return n;
}

/* Adds a frame. Returns whether more frames are needed. Called in another
 * thread, which is why an error waits in @data. */
static gboolean
take_frame (GstSample *sample, gpointer data)
{
  Calibrate *self = data;
  ToolJob *job = &self->job;

  if (!open_session (self, sample, &self->error)
      || !tool_picture_to_session (
          sample, job->contract, job->session, self->input, &self->error))
    return FALSE;
  unet_calibration_add (self->calibration, job->session);
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
  /* Of more files than needed, every nth. */
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
    g_print ("Masks differ too much: int8 will not be used.\n");
  return TRUE;
}

static gboolean
load (Calibrate *self, gchar **words, GError **error)
{
  gchar *model[] = { words[0], NULL };
  g_autofree gchar *data = g_strjoinv (" ", words + 1);

  if (!tool_job_load (&self->job, model, self->options, error)
      || !tool_job_require_contract (&self->job, error))
    return FALSE;
  self->calibration = unet_calibration_new (self->job.model, data);
  tool_calibration_set_limits (self->calibration, self->options);
  return TRUE;
}

static gboolean
calibrate (gchar **words, ToolOptions *options, gpointer data, GError **error)
{
  const CalibrateOptions *own = data;
  Calibrate self = { .options = options, .limit = MAX (own->frames, 1) };
  gboolean ok;

  if (own->output == NULL || words == NULL || words[0] == NULL
      || words[1] == NULL || own->frames < 1) {
    g_set_error_literal (
        error, TOOL_ERROR, TOOL_ERROR_USAGE, "wanted: MODEL FILE… -o FILE");
    return FALSE;
  }
  /* The ranges are those of f32. */
  g_clear_pointer (&options->precision, g_free);
  ok = load (&self, words, error);
  for (guint i = 1; ok && words[i] && n_frames (&self) < self.limit; i++)
    ok = take_path (&self, words[i], error);
  ok = ok && finish (&self, own->output, error);
  g_clear_pointer (&self.calibration, unet_calibration_unref);
  tool_job_clear (&self.job);
  return ok;
}

ToolStatus
tool_calibrate_main (gint argc, gchar **argv)
{
  CalibrateOptions own = { .frames = 48 };
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &own.output, "The file to write",
        "FILE" },
    { "frames", 'n', 0, G_OPTION_ARG_INT, &own.frames,
        "Largest number of frames; 48 by default", "N" },
    { NULL },
  };
  const ToolCommand command = { "calibrate",
    "MODEL FILE… — measure the ranges of values that int8 needs", text, entries,
    calibrate };
  ToolStatus status;

  gst_init (NULL, NULL);
  status = tool_command_run (&command, argc, argv, &own);
  g_free (own.output);
  return status;
}
