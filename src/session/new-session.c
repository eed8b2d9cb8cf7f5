/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/onednn/engine.h"
#include "model/calibration.h"
#include "model/model.h"
#include "model/tensors.h"
#include "session/quantized-check.h"
#include "session/session.h"

/* Creating sessions for callers: chooses the precision, compiles, and compares
 * int8 of a file with f32. */

/* Returns the calibration of the options, or else that of the model. */
static UnetCalibration *
calibration_of (const UnetModel *model, const UnetSessionOptions *options)
{
  return options->calibration ? options->calibration : model->calibration;
}

/* Returns why int8 cannot be used, or %NULL when it can. */
static gchar *
missing_for_int8 (UnetModel *model, const UnetSessionOptions *options)
{
  UnetCalibration *c = calibration_of (model, options);

  if (unet_model_is_quantized (model))
    return NULL;
  if (!c)
    return g_strdup ("there is no calibration");
  if (!unet_calibration_fits (c, model))
    return g_strdup ("the calibration is another network's");
  if (!c->finished)
    return g_strdup ("the calibration is not finished");
  if (!unet_calibration_agrees (c))
    return g_strdup_printf (
        "masks differ from f32: probabilities by %.4f on "
        "average (%.4f at most), intersection over union %.4f (%.4f at least)",
        c->difference, c->max_difference, c->iou, c->min_iou);
  return NULL;
}

static gboolean
measures (const UnetSessionOptions *options)
{
  return options->tuning == UNET_TUNING_MEASURE;
}

/* Returns the precision to use, or to try first. @note: (out): why it is not
 * that of the options, or %NULL. */
static UnetPrecision
choose_precision (
    UnetModel *model, const UnetSessionOptions *options, gchar **note)
{
  gboolean automatic = options->precision == UNET_PRECISION_AUTO;

  *note = NULL;
  if (options->tuning == UNET_TUNING_REFERENCE
      || options->precision == UNET_PRECISION_F32)
    return UNET_PRECISION_F32;
  if (options->precision == UNET_PRECISION_BF16) {
    if (unet_engine_has_bf16 ())
      return UNET_PRECISION_BF16;
    *note = g_strdup ("the processor has no bfloat16");
    return UNET_PRECISION_F32;
  }
  if (automatic && !unet_model_is_quantized (model)
      && (!calibration_of (model, options)
          || !(unet_engine_has_fast_int8 () || measures (options))))
    return UNET_PRECISION_F32;
  *note = missing_for_int8 (model, options);
  return *note ? UNET_PRECISION_F32 : UNET_PRECISION_INT8;
}

/* Returns whether the session computes in int8 that came with the file and that
 * the user did not ask for by name. */
static gboolean
must_check (UnetSession *self, const UnetSessionOptions *options)
{
  return unet_session_get_precision (self) == UNET_PRECISION_INT8
      && options->precision == UNET_PRECISION_AUTO
      && unet_model_is_quantized (unet_session_get_model (self));
}

/* What all sessions of one call have in common. */
typedef struct {
  UnetModel *model;
  const UnetContract *contract; /* (nullable) */
  const UnetTensorInfo *shapes;
  guint n_shapes;
  const UnetSessionOptions *options;
  gboolean times_run;
} Request;

static UnetSession *
compile (const Request *r, UnetPrecision precision, GError **error)
{
  UnetLowPrecision narrowing = { precision == UNET_PRECISION_BF16, NULL, NULL };
  UnetSessionPurpose purpose = { NULL, NULL, r->times_run };

  if (precision == UNET_PRECISION_INT8 && !unet_model_is_quantized (r->model)) {
    const UnetCalibration *c = calibration_of (r->model, r->options);

    narrowing.ranges = c->ranges;
    narrowing.keep_f32 = c->keep_f32;
  }
  if (precision != UNET_PRECISION_F32)
    purpose.narrowing = &narrowing;
  return unet_session_compile (r->model, r->contract, r->shapes, r->n_shapes,
      r->options, &purpose, error);
}

/* ---- the quickest precision ---------------------------------------------- */

/* Returns whether the precision is chosen by time: where a calibration agrees,
 * and the user leaves both open. */
static gboolean
chooses_by_time (const Request *r, UnetPrecision first)
{
  return first == UNET_PRECISION_INT8
      && r->options->precision == UNET_PRECISION_AUTO && measures (r->options)
      && !unet_model_is_quantized (r->model);
}

/* Times of a few runs differ by less than that beside other programs. int8 has
 * the smaller weights, so it stays where the times are about the same. */
static gboolean
is_clearly_quicker (const UnetSession *a, const UnetSession *b)
{
  return 8 * unet_session_get_run_time (a) < 7 * unet_session_get_run_time (b);
}

/* Replaces @best by a session of @precision that is clearly quicker. Without
 * one @best stays. */
static void
try_precision (const Request *r, UnetPrecision precision, UnetSession **best,
    GString *times)
{
  UnetSession *other = compile (r, precision, NULL);
  const gchar *name = precision == UNET_PRECISION_F32 ? "f32" : "bf16";

  if (!other)
    return;
  g_string_append_printf (
      times, ", %s %.1f ms", name, unet_session_get_run_time (other) / 1e6);
  if (is_clearly_quicker (other, *best)) {
    unet_session_unref (*best);
    *best = g_steal_pointer (&other);
  }
  g_clear_pointer (&other, unet_session_unref);
}

/* Takes over @int8. @note: (out): the times, where another one is quicker. */
static UnetSession *
quickest (const Request *r, UnetSession *int8, gchar **note)
{
  UnetSession *best = int8;
  GString *times = g_string_new (NULL);

  g_string_printf (times, "the quickest here: int8 %.1f ms",
      unet_session_get_run_time (int8) / 1e6);
  try_precision (r, UNET_PRECISION_F32, &best, times);
  if (unet_engine_has_bf16 ())
    try_precision (r, UNET_PRECISION_BF16, &best, times);
  *note = best == int8 ? NULL : g_strdup (times->str);
  g_string_free (times, TRUE);
  return best;
}

/* @contract: (nullable): knows the picture input and the other ones */
static UnetSession *
session_new (UnetModel *model, const UnetContract *contract,
    const UnetTensorInfo *shapes, guint n_shapes,
    const UnetSessionOptions *options, GError **error)
{
  const UnetSessionOptions defaults = UNET_SESSION_OPTIONS_INIT;
  Request r = { model, contract, shapes, n_shapes,
    options ? options : &defaults, FALSE };
  UnetSession *self;
  gchar *note;
  UnetPrecision precision = choose_precision (model, r.options, &note);

  r.times_run = chooses_by_time (&r, precision);
  self = compile (&r, precision, error);
  if (self && must_check (self, r.options)
      && !unet_quantized_check (
          self, contract, shapes, n_shapes, r.options, &note)) {
    unet_session_unref (self);
    self = compile (&r, UNET_PRECISION_F32, error);
  }
  if (self && r.times_run)
    self = quickest (&r, self, &note);
  if (self)
    unet_session_set_precision_note (self, note);
  g_free (note);
  return self;
}

UnetSession *
unet_session_new (UnetModel *model, const UnetTensorInfo *shapes,
    guint n_shapes, const UnetSessionOptions *options, GError **error)
{
  return session_new (model, NULL, shapes, n_shapes, options, error);
}

UnetSession *
unet_session_new_for_size (UnetModel *model, const UnetContract *contract,
    guint width, guint height, const UnetSessionOptions *options,
    GError **error)
{
  UnetTensorInfo shape = { 0 };
  gboolean nhwc = contract->layout == UNET_LAYOUT_NHWC;
  gint index = unet_model_find_input_index (model, contract->input);
  gint64 channels;

  if (index >= 0)
    shape = *unet_model_get_input (model, (guint) index);
  if (!shape.name || shape.n_dims != 4) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "%s: input '%s' takes no picture", unet_model_get_name (model),
        contract->input ? contract->input : "");
    return NULL;
  }
  channels = shape.dims[nhwc ? 3 : 1];
  if (channels < 0)
    channels = contract->color_order == UNET_COLOR_ORDER_GRAY ? 1 : 3;
  if (shape.dims[0] < 1)
    shape.dims[0] = 1;
  shape.dims[nhwc ? 3 : 1] = channels;
  shape.dims[nhwc ? 1 : 2] = height;
  shape.dims[nhwc ? 2 : 3] = width;
  return session_new (model, contract, &shape, 1, options, error);
}
