/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-session.h>

G_BEGIN_DECLS

#define UNET_TYPE_CALIBRATION (unet_calibration_get_type ())
UNET_API GType unet_calibration_get_type (void);

/**
 * unet_calibration_new:
 * @model: a model
 * @data: what the frames are, such as the name of a file; kept with the result
 *
 * Begins a calibration: how large the values inside of @model get, so that
 * they can be held in bytes. Give it frames with unet_calibration_add() and
 * then call unet_calibration_finish(). One thread at a time; once finished a
 * calibration is never changed and may be used by all.
 *
 * Returns: (transfer full): a calibration without frames
 *
 * Since: 1.0
 */
UNET_API UnetCalibration *unet_calibration_new (
    UnetModel *model, const gchar *data);

/**
 * unet_model_get_calibration:
 * @model: a model
 *
 * Returns: (transfer none) (nullable): the calibration that comes with it, as
 *   the built-in model's does; sessions use it unless their options name
 *   another
 *
 * Since: 1.0
 */
UNET_API UnetCalibration *unet_model_get_calibration (const UnetModel *model);

/**
 * unet_calibration_ref: (skip)
 * @self: a calibration
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
UNET_API UnetCalibration *unet_calibration_ref (UnetCalibration *self);

/**
 * unet_calibration_unref: (skip)
 * @self: (transfer full): a calibration
 *
 * Since: 1.0
 */
UNET_API void unet_calibration_unref (UnetCalibration *self);

/**
 * unet_calibration_set_limits:
 * @self: a calibration that is not finished
 * @difference: how far probabilities may lie from those in f32 on average;
 *   0.01 by default
 * @iou: least intersection over union of the masks; 0.99 by default
 *
 * Since: 1.0
 */
UNET_API void unet_calibration_set_limits (
    UnetCalibration *self, gdouble difference, gdouble iou);

/**
 * unet_calibration_add:
 * @self: a calibration that is not finished
 * @session: a session of the model; the inputs that it holds are one frame
 *
 * Keeps a copy of the inputs. All frames have the shape of the first.
 *
 * Returns: number of frames so far; unchanged where the shapes differ
 *
 * Since: 1.0
 */
UNET_API guint unet_calibration_add (
    UnetCalibration *self, UnetSession *session);

/**
 * unet_calibration_finish:
 * @self: a calibration with frames
 * @contract: (nullable): which output is the mask and what makes
 *   probabilities of it; without one the first output is looked at
 * @options: (nullable): threads to use
 * @error: return location
 *
 * Runs the frames in f32 and in bytes. Two thirds of them tell the ranges; the
 * others, held back, tell whether the masks agree. Where they do not, the
 * layers that matter most stay in f32, and then it is looked at again. Takes
 * seconds. The frames are let go of.
 *
 * Returns: %TRUE once it is known whether the masks agree, or %FALSE with
 *   @error set
 *
 * Since: 1.0
 */
UNET_API gboolean unet_calibration_finish (UnetCalibration *self,
    const UnetContract *contract, const UnetSessionOptions *options,
    GError **error);

/**
 * unet_calibration_cancel:
 * @self: a calibration that another thread finishes
 *
 * Makes unet_calibration_finish() return soon, with an error.
 *
 * Since: 1.0
 */
UNET_API void unet_calibration_cancel (UnetCalibration *self);

/**
 * unet_calibration_load:
 * @path: (type filename): a file of unet_calibration_save()
 * @error: return location
 *
 * Returns: (transfer full): the calibration, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetCalibration *unet_calibration_load (
    const gchar *path, GError **error);

/**
 * unet_calibration_new_from_data:
 * @text: content of a file of unet_calibration_save()
 * @length: its length
 * @name: what errors call it
 * @error: return location
 *
 * Returns: (transfer full): the calibration, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetCalibration *unet_calibration_new_from_data (
    const gchar *text, gsize length, const gchar *name, GError **error);

/**
 * unet_calibration_save:
 * @self: a finished calibration
 * @path: (type filename): where to write it, as text
 * @error: return location
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
UNET_API gboolean unet_calibration_save (
    UnetCalibration *self, const gchar *path, GError **error);

/**
 * unet_calibration_fits:
 * @self: a calibration
 * @model: a model
 *
 * Returns: whether it was made with a model of the same nodes and weights
 *
 * Since: 1.0
 */
UNET_API gboolean unet_calibration_fits (
    UnetCalibration *self, UnetModel *model);

/**
 * unet_calibration_is_finished:
 * @self: a calibration
 *
 * Returns: whether it was finished, or comes from a file
 *
 * Since: 1.0
 */
UNET_API gboolean unet_calibration_is_finished (UnetCalibration *self);

/**
 * unet_calibration_agrees:
 * @self: a calibration
 *
 * Returns: whether it is finished and the masks agreed within the limits
 *
 * Since: 1.0
 */
UNET_API gboolean unet_calibration_agrees (UnetCalibration *self);

/**
 * unet_calibration_get_agreement:
 * @self: a finished calibration
 * @difference: (out) (optional): mean absolute difference of probabilities
 * @iou: (out) (optional): intersection over union of the masks
 *
 * On the frames held back.
 *
 * Since: 1.0
 */
UNET_API void unet_calibration_get_agreement (
    UnetCalibration *self, gdouble *difference, gdouble *iou);

/**
 * unet_calibration_get_data:
 * @self: a calibration
 * @n_frames: (out) (optional): how many frames there were
 *
 * Returns: (transfer none): what the frames were
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_calibration_get_data (
    UnetCalibration *self, guint *n_frames);

/**
 * unet_calibration_get_n_wide:
 * @self: a finished calibration
 *
 * Returns: number of layers that stay in f32 because they matter most
 *
 * Since: 1.0
 */
UNET_API guint unet_calibration_get_n_wide (UnetCalibration *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetCalibration, unet_calibration_unref)

G_END_DECLS
