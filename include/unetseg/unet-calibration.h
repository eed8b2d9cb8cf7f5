/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-session.h>

G_BEGIN_DECLS

/**
 * UnetCalibration:
 *
 * The ranges of the values inside a network, so that a session can hold them
 * in 8 bits, and how well its masks then agree with those in f32. It belongs to
 * one thread until it is finished; then it never changes, and all threads may
 * use it.
 *
 * Since: 1.0
 */

#define UNET_TYPE_CALIBRATION (unet_calibration_get_type ())
UNET_API GType unet_calibration_get_type (void);

/**
 * unet_calibration_new:
 * @model: a model
 * @data: (nullable): a name for the frames, such as that of a file; it is kept
 *   with the result
 *
 * Begins a calibration. Give it frames with unet_calibration_add(), then call
 * unet_calibration_finish(). It holds a reference to @model.
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
 * Returns the calibration that comes with a model, as that of the built-in
 * one does. Sessions use it unless their options name another. Any thread.
 *
 * Returns: (transfer none) (nullable): the calibration, or %NULL
 *
 * Since: 1.0
 */
UNET_API UnetCalibration *unet_model_get_calibration (const UnetModel *model);

/**
 * unet_calibration_ref: (skip)
 * @self: a calibration
 *
 * Takes a reference. Any thread.
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
 * Drops a reference; the last one frees the calibration. Any thread.
 *
 * Since: 1.0
 */
UNET_API void unet_calibration_unref (UnetCalibration *self);

/**
 * unet_calibration_set_limits:
 * @self: a calibration that is not finished
 * @difference: largest mean absolute difference of probabilities from those in
 *   f32, 0 to 1; 0.01 by default
 * @iou: least intersection over union of the masks, 0 to 1; 0.99 by default
 *
 * Sets the limits within which masks agree.
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
 * Keeps a copy of the session's inputs. All frames have the shape of the
 * first.
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
 * @contract: (nullable): names the mask's output and its activation; %NULL:
 *   the first output
 * @options: (nullable): threads to use; other fields are ignored
 * @error: return location
 *
 * Runs the frames in f32 and in int8. Two thirds of them give the ranges; the
 * others, held back, show whether the masks agree. Where they do not, the
 * layers that change the masks most stay in f32, and the frames held back are
 * compared again. Takes seconds to minutes and frees the frames.
 *
 * Errors are %UNET_ERROR_CONTRACT without frames and for a model that is
 * quantised itself, %UNET_ERROR_ENGINE after unet_calibration_cancel(), and
 * those of unet_session_new().
 *
 * Returns: %TRUE when it is known whether the masks agree, see
 *   unet_calibration_agrees(), or %FALSE with @error set
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
 * Makes unet_calibration_finish() return within one run of the network, with
 * an error. Any thread.
 *
 * Since: 1.0
 */
UNET_API void unet_calibration_cancel (UnetCalibration *self);

/**
 * unet_calibration_load:
 * @path: (type filename): a file of unet_calibration_save()
 * @error: return location
 *
 * Reads a calibration. Errors are %UNET_ERROR_NOT_FOUND and %UNET_ERROR_PARSE.
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
 * @name: begins errors
 * @error: return location
 *
 * Reads a calibration from memory. Errors are %UNET_ERROR_PARSE.
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
 * @path: (type filename): the file to write
 * @error: return location
 *
 * Writes a calibration as text; a file of this name is replaced at once or
 * stays. Errors are of %G_FILE_ERROR.
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
 * Tells whether the calibration was made with a model of the same nodes and
 * weights. The first call for a model reads all its weights. Any thread.
 *
 * Returns: whether it fits
 *
 * Since: 1.0
 */
UNET_API gboolean unet_calibration_fits (
    UnetCalibration *self, UnetModel *model);

/**
 * unet_calibration_is_finished:
 * @self: a calibration
 *
 * Tells whether the calibration was finished, or comes from a file.
 *
 * Returns: whether it is finished
 *
 * Since: 1.0
 */
UNET_API gboolean unet_calibration_is_finished (UnetCalibration *self);

/**
 * unet_calibration_agrees:
 * @self: a calibration
 *
 * Tells whether sessions may use the calibration.
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
 * Returns how masks in int8 and in f32 compare on the frames held back.
 *
 * Since: 1.0
 */
UNET_API void unet_calibration_get_agreement (
    UnetCalibration *self, gdouble *difference, gdouble *iou);

/**
 * unet_calibration_get_data:
 * @self: a calibration
 * @n_frames: (out) (optional): number of frames
 *
 * Returns the name of the frames.
 *
 * Returns: (transfer none): the name given to unet_calibration_new(); "" for
 *   %NULL
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_calibration_get_data (
    UnetCalibration *self, guint *n_frames);

/**
 * unet_calibration_get_n_wide:
 * @self: a finished calibration
 *
 * Counts the layers that stay in f32 because rounding changes masks most there.
 *
 * Returns: number of layers
 *
 * Since: 1.0
 */
UNET_API guint unet_calibration_get_n_wide (UnetCalibration *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetCalibration, unet_calibration_unref)

G_END_DECLS
