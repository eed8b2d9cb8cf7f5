/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/calibration-frames.h"
#include "base/tensor-info.h"
#include "model/hash.h"
#include <string.h>

static void
frames_free (gpointer data)
{
  UnetCalibrationFrames *own = data;

  unet_model_unref (own->source);
  g_ptr_array_unref (own->frames);
  g_free (own->shapes);
  g_free (own);
}

UnetCalibration *
unet_calibration_new (UnetModel *model, const gchar *data)
{
  UnetCalibration *self =
      unet_calibration_alloc (unet_model_get_hash (model), data);
  UnetCalibrationFrames *own = g_new0 (UnetCalibrationFrames, 1);

  own->source = unet_model_ref (model);
  own->frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  self->frames = own;
  self->free_frames = frames_free;
  return self;
}

UnetCalibrationFrames *
unet_calibration_get_frames (UnetCalibration *self)
{
  return self->frames;
}

static gboolean
same_shapes (const UnetCalibrationFrames *own, UnetSession *session, guint n)
{
  if (n != own->n_shapes)
    return FALSE;
  for (guint i = 0; i < n; i++) {
    const UnetTensorInfo *a = unet_session_get_input_info (session, i);
    const UnetTensorInfo *b = &own->shapes[i];

    if (a->n_dims != b->n_dims
        || memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims) != 0)
      return FALSE;
  }
  return TRUE;
}

/* Takes names from the model, which lives as long as the frames. */
static void
take_shapes (UnetCalibrationFrames *own, UnetSession *session, guint n)
{
  own->shapes = g_new0 (UnetTensorInfo, n + 1);
  own->n_shapes = n;
  for (guint i = 0; i < n; i++) {
    own->shapes[i] = *unet_session_get_input_info (session, i);
    own->shapes[i].name = unet_model_get_input (own->source, i)->name;
  }
}

guint
unet_calibration_add (UnetCalibration *self, UnetSession *session)
{
  UnetCalibrationFrames *own = unet_calibration_get_frames (self);
  GPtrArray *frame;
  guint n;

  g_return_val_if_fail (own && !self->finished, self->n_frames);
  n = unet_model_get_n_inputs (own->source);
  if (self->n_frames == 0 && !own->shapes)
    take_shapes (own, session, n);
  if (!same_shapes (own, session, n))
    return self->n_frames;
  frame = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (frame,
        g_bytes_new (unet_session_get_input_data (session, i),
            unet_tensor_info_size (&own->shapes[i])));
  g_ptr_array_add (own->frames, frame);
  return ++self->n_frames;
}
