/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contract-enums.h"
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
};

/* ---- the contract's properties ---------------------------------------- */

/* Every one is set by text, so that a property means and allows what the same
 * key in a sidecar does. */
typedef struct {
  guint id;
  const gchar *key;
  gsize offset; /* in UnetContract; text is kept as written */
} GstUnetKnob;

#define AS_WRITTEN ((gsize) -1)

static const GstUnetKnob knobs[] = {
  { PROP_INPUT_NAME, "input", AS_WRITTEN },
  { PROP_OUTPUT_NAME, "output", AS_WRITTEN },
  { PROP_INPUT_SIZE, "input-size", AS_WRITTEN },
  { PROP_FIT, "fit", G_STRUCT_OFFSET (UnetContract, fit) },
  { PROP_OVERLAP, "overlap", G_STRUCT_OFFSET (UnetContract, overlap) },
  { PROP_LAYOUT, "layout", G_STRUCT_OFFSET (UnetContract, layout) },
  { PROP_COLOR_ORDER, "color-order",
      G_STRUCT_OFFSET (UnetContract, color_order) },
  { PROP_SCALE, "scale", G_STRUCT_OFFSET (UnetContract, scale) },
  { PROP_DIVIDE_BY_MAX, "divide-by-max",
      G_STRUCT_OFFSET (UnetContract, divide_by_max) },
  { PROP_MEAN, "mean", AS_WRITTEN },
  { PROP_STD, "std", AS_WRITTEN },
  { PROP_ACTIVATION, "activation", G_STRUCT_OFFSET (UnetContract, activation) },
  { PROP_FOREGROUND_CLASS, "foreground-class",
      G_STRUCT_OFFSET (UnetContract, foreground_class) },
  { PROP_BACKGROUND_CHANNEL, "background", AS_WRITTEN },
  { PROP_INVERT, "invert", G_STRUCT_OFFSET (UnetContract, invert) },
  { PROP_LABELS, "labels", AS_WRITTEN },
  { PROP_STATE, "state", AS_WRITTEN },
  { PROP_CONSTANTS, "constants", AS_WRITTEN },
};

static const GstUnetKnob *
find_knob (guint id)
{
  for (guint i = 0; i < G_N_ELEMENTS (knobs); i++) {
    if (knobs[i].id == id)
      return &knobs[i];
  }
  return NULL;
}

/* In the C locale, as sidecars have it. */
static gchar *
value_to_text (const GValue *value, GParamSpec *pspec)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    return g_strdup (g_enum_get_value (
        G_PARAM_SPEC_ENUM (pspec)->enum_class, g_value_get_enum (value))
                         ->value_nick);
  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    return g_strdup (
        g_ascii_dtostr (number, sizeof (number), g_value_get_double (value)));
  if (G_IS_PARAM_SPEC_INT (pspec))
    return g_strdup_printf ("%d", g_value_get_int (value));
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    return g_strdup (g_value_get_boolean (value) ? "true" : "false");
  return g_value_dup_string (value);
}

static void
set_knob (GstUnetSeg *self, const GstUnetKnob *knob, const GValue *value,
    GParamSpec *pspec)
{
  gchar *text = value_to_text (value, pspec);
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  if (text == NULL || *text == '\0') {
    g_hash_table_remove (self->overrides, knob->key);
    g_free (text);
  } else if (unet_contract_set (self->knobs, knob->key, text, &error)) {
    g_hash_table_replace (self->overrides, g_strdup (knob->key), text);
  } else {
    g_free (text);
  }
  GST_OBJECT_UNLOCK (self);
  gst_unet_refused_values_note (GST_ELEMENT (self), pspec->name, error);
}

static void
get_knob (
    GstUnetSeg *self, const GstUnetKnob *knob, GValue *value, GParamSpec *pspec)
{
  gconstpointer field = G_STRUCT_MEMBER_P (self->knobs, knob->offset);

  if (knob->offset == AS_WRITTEN)
    g_value_set_string (
        value, g_hash_table_lookup (self->overrides, knob->key));
  else if (G_IS_PARAM_SPEC_ENUM (pspec))
    g_value_set_enum (value, *(const gint *) field);
  else if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    g_value_set_double (value, *(const gdouble *) field);
  else if (G_IS_PARAM_SPEC_INT (pspec))
    g_value_set_int (value, *(const gint *) field);
  else
    g_value_set_boolean (value, *(const gboolean *) field);
}

/* ---- all properties --------------------------------------------------- */

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

void
gst_unet_seg_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstUnetSeg *self = (GstUnetSeg *) object;
  const GstUnetKnob *knob = find_knob (id);
  gboolean *flag = find_flag (self, id);
  g_autoptr (GError) error = NULL;
  gboolean refused;

  if (knob) {
    set_knob (self, knob, value, pspec);
    return;
  }
  refused = refuses (id, value, &error);
  gst_unet_refused_values_note (GST_ELEMENT (self), pspec->name, error);
  if (refused)
    return;
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_MODEL:
      g_free (self->model);
      self->model = g_value_dup_string (value);
      self->model_serial++;
      break;
    case PROP_INTERVAL:
      self->interval = g_value_get_uint (value);
      break;
    case PROP_ASYNC:
      self->async = g_value_get_enum (value);
      break;
    case PROP_REUSE_THRESHOLD:
      self->reuse_threshold = g_value_get_double (value);
      break;
    case PROP_REUSE_AGE:
      self->reuse_age = g_value_get_uint (value);
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
    case PROP_THREADS:
      self->run_options.threads = g_value_get_uint (value);
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
  const GstUnetKnob *knob = find_knob (id);
  const gboolean *flag = find_flag (self, id);

  GST_OBJECT_LOCK (self);
  if (knob) {
    get_knob (self, knob, value, pspec);
    GST_OBJECT_UNLOCK (self);
    return;
  }
  switch (id) {
    case PROP_MODEL:
      g_value_set_string (value, self->model);
      break;
    case PROP_INTERVAL:
      g_value_set_uint (value, self->interval);
      break;
    case PROP_ASYNC:
      g_value_set_enum (value, self->async);
      break;
    case PROP_REUSE_THRESHOLD:
      g_value_set_double (value, self->reuse_threshold);
      break;
    case PROP_REUSE_AGE:
      g_value_set_uint (value, self->reuse_age);
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
    case PROP_THREADS:
      g_value_set_uint (value, self->run_options.threads);
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
          "Segment every Nth frame, the others get the last mask (1 = every "
          "frame, 0 = as often as there is time for)",
          0, G_MAXINT, DEFAULT_INTERVAL, CONTROLLED));
  install (klass, PROP_REUSE_THRESHOLD,
      g_param_spec_double ("reuse-threshold", "Reuse threshold",
          "The last mask is used again while no part of the picture has "
          "changed "
          "by so much of its range, as in 0.02 (0 = never)",
          0, 1, 0, CONTROLLED));
  install (klass, PROP_REUSE_AGE,
      g_param_spec_uint ("reuse-age", "Reuse age",
          "Milliseconds after which a mask is made again though nothing has "
          "changed",
          0, G_MAXINT, DEFAULT_REUSE_AGE, CONTROLLED));
  install (klass, PROP_CARRY,
      g_param_spec_boolean ("carry", "Carry",
          "Masks that are older than their frame move along with what they "
          "cover",
          DEFAULT_CARRY, CONTROLLED));
  install (klass, PROP_ASYNC,
      g_param_spec_enum ("async", "Asynchronous",
          "Whether frames pass at once with the newest mask, which a thread "
          "beside the stream makes; its age is in the metadata",
          GST_TYPE_UNET_SEG_ASYNC, DEFAULT_ASYNC, PLAYING));
  install (klass, PROP_LATE,
      g_param_spec_enum ("late", "Late",
          "What happens to frames that the sink says are late; none is ever "
          "dropped, and no mask older than 2 s is reused",
          GST_TYPE_UNET_SEG_LATE, DEFAULT_LATE, PLAYING));
  install (klass, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Threads of an inference (0 = one for each processor, or one where "
          "that is fast enough for a live stream)",
          0, MAX_THREADS, DEFAULT_THREADS, READY));
  install (klass, PROP_PRECISION,
      g_param_spec_enum ("precision", "Precision",
          "Arithmetic of the network; int8 without a calibration file is "
          "learnt from the first frames and used if masks then agree with "
          "those in f32",
          GST_TYPE_UNET_SEG_PRECISION, UNET_PRECISION_AUTO, READY));
  install (klass, PROP_CALIBRATION,
      g_param_spec_string ("calibration", "Calibration",
          "File that int8 goes by, as \"unetseg calibrate\" writes it; with "
          "precision=int8 it is written where it does not exist yet",
          NULL, READY));
  install (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Numbers of frames: frames, segmented (with a mask of their own), "
          "reused (with an older one), late (said the sink); nanoseconds: "
          "inference-time-median, inference-time-p95 (of the last runs), "
          "latency (as added to the pipeline's); frames-wait (for their "
          "masks); of the session: model, contract, input-size "
          "(WIDTHxHEIGHT in pixels), threads, precision, precision-note, "
          "flops (operations of a run), arena-size (bytes), engine; of a "
          "calibration: calibration (the frames), difference, iou (0..1)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
install_result_properties (GObjectClass *klass)
{
  install (klass, PROP_BOXES,
      g_param_spec_boolean ("boxes", "Boxes",
          "Attach the box of each class as GstVideoRegionOfInterestMeta", FALSE,
          PLAYING));
  install (klass, PROP_OBJECTS,
      g_param_spec_boolean ("objects", "Objects",
          "Attach the box of each connected part of a class, with a number "
          "that "
          "stays over time",
          FALSE, PLAYING));
  install (klass, PROP_OBJECT_MIN_AREA,
      g_param_spec_double ("object-min-area", "Object minimum area",
          "Share of the frame that an object covers at least", 0, 1,
          DEFAULT_OBJECT_MIN_AREA, CONTROLLED));
  install (klass, PROP_MESSAGES,
      g_param_spec_boolean ("messages", "Messages",
          "Post a message for every frame with a mask: times, and area, box "
          "and centroid of each class",
          FALSE, PLAYING));
  install (klass, PROP_TENSORS,
      g_param_spec_boolean ("tensors", "Tensors",
          "Attach the network's outputs as GstTensorMeta to every frame with a "
          "mask of its own (GStreamer 1.26 or later)",
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
          "Size of the network's input in pixels, WIDTHxHEIGHT, one number: "
          "near the frames' aspect with the area of such a square, or "
          "\"video\" for the frames' own (unset = as the model says, or 256)",
          NULL, READY));
  install (klass, PROP_FIT,
      g_param_spec_enum ("fit", "Fit",
          "How frames are fitted to the network's input (unless set, as the "
          "model says)",
          GST_TYPE_UNET_SEG_FIT, UNET_FIT_STRETCH, READY));
  install (klass, PROP_OVERLAP,
      g_param_spec_int ("overlap", "Overlap",
          "Pixels of the network's input that neighbouring tiles share at "
          "least with fit=tile, -1 = as far as the network looks (unless set, "
          "as the model says)",
          -1, 16384, -1, READY));
  install (klass, PROP_LAYOUT,
      g_param_spec_enum ("layout", "Layout",
          "Order of the input's dimensions (unless set, as the model says)",
          GST_TYPE_UNET_SEG_LAYOUT, UNET_LAYOUT_AUTO, READY));
  install (klass, PROP_COLOR_ORDER,
      g_param_spec_enum ("color-order", "Color order",
          "Order of the input's channels (unless set, as the model says)",
          GST_TYPE_UNET_SEG_COLOR_ORDER, UNET_COLOR_ORDER_AUTO, READY));
  install (klass, PROP_SCALE,
      g_param_spec_double ("scale", "Scale",
          "Factor of the 8-bit samples, before mean and std (unless set, as "
          "the model says)",
          G_MINDOUBLE, G_MAXDOUBLE, 1. / 255, READY));
  install (klass, PROP_DIVIDE_BY_MAX,
      g_param_spec_boolean ("divide-by-max", "Divide by max",
          "Divide samples by the picture's largest instead of scaling "
          "(unless set, as the model says)",
          FALSE, READY));
  install (klass, PROP_MEAN,
      g_param_spec_string ("mean", "Mean",
          "Subtracted after scaling, R,G,B (unset = as the model says)", NULL,
          READY));
  install (klass, PROP_STD,
      g_param_spec_string ("std", "Standard deviation",
          "Divisor after the mean, R,G,B (unset = as the model says)", NULL,
          READY));
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
          "How the network's output becomes probabilities (unless set, as the "
          "model says)",
          GST_TYPE_UNET_SEG_ACTIVATION, UNET_ACTIVATION_AUTO, READY));
  install (klass, PROP_FOREGROUND_CLASS,
      g_param_spec_int ("foreground-class", "Foreground class",
          "The one class that counts, -1 = every class (unless set, as the "
          "model says)",
          -1, G_MAXINT, -1, READY));
  install (klass, PROP_BACKGROUND_CHANNEL,
      g_param_spec_string ("background-channel", "Background channel",
          "Channel of the output that is the background: \"first\", \"last\", "
          "a "
          "number, or \"none\": where no class reaches the threshold (unset = "
          "as the model says)",
          NULL, READY));
  install (klass, PROP_INVERT,
      g_param_spec_boolean ("invert", "Invert",
          "The network gives the probability of the background (unless set, "
          "as the model says)",
          FALSE, READY));
  install (klass, PROP_LABELS,
      g_param_spec_string ("labels", "Labels",
          "Names of the classes separated by commas, the background first "
          "(unset = as the model says)",
          NULL, READY));
  install (klass, PROP_STATE,
      g_param_spec_string ("state", "State",
          "Outputs that are inputs of the next frame, INPUT:OUTPUT separated "
          "by commas, or \"none\" (unset = as the model says, or found by "
          "name and shape)",
          NULL, READY));
  install (klass, PROP_CONSTANTS,
      g_param_spec_string ("constants", "Constants",
          "Numbers that inputs beside the picture hold, INPUT:NUMBER separated "
          "by commas (unset = as the model says)",
          NULL, READY));
}

void
gst_unet_seg_install_properties (GObjectClass *klass)
{
  install (klass, PROP_MODEL,
      g_param_spec_string ("model", "Model",
          "Path or file:// URI of an ONNX file; a .modelinfo file beside it is "
          "read as well "
          "(unset = the built-in person model); while frames flow it is loaded "
          "beside the one in use and takes over between two of them",
          NULL, PLAYING));
  install_rate_properties (klass);
  gst_unet_roi_install (klass, PROP_ROI, PROP_ROI_MODE);
  install_result_properties (klass);
  install_input_properties (klass);
  install_output_properties (klass);

  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_LATE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_ASYNC, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_ROI_MODE, 0);
  gst_unet_seg_mark_contract_enums ();
}
