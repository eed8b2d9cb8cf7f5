/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contract-enums.h"
#include "contract-properties.h"
#include "gstunetseg.h"
#include "refused-values.h"
#include "tensor-meta.h"

#define DEFAULT_INTERVAL  1
#define DEFAULT_REUSE_AGE 1000
#define DEFAULT_CARRY     TRUE
#define DEFAULT_ASYNC     GST_UNET_SEG_ASYNC_AUTO
#define DEFAULT_LATE      GST_UNET_SEG_LATE_REUSE
#define DEFAULT_THREADS   0
/* 26 pixels square of 640x480: smaller parts are mostly speckles. */
#define DEFAULT_OBJECT_MIN_AREA 0.002
#define MAX_THREADS             1024

#define READY                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define PLAYING                                                                \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)
#define CONTROLLED (PLAYING | GST_PARAM_CONTROLLABLE)

enum {
  PROP_0,
  PROP_MODEL,
  PROP_INTERVAL,
  PROP_ASYNC,
  PROP_BOXES,
  PROP_OBJECTS,
  PROP_OBJECT_MIN_AREA,
  PROP_MESSAGES,
  PROP_TENSORS,
  PROP_CARRY,
  PROP_ROI,
  PROP_ROI_MODE,
  PROP_ROI_LIMIT,
  PROP_REUSE_THRESHOLD,
  PROP_REUSE_AGE,
  PROP_LATE,
  PROP_THREADS,
  PROP_PRECISION,
  PROP_CALIBRATION,
  PROP_STATS,
  /* the contract */
  PROP_INPUT_NAME,
  PROP_OUTPUT_NAME,
  PROP_INPUT_SIZE,
  PROP_FIT,
  PROP_OVERLAP,
  PROP_LAYOUT,
  PROP_COLOR_ORDER,
  PROP_SCALE,
  PROP_DIVIDE_BY_MAX,
  PROP_MEAN,
  PROP_STD,
  PROP_ACTIVATION,
  PROP_FOREGROUND_CLASS,
  PROP_BACKGROUND_CHANNEL,
  PROP_INVERT,
  PROP_LABELS,
  PROP_STATE,
  PROP_CONSTANTS,
  PROP_TTA,
};

/* ---- setting and getting ---------------------------------------------- */

/* Returns the field of a boolean property, or NULL. */
static gboolean *
find_flag (GstUnetSeg *self, guint id)
{
  switch (id) {
    case PROP_BOXES:
      return &self->boxes;
    case PROP_OBJECTS:
      return &self->objects;
    case PROP_MESSAGES:
      return &self->messages;
    case PROP_TENSORS:
      return &self->tensors;
    case PROP_CARRY:
      return &self->carry;
    default:
      return NULL;
  }
}

/* Returns the field of a property that is a whole number, or NULL. */
static guint *
find_number (GstUnetSeg *self, guint id)
{
  switch (id) {
    case PROP_INTERVAL:
      return &self->interval;
    case PROP_REUSE_AGE:
      return &self->reuse_age;
    case PROP_ROI_LIMIT:
      return &self->roi.limit;
    case PROP_THREADS:
      return &self->run_options.threads;
    default:
      return NULL;
  }
}

/* Returns whether the value is none, or this build lacks what it asks for. */
static gboolean
refuses (guint id, const GValue *value, GError **error)
{
  UnetRegion region;

  if (id == PROP_ROI
      && !gst_unet_roi_parse (g_value_get_string (value), &region))
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "'%s' is no region; x,y,width,height in pixels are allowed",
        g_value_get_string (value));
  else if (id == PROP_TENSORS && g_value_get_boolean (value)
      && !gst_unet_tensors_are_available ())
    g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "'true' is refused, only 'false' is allowed: this build has no "
        "analytics library of GStreamer, which comes with version 1.26");
  else
    return FALSE;
  return TRUE;
}

/* Sets a property of the contract. Returns whether it is one. */
static gboolean
set_contract (
    GstUnetSeg *self, const GValue *value, GParamSpec *pspec, GError **error)
{
  const GstUnetContractProperty *field =
      gst_unet_contract_property_find (pspec->name);

  if (!field)
    return FALSE;
  GST_OBJECT_LOCK (self);
  gst_unet_contract_property_set (
      field, self->knobs, self->overrides, value, pspec, error);
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

void
gst_unet_seg_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstUnetSeg *self = (GstUnetSeg *) object;
  gboolean *flag = find_flag (self, id);
  guint *number = find_number (self, id);
  g_autoptr (GError) error = NULL;
  gboolean done;

  done = set_contract (self, value, pspec, &error)
      || refuses (id, value, &error);
  gst_unet_refused_values_note (GST_ELEMENT (self), pspec->name, error);
  if (done)
    return;
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_MODEL:
      g_free (self->model);
      self->model = g_value_dup_string (value);
      self->model_serial++;
      break;
    case PROP_ASYNC:
      self->async = g_value_get_enum (value);
      break;
    case PROP_REUSE_THRESHOLD:
      self->reuse_threshold = g_value_get_double (value);
      break;
    case PROP_LATE:
      self->late = g_value_get_enum (value);
      break;
    case PROP_ROI:
      gst_unet_roi_parse (g_value_get_string (value), &self->roi.fixed);
      break;
    case PROP_OBJECT_MIN_AREA:
      self->object_min_area = g_value_get_double (value);
      break;
    case PROP_ROI_MODE:
      self->roi.mode = g_value_get_enum (value);
      break;
    case PROP_PRECISION:
      self->run_options.precision = g_value_get_enum (value);
      break;
    case PROP_CALIBRATION:
      g_free (self->run_options.calibration);
      self->run_options.calibration = g_value_dup_string (value);
      break;
    default:
      if (flag)
        *flag = g_value_get_boolean (value);
      else if (number)
        *number = g_value_get_uint (value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_unet_seg_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstUnetSeg *self = (GstUnetSeg *) object;
  const GstUnetContractProperty *field =
      gst_unet_contract_property_find (pspec->name);
  const gboolean *flag = find_flag (self, id);
  const guint *number = find_number (self, id);

  GST_OBJECT_LOCK (self);
  if (field) {
    gst_unet_contract_property_get (
        field, self->knobs, self->overrides, value, pspec);
    GST_OBJECT_UNLOCK (self);
    return;
  }
  switch (id) {
    case PROP_MODEL:
      g_value_set_string (value, self->model);
      break;
    case PROP_ASYNC:
      g_value_set_enum (value, self->async);
      break;
    case PROP_REUSE_THRESHOLD:
      g_value_set_double (value, self->reuse_threshold);
      break;
    case PROP_LATE:
      g_value_set_enum (value, self->late);
      break;
    case PROP_ROI:
      g_value_take_string (value, gst_unet_roi_to_string (&self->roi.fixed));
      break;
    case PROP_OBJECT_MIN_AREA:
      g_value_set_double (value, self->object_min_area);
      break;
    case PROP_ROI_MODE:
      g_value_set_enum (value, self->roi.mode);
      break;
    case PROP_PRECISION:
      g_value_set_enum (value, self->run_options.precision);
      break;
    case PROP_CALIBRATION:
      g_value_set_string (value, self->run_options.calibration);
      break;
    case PROP_STATS:
      g_value_take_boxed (value, gst_unet_seg_make_stats (self));
      break;
    default:
      if (flag)
        g_value_set_boolean (value, *flag);
      else if (number)
        g_value_set_uint (value, *number);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_unet_seg_init_properties (GstUnetSeg *self)
{
  self->knobs = unet_contract_new ();
  self->overrides =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->run_options.threads = DEFAULT_THREADS;
  self->run_options.precision = UNET_PRECISION_AUTO;
  self->interval = DEFAULT_INTERVAL;
  self->reuse_age = DEFAULT_REUSE_AGE;
  self->carry = DEFAULT_CARRY;
  self->async = DEFAULT_ASYNC;
  self->late = DEFAULT_LATE;
  self->roi.limit = GST_UNET_ROI_DEFAULT_LIMIT;
  self->object_min_area = DEFAULT_OBJECT_MIN_AREA;
}

void
gst_unet_seg_clear_properties (GstUnetSeg *self)
{
  g_clear_pointer (&self->model, g_free);
  g_clear_pointer (&self->used_model, g_free);
  unet_run_options_clear (&self->run_options);
  g_clear_pointer (&self->knobs, unet_contract_free);
  g_clear_pointer (&self->overrides, g_hash_table_unref);
  g_clear_pointer (&self->session_info, gst_structure_free);
  g_clear_pointer (&self->tracker, unet_object_tracker_free);
}

/* ---- what gst-inspect-1.0 shows --------------------------------------- */

static void
install (GObjectClass *klass, guint id, GParamSpec *pspec)
{
  g_object_class_install_property (klass, id, pspec);
}

static void
install_rate_properties (GObjectClass *klass)
{
  install (klass, PROP_INTERVAL,
      g_param_spec_uint ("interval", "Interval",
          "Run the network on every Nth frame and give the others the last "
          "mask (1 = every frame, 0 = as often as time allows)",
          0, G_MAXINT, DEFAULT_INTERVAL, CONTROLLED));
  install (klass, PROP_REUSE_THRESHOLD,
      g_param_spec_double ("reuse-threshold", "Reuse threshold",
          "Use the last mask again while no part of the picture changes by "
          "more than this fraction of its range, such as 0.02 (0 = never)",
          0, 1, 0, CONTROLLED));
  install (klass, PROP_REUSE_AGE,
      g_param_spec_uint ("reuse-age", "Reuse age",
          "Largest age in milliseconds of a mask that is used again because "
          "nothing changes",
          0, G_MAXINT, DEFAULT_REUSE_AGE, CONTROLLED));
  install (klass, PROP_CARRY,
      g_param_spec_boolean ("carry", "Carry",
          "Whether masks that are older than their frame are moved along with "
          "the picture (motion compensation)",
          DEFAULT_CARRY, CONTROLLED));
  install (klass, PROP_ASYNC,
      g_param_spec_enum ("async", "Asynchronous",
          "Whether frames pass at once with the newest mask, which a "
          "background thread computes; the mask's age is in the metadata",
          GST_TYPE_UNET_SEG_ASYNC, DEFAULT_ASYNC, PLAYING));
  install (klass, PROP_LATE,
      g_param_spec_enum ("late", "Late",
          "What happens to frames that the sink reports as late; none is "
          "dropped, and no mask older than 2 s is used again",
          GST_TYPE_UNET_SEG_LATE, DEFAULT_LATE, PLAYING));
  install (klass, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Number of threads of an inference (0 = one for each processor, or a "
          "single one for a live stream where that is fast enough)",
          0, MAX_THREADS, DEFAULT_THREADS, READY));
  install (klass, PROP_PRECISION,
      g_param_spec_enum ("precision", "Precision",
          "Arithmetic of the network; int8 without a calibration file "
          "calibrates on the first frames, and is used if its masks agree with "
          "those of f32",
          GST_TYPE_UNET_SEG_PRECISION, UNET_PRECISION_AUTO, READY));
  install (klass, PROP_CALIBRATION,
      g_param_spec_string ("calibration", "Calibration",
          "File with the value ranges that int8 uses, as \"unetseg calibrate\" "
          "writes it; with precision=int8 a file that does not exist is "
          "written (unset = no file)",
          NULL, READY));
  install (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Statistics since the start. Numbers of frames: frames, segmented "
          "(with a mask of their own), reused (with an older mask), late (as "
          "the sink reported). Nanoseconds: inference-time-median and "
          "inference-time-p95 of the last 128 inferences, latency that the "
          "element adds. Whether frames wait for their masks: frames-wait. Of "
          "the session: model, contract, input-size (WIDTHxHEIGHT in pixels), "
          "threads, precision, precision-note (why it is not the requested "
          "one), flops (operations of an inference), arena-size (bytes), "
          "engine. Of a calibration: calibration (its frames), difference and "
          "iou of the masks in int8 and f32 (0..1)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
install_result_properties (GObjectClass *klass)
{
  install (klass, PROP_BOXES,
      g_param_spec_boolean ("boxes", "Boxes",
          "Whether every frame carries the bounding box and the label of each "
          "class as GstVideoRegionOfInterestMeta",
          FALSE, PLAYING));
  install (klass, PROP_OBJECTS,
      g_param_spec_boolean ("objects", "Objects",
          "Whether every frame carries the box of each connected part of a "
          "class, with a number that stays over time",
          FALSE, PLAYING));
  install (klass, PROP_OBJECT_MIN_AREA,
      g_param_spec_double ("object-min-area", "Object minimum area",
          "Least part of the frame that an object covers; smaller ones are "
          "left out",
          0, 1, DEFAULT_OBJECT_MIN_AREA, CONTROLLED));
  install (klass, PROP_MESSAGES,
      g_param_spec_boolean ("messages", "Messages",
          "Whether an element message is posted for every frame with a mask: "
          "times, and area, box and centroid of each class",
          FALSE, PLAYING));
  install (klass, PROP_TENSORS,
      g_param_spec_boolean ("tensors", "Tensors",
          "Whether every frame with a mask of its own carries the network's "
          "outputs as GstTensorMeta (GStreamer 1.26 or later)",
          FALSE, PLAYING));
}

static void
install_input_properties (GObjectClass *klass)
{
  install (klass, PROP_INPUT_NAME,
      g_param_spec_string ("input-name", "Input name",
          "Name or number of the network's input that takes the picture "
          "(unset = as the model says)",
          NULL, READY));
  install (klass, PROP_INPUT_SIZE,
      g_param_spec_string ("input-size", "Input size",
          "Size of the network's input in pixels: WIDTHxHEIGHT, one number N "
          "for the frames' aspect and about the area of NxN, or \"video\" for "
          "the frames' own size (unset = as the model says, or 256)",
          NULL, READY));
  install (klass, PROP_FIT,
      g_param_spec_enum ("fit", "Fit",
          "How frames are fitted to the network's input (unless set, as the "
          "model says)",
          GST_TYPE_UNET_SEG_FIT, UNET_FIT_STRETCH, READY));
  install (klass, PROP_OVERLAP,
      g_param_spec_int ("overlap", "Overlap",
          "Least overlap of neighbouring tiles in pixels of the network's "
          "input, with fit=tile; -1 = the network's receptive field (unless "
          "set, as the model says)",
          -1, 16384, -1, READY));
  install (klass, PROP_LAYOUT,
      g_param_spec_enum ("layout", "Layout",
          "Order of the dimensions of the network's input (unless set, as the "
          "model says)",
          GST_TYPE_UNET_SEG_LAYOUT, UNET_LAYOUT_AUTO, READY));
  install (klass, PROP_COLOR_ORDER,
      g_param_spec_enum ("color-order", "Color order",
          "Order of the colour channels of the network's input (unless set, as "
          "the model says)",
          GST_TYPE_UNET_SEG_COLOR_ORDER, UNET_COLOR_ORDER_AUTO, READY));
  install (klass, PROP_SCALE,
      g_param_spec_double ("scale", "Scale",
          "Factor by which 8-bit samples are multiplied, before mean and std "
          "(unless set, as the model says)",
          G_MINDOUBLE, G_MAXDOUBLE, 1. / 255, READY));
  install (klass, PROP_DIVIDE_BY_MAX,
      g_param_spec_boolean ("divide-by-max", "Divide by max",
          "Whether samples are divided by the picture's largest sample instead "
          "of being multiplied by scale (unless set, as the model says)",
          FALSE, READY));
  install (klass, PROP_MEAN,
      g_param_spec_string ("mean", "Mean",
          "Numbers R,G,B that are subtracted after scaling, or one number for "
          "all (unset = as the model says)",
          NULL, READY));
  install (klass, PROP_STD,
      g_param_spec_string ("std", "Standard deviation",
          "Numbers R,G,B by which samples are divided after mean is "
          "subtracted, or one number for all (unset = as the model says)",
          NULL, READY));
}

static void
install_output_properties (GObjectClass *klass)
{
  install (klass, PROP_OUTPUT_NAME,
      g_param_spec_string ("output-name", "Output name",
          "Name or number of the network's output that holds the mask (unset "
          "= as the model says)",
          NULL, READY));
  install (klass, PROP_ACTIVATION,
      g_param_spec_enum ("activation", "Activation",
          "Function that makes probabilities of the network's output (unless "
          "set, as the model says)",
          GST_TYPE_UNET_SEG_ACTIVATION, UNET_ACTIVATION_AUTO, READY));
  install (klass, PROP_FOREGROUND_CLASS,
      g_param_spec_int ("foreground-class", "Foreground class",
          "Number of the only class that counts as foreground; -1 = every "
          "class (unless set, as the model says)",
          -1, G_MAXINT, -1, READY));
  install (klass, PROP_BACKGROUND_CHANNEL,
      g_param_spec_string ("background-channel", "Background channel",
          "Channel of the output that is the background: \"first\", \"last\", "
          "a number from 0, or \"none\" where a pixel is background if no "
          "class reaches the threshold (unset = as the model says)",
          NULL, READY));
  install (klass, PROP_INVERT,
      g_param_spec_boolean ("invert", "Invert",
          "Whether the network's output is the probability of the background "
          "(unless set, as the model says)",
          FALSE, READY));
  install (klass, PROP_LABELS,
      g_param_spec_string ("labels", "Labels",
          "Names of the classes separated by commas, the background first "
          "(unset = as the model says)",
          NULL, READY));
  install (klass, PROP_STATE,
      g_param_spec_string ("state", "State",
          "Outputs that become inputs of the next frame, INPUT:OUTPUT "
          "separated by commas, or \"none\" (unset = as the model says, or "
          "found by name and shape)",
          NULL, READY));
  install (klass, PROP_CONSTANTS,
      g_param_spec_string ("constants", "Constants",
          "Values of the network's other inputs, INPUT:NUMBER separated by "
          "commas (unset = as the model says, or zeros)",
          NULL, READY));
  install (klass, PROP_TTA,
      g_param_spec_boolean ("tta", "Test-time augmentation",
          "Whether masks are the mean over the picture's reflections and, "
          "where the network's input is square, rotations: 4 or 8 runs for "
          "each (unless set, as the model says)",
          FALSE, READY));
}

void
gst_unet_seg_install_properties (GObjectClass *klass)
{
  install (klass, PROP_MODEL,
      g_param_spec_string ("model", "Model",
          "Path or file:// URI of an ONNX or LiteRT file; a .modelinfo file "
          "beside it is read as well (unset = the built-in person network). A "
          "model that is set while frames flow takes over between two of them "
          "when it is ready",
          NULL, PLAYING));
  install_rate_properties (klass);
  gst_unet_roi_install (klass, PROP_ROI, PROP_ROI_MODE, PROP_ROI_LIMIT);
  install_result_properties (klass);
  install_input_properties (klass);
  install_output_properties (klass);

  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_LATE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_ASYNC, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_ROI_MODE, 0);
  gst_unet_seg_mark_contract_enums ();
}
