/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unetarithmetic.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <gst/gst.h>

GST_DEBUG_CATEGORY_EXTERN (gst_unet_seg_debug);
#define GST_CAT_DEFAULT gst_unet_seg_debug

void
unet_arithmetic_copy (UnetArithmetic *to, const UnetArithmetic *from)
{
  *to = *from;
  to->calibration = g_strdup (from->calibration);
}

void
unet_arithmetic_clear (UnetArithmetic *self)
{
  g_clear_pointer (&self->calibration, g_free);
}

struct _UnetBeside {
  GThread *thread;
  UnetModel *model;
  UnetContract *contract;
  guint width, height;
  UnetSessionOptions options;
  UnetCalibration *calibration; /* (nullable) */
  gchar *path;                  /* (nullable) */
  UnetSession *session;         /* (nullable): once done */
  gint done;                    /* atomic */
};

static gboolean
calibrate (UnetBeside *self, GError **error)
{
  gdouble difference, iou;
  guint n;

  if (self->calibration == NULL
      || unet_calibration_is_finished (self->calibration))
    return TRUE;
  if (!unet_calibration_finish (
          self->calibration, self->contract, &self->options, error))
    return FALSE;
  unet_calibration_get_agreement (self->calibration, &difference, &iou);
  unet_calibration_get_data (self->calibration, &n);
  GST_INFO ("%s: calibrated on %u frames: probabilities differ by %.5f, "
            "intersection over union %.5f",
      unet_model_get_name (self->model), n, difference, iou);
  return self->path == NULL
      || unet_calibration_save (self->calibration, self->path, error);
}

/* Measuring takes and frees several times what the session keeps, and glibc
 * holds it for a thread that ends here. */
static void
give_back (void)
{
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}

static gpointer
make (gpointer data)
{
  UnetBeside *self = data;
  GError *error = NULL;

  if (!calibrate (self, &error)) {
    GST_WARNING ("calibration: %s", error->message);
    g_clear_error (&error);
  }
  self->options.calibration = self->calibration;
  self->session = unet_session_new_for_size (self->model, self->contract,
      self->width, self->height, &self->options, &error);
  if (self->session == NULL)
    GST_WARNING ("the session by rule stays: %s", error->message);
  g_clear_error (&error);
  give_back ();
  g_atomic_int_set (&self->done, TRUE);
  return NULL;
}

UnetBeside *
unet_beside_new (UnetModel *model, const UnetContract *contract, guint width,
    guint height, const UnetSessionOptions *options,
    UnetCalibration *calibration, const gchar *path)
{
  UnetBeside *self = g_new0 (UnetBeside, 1);

  self->model = unet_model_ref (model);
  self->contract = unet_contract_copy (contract);
  self->width = width;
  self->height = height;
  self->options = *options;
  self->options.tuning = UNET_TUNING_MEASURE;
  if (calibration)
    self->calibration = unet_calibration_ref (calibration);
  self->path = g_strdup (path);
  self->thread = g_thread_new ("unetseg-measure", make, self);
  return self;
}

gboolean
unet_beside_is_done (UnetBeside *self)
{
  return g_atomic_int_get (&self->done);
}

UnetSession *
unet_beside_finish (UnetBeside *self, gboolean cancel)
{
  UnetSession *session;

  if (cancel && self->calibration)
    unet_calibration_cancel (self->calibration);
  g_thread_join (self->thread);
  session = self->session;
  g_clear_pointer (&self->calibration, unet_calibration_unref);
  unet_model_unref (self->model);
  unet_contract_free (self->contract);
  g_free (self->path);
  g_free (self);
  return session;
}
