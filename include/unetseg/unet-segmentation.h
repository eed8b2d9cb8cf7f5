/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>
#include <unetseg/unet-seg-mask.h>
#include <unetseg/unet-session.h>

G_BEGIN_DECLS

/**
 * UnetSegmentation:
 *
 * The whole way from a picture to its mask: a picture of any size and pixel
 * format is fitted, its colours are ordered and normalised, the network runs,
 * and its output becomes classes and probabilities, as the contract of the
 * model says. The masks are those of the element `unetseg` for a frame that it
 * neither refines nor smooths.
 *
 * A segmentation compiles a session when it meets the first picture of a size,
 * and keeps the sessions of the last four sizes of the network's input.
 *
 * Pictures follow each other as frames of a stream do: a recurrent network
 * remembers the ones before, until unet_segmentation_reset(). Other networks
 * remember nothing.
 *
 * Calls on the same segmentation must not overlap; calls on different ones may,
 * and those of one model share its weights. References may be taken and dropped
 * on any thread.
 *
 * |[<!-- language="C" -->
 * g_autoptr (GError) error = NULL;
 * g_autoptr (UnetModel) model = unet_model_load (NULL, &error);
 * g_autoptr (UnetSegmentation) segmentation =
 *     model ? unet_segmentation_new (model, NULL, NULL, &error) : NULL;
 * g_autoptr (UnetSegMask) mask = NULL;
 *
 * if (segmentation)
 *   mask = unet_segmentation_run_data (segmentation, pixels, 640 * 480 * 3,
 *       GST_VIDEO_FORMAT_RGB, 640, 480, 640 * 3, &error);
 * if (!mask)
 *   g_error ("%s", error->message);
 * ]|
 *
 * Since: 1.0
 */
typedef struct _UnetSegmentation UnetSegmentation;

#define UNET_TYPE_SEGMENTATION (unet_segmentation_get_type ())
UNET_API GType unet_segmentation_get_type (void);

/**
 * unet_segmentation_new:
 * @model: a model
 * @overrides: (nullable) (element-type utf8 utf8): fields of the contract that
 *   go before everything else, as for unet_model_get_contract()
 * @options: (nullable): how sessions are compiled, %NULL for the defaults; they
 *   are copied, with a reference to the calibration and the cancellable
 * @error: return location
 *
 * Prepares a model for pictures. It compiles nothing yet, holds a reference to
 * @model, and initialises GStreamer where the program has not.
 *
 * Returns: (transfer full): the segmentation, or %NULL with
 *   %UNET_ERROR_CONTRACT, or with an error of gst_init_check()
 *
 * Since: 1.0
 */
UNET_API UnetSegmentation *unet_segmentation_new (UnetModel *model,
    GHashTable *overrides, const UnetSessionOptions *options, GError **error);

/**
 * unet_segmentation_ref: (skip)
 * @self: a segmentation
 *
 * Takes a reference. Any thread.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
UNET_API UnetSegmentation *unet_segmentation_ref (UnetSegmentation *self);

/**
 * unet_segmentation_unref: (skip)
 * @self: (transfer full): a segmentation
 *
 * Drops a reference; the last one frees the segmentation. Any thread.
 *
 * Since: 1.0
 */
UNET_API void unet_segmentation_unref (UnetSegmentation *self);

/**
 * unet_segmentation_get_model:
 * @self: a segmentation
 *
 * Returns the model that the segmentation was made of.
 *
 * Returns: (transfer none): its model
 *
 * Since: 1.0
 */
UNET_API UnetModel *unet_segmentation_get_model (UnetSegmentation *self);

/**
 * unet_segmentation_get_contract:
 * @self: a segmentation
 *
 * Returns the contract in use, with every `AUTO` resolved.
 *
 * Returns: (transfer none): its contract, which must not be changed
 *
 * Since: 1.0
 */
UNET_API const UnetContract *unet_segmentation_get_contract (
    UnetSegmentation *self);

/**
 * unet_segmentation_dup_session:
 * @self: a segmentation
 *
 * Takes a reference to the session of the last picture. Its outputs are those
 * of that picture, or of its last tile with %UNET_FIT_TILE, until the next
 * picture of this size.
 *
 * Returns: (transfer full) (nullable): the session, or %NULL before the first
 *   picture
 *
 * Since: 1.0
 */
UNET_API UnetSession *unet_segmentation_dup_session (UnetSegmentation *self);

/**
 * unet_segmentation_set_threshold:
 * @self: a segmentation
 * @threshold: 0 to 1; 0.5 by default
 *
 * Sets the least probability of a pixel that is not background, for the class
 * maps of later pictures. Probabilities do not depend on it.
 *
 * Since: 1.0
 */
UNET_API void unet_segmentation_set_threshold (
    UnetSegmentation *self, gdouble threshold);

/**
 * unet_segmentation_reset:
 * @self: a segmentation
 *
 * Makes a recurrent network forget the pictures so far: the next one is the
 * first of another scene.
 *
 * Since: 1.0
 */
UNET_API void unet_segmentation_reset (UnetSegmentation *self);

/**
 * unet_segmentation_run:
 * @self: a segmentation
 * @frame: a picture, mapped for reading
 * @error: return location
 *
 * Computes the mask of a picture. Takes milliseconds to seconds more where it
 * compiles a session. The pixel aspect ratio and the colorimetry of @frame
 * count.
 *
 * Errors are %UNET_ERROR_UNSUPPORTED for a pixel format that cannot be read,
 * %UNET_ERROR_CONTRACT for an output that is no mask, %UNET_ERROR_LIMIT for
 * lack of memory, and those of unet_session_new() and unet_session_run().
 *
 * Returns: (transfer full): the mask, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetSegMask *unet_segmentation_run (
    UnetSegmentation *self, const GstVideoFrame *frame, GError **error);

/**
 * unet_segmentation_run_sample:
 * @self: a segmentation
 * @sample: a frame of raw video with its caps, such as that of an appsink
 * @error: return location
 *
 * As unet_segmentation_run(), for a frame that is not mapped.
 *
 * Further errors are %UNET_ERROR_UNSUPPORTED for a sample that holds no raw
 * video, and %UNET_ERROR_SHAPE for a buffer that is smaller than its caps say
 * or cannot be mapped.
 *
 * Returns: (transfer full): the mask, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetSegMask *unet_segmentation_run_sample (
    UnetSegmentation *self, GstSample *sample, GError **error);

/**
 * unet_segmentation_run_bytes:
 * @self: a segmentation
 * @bytes: pixels
 * @format: their format
 * @width: width of the picture in pixels, 1 to 32767
 * @height: height of the picture in pixels, 1 to 32767
 * @stride: bytes from row to row of a format of one plane; 0: GStreamer's
 *   layout of this format and size, whose rows are padded to four bytes
 * @error: return location
 *
 * As unet_segmentation_run(), for a picture in memory. Pixels are square, and
 * colours are those that GStreamer assumes for this format and size.
 *
 * Further errors are %UNET_ERROR_SHAPE for a size of 0, a stride that is
 * shorter than a row and for too few bytes, %UNET_ERROR_LIMIT for a side that
 * is too long, and %UNET_ERROR_UNSUPPORTED for a format that is none of pixels
 * and for a stride of a format of several planes.
 *
 * Returns: (transfer full): the mask, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetSegMask *unet_segmentation_run_bytes (UnetSegmentation *self,
    GBytes *bytes, GstVideoFormat format, guint width, guint height,
    guint stride, GError **error);

/**
 * unet_segmentation_run_data:
 * @self: a segmentation
 * @data: pixels, which are read during the call only
 * @size: bytes of @data
 * @format: their format
 * @width: width of the picture in pixels, 1 to 32767
 * @height: height of the picture in pixels, 1 to 32767
 * @stride: as for unet_segmentation_run_bytes()
 * @error: return location
 *
 * As unet_segmentation_run_bytes(), without a #GBytes. From languages whose
 * pointers are numbers, @data is an address.
 *
 * Returns: (transfer full): the mask, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetSegMask *unet_segmentation_run_data (UnetSegmentation *self,
    gconstpointer data, gsize size, GstVideoFormat format, guint width,
    guint height, guint stride, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetSegmentation, unet_segmentation_unref)

G_END_DECLS
