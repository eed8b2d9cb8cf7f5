/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <unetseg/unet-model.h>

G_BEGIN_DECLS

/**
 * UnetPrecision:
 * @UNET_PRECISION_AUTO: int8 for a model that is quantised itself. With a
 *   calibration whose masks agree (the built-in model has one) and measured
 *   tuning: the quickest of int8, f32 and bfloat16 on this machine, where int8
 *   stays unless another takes at most seven eighths of its time; with
 *   static tuning int8 where the processor multiplies 8-bit integers fast.
 *   Else f32
 * @UNET_PRECISION_F32: 32-bit floating point
 * @UNET_PRECISION_BF16: bfloat16 where the processor multiplies it, else f32
 * @UNET_PRECISION_INT8: 8-bit integers with a calibration whose masks agree,
 *   else f32; a model that is quantised itself needs no calibration
 *
 * Precision of a session's arithmetic.
 *
 * Since: 1.0
 */
typedef enum {
  UNET_PRECISION_AUTO,
  UNET_PRECISION_F32,
  UNET_PRECISION_BF16,
  UNET_PRECISION_INT8,
} UnetPrecision;

#define UNET_TYPE_PRECISION (unet_precision_get_type ())
UNET_API GType unet_precision_get_type (void);

/**
 * UnetTuning:
 * @UNET_TUNING_STATIC: implementations and layouts by rule: quick to create
 * @UNET_TUNING_MEASURE: measured on this machine when the session is created,
 *   within two seconds or one pass per candidate
 * @UNET_TUNING_REFERENCE: every operator by its plain-C oracle; slow, for
 *   tests
 *
 * How a session chooses among ways to compute the same thing.
 *
 * Since: 1.0
 */
typedef enum {
  UNET_TUNING_STATIC,
  UNET_TUNING_MEASURE,
  UNET_TUNING_REFERENCE,
} UnetTuning;

#define UNET_TYPE_TUNING (unet_tuning_get_type ())
UNET_API GType unet_tuning_get_type (void);

/**
 * UnetSession:
 *
 * A model compiled for one set of input shapes, a precision and a number of
 * threads. Calls on the same session must not overlap; calls on different ones
 * may, and sessions of one model share its weights. References may be taken
 * and dropped on any thread.
 *
 * Since: 1.0
 */
typedef struct _UnetSession UnetSession;

#define UNET_TYPE_SESSION (unet_session_get_type ())
UNET_API GType unet_session_get_type (void);

/* Documented in unet-calibration.h. */
typedef struct _UnetCalibration UnetCalibration;

/**
 * UnetSessionOptions:
 * @threads: threads of a run; 0: one for each processor of the process's
 *   affinity mask
 * @precision: precision of the arithmetic
 * @tuning: how implementations are chosen
 * @profile: measure each layer in every run (unet_session_get_layers())
 * @calibration: (nullable): ranges for int8; not owned, used while a session
 *   is created only; %NULL: the model's own
 * @cancellable: (nullable): ends the creation early, with
 *   %G_IO_ERROR_CANCELLED; another thread may cancel it; not owned, used while
 *   a session is created only
 *
 * How to compile and run a model. Initialise with %UNET_SESSION_OPTIONS_INIT in
 * C, and with unet_session_options_new() in other languages.
 *
 * Since: 1.0
 */
typedef struct {
  guint threads;
  UnetPrecision precision;
  UnetTuning tuning;
  gboolean profile;
  UnetCalibration *calibration;
  GCancellable *cancellable;
} UnetSessionOptions;

/**
 * UNET_SESSION_OPTIONS_INIT: (skip)
 *
 * Initialiser of #UnetSessionOptions: all threads, automatic precision,
 * measured tuning, no profile, the model's own calibration.
 *
 * Since: 1.0
 */
#define UNET_SESSION_OPTIONS_INIT                                              \
  {                                                                            \
    0, UNET_PRECISION_AUTO, UNET_TUNING_MEASURE, FALSE, NULL, NULL             \
  }

#define UNET_TYPE_SESSION_OPTIONS (unet_session_options_get_type ())
UNET_API GType unet_session_options_get_type (void);

/**
 * unet_session_options_new:
 *
 * Makes options that hold the defaults of %UNET_SESSION_OPTIONS_INIT.
 *
 * Returns: (transfer full): the options
 *
 * Since: 1.0
 */
UNET_API UnetSessionOptions *unet_session_options_new (void);

/**
 * unet_session_options_copy: (skip)
 * @options: options
 *
 * Copies options. The copy names the same calibration and cancellable, and owns
 * neither.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 1.0
 */
UNET_API UnetSessionOptions *unet_session_options_copy (
    const UnetSessionOptions *options);

/**
 * unet_session_options_free: (skip)
 * @options: (transfer full) (nullable): options
 *
 * Frees options of unet_session_options_new() or unet_session_options_copy().
 *
 * Since: 1.0
 */
UNET_API void unet_session_options_free (UnetSessionOptions *options);

/**
 * unet_session_options_set_calibration:
 * @options: options
 * @calibration: (nullable): ranges for int8, or %NULL for the model's own
 *
 * Sets the field of that name, which languages with a garbage collector cannot
 * set. The caller keeps @calibration until the sessions are created.
 *
 * Since: 1.0
 */
UNET_API void unet_session_options_set_calibration (
    UnetSessionOptions *options, UnetCalibration *calibration);

/**
 * UnetLayerInfo:
 * @name: (transfer none): name of the node in the ONNX graph
 * @op: (transfer none): operator with what was fused into it, such as
 *   `Conv+Relu`
 * @impl: (transfer none): implementation, as oneDNN names it, or `unet:…` for
 *   a kernel of ours
 * @layout: (transfer none): layout of the output, such as `nChw16c`
 * @shape: (transfer none): output shape, such as `1x16x256x256`
 * @kind: (transfer none): `compute`, `reorder` or `copy`
 * @flops: floating-point operations of one run, 2 per multiply-add
 * @bytes: bytes of inputs, weights and outputs
 * @time_ns: median time of the profiled runs in nanoseconds, 0 without profile
 *
 * One step of a session's plan. It is owned by the session and stays valid as
 * long as that; only @time_ns changes.
 *
 * Since: 1.0
 */
typedef struct {
  const gchar *name;
  const gchar *op;
  const gchar *impl;
  const gchar *layout;
  const gchar *shape;
  const gchar *kind;
  guint64 flops;
  guint64 bytes;
  guint64 time_ns;
} UnetLayerInfo;

/**
 * unet_session_new:
 * @model: a model
 * @shapes: (nullable) (array length=n_shapes): names and dimensions of the
 *   inputs that the model leaves open; fixed ones may be left out
 * @n_shapes: number of @shapes
 * @options: (nullable): options, %NULL for the defaults
 * @error: return location
 *
 * Compiles a model. Takes milliseconds to a few seconds. Write every
 * input before the first run. The session holds a reference to @model.
 *
 * Errors are %UNET_ERROR_CONTRACT for a name that the model does not have,
 * %UNET_ERROR_SHAPE for dimensions that do not fit or are left open,
 * %UNET_ERROR_UNSUPPORTED for operators that cannot run, %UNET_ERROR_LIMIT for
 * lack of memory, %UNET_ERROR_ENGINE where oneDNN fails, and
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the session, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetSession *unet_session_new (UnetModel *model,
    const UnetTensorInfo *shapes, guint n_shapes,
    const UnetSessionOptions *options, GError **error);

/**
 * unet_session_new_for_size:
 * @model: a model
 * @contract: the contract in use; names the picture input and its layout
 * @width: width of the picture input in pixels, above 0
 * @height: height of the picture input in pixels, above 0
 * @options: (nullable): options, %NULL for the defaults
 * @error: return location
 *
 * As unet_session_new() for a batch of one picture, with the contract's
 * constants in their inputs and its state pairs ready for
 * unet_session_advance(). Open shapes of states follow from the picture's.
 *
 * Errors are those of unet_session_new().
 *
 * Returns: (transfer full): the session, or %NULL with @error set
 *
 * Since: 1.0
 */
UNET_API UnetSession *unet_session_new_for_size (UnetModel *model,
    const UnetContract *contract, guint width, guint height,
    const UnetSessionOptions *options, GError **error);

/**
 * unet_session_ref: (skip)
 * @session: a session
 *
 * Takes a reference. Any thread.
 *
 * Returns: (transfer full): @session
 *
 * Since: 1.0
 */
UNET_API UnetSession *unet_session_ref (UnetSession *session);

/**
 * unet_session_unref: (skip)
 * @session: (transfer full): a session
 *
 * Drops a reference; the last one frees the session. Any thread.
 *
 * Since: 1.0
 */
UNET_API void unet_session_unref (UnetSession *session);

/**
 * unet_session_get_model:
 * @session: a session
 *
 * Returns the model that the session was made of.
 *
 * Returns: (transfer none): its model
 *
 * Since: 1.0
 */
UNET_API UnetModel *unet_session_get_model (UnetSession *session);

/**
 * unet_session_get_input_info:
 * @session: a session
 * @index: below unet_model_get_n_inputs()
 *
 * Describes an input.
 *
 * Returns: (transfer none): name, type and shape, all dimensions known; valid
 *   as long as the session
 *
 * Since: 1.0
 */
UNET_API const UnetTensorInfo *unet_session_get_input_info (
    UnetSession *session, guint index);

/**
 * unet_session_get_output_info:
 * @session: a session
 * @index: below unet_model_get_n_outputs()
 *
 * Describes an output.
 *
 * Returns: (transfer none): name, type and shape, all dimensions known; valid
 *   as long as the session
 *
 * Since: 1.0
 */
UNET_API const UnetTensorInfo *unet_session_get_output_info (
    UnetSession *session, guint index);

/**
 * unet_session_get_input_data:
 * @session: a session
 * @index: below unet_model_get_n_inputs()
 *
 * Returns the memory of an input, which the caller writes before a run. It is
 * row-major, tight and 64-byte aligned, in the order of dimensions that the
 * model declares. A run leaves it as it is. Where pointers are numbers, as in
 * Python, this is its address.
 *
 * Returns: (transfer none): the memory, valid as long as the session
 *
 * Since: 1.0
 */
UNET_API gpointer unet_session_get_input_data (
    UnetSession *session, guint index);

/**
 * unet_session_get_output_data:
 * @session: a session
 * @index: below unet_model_get_n_outputs()
 *
 * Returns the output of the last run, row-major and tight. Where pointers are
 * numbers, as in Python, this is its address.
 *
 * Returns: (transfer none): the memory, valid as long as the session; the next
 *   run overwrites it
 *
 * Since: 1.0
 */
UNET_API gconstpointer unet_session_get_output_data (
    UnetSession *session, guint index);

/**
 * unet_session_set_input:
 * @session: a session
 * @index: below unet_model_get_n_inputs()
 * @bytes: the elements of the input, as unet_session_get_input_data() has them
 * @error: return location
 *
 * Copies a tensor into an input. The number of bytes is the product of the
 * dimensions of unet_session_get_input_info() and of unet_dtype_size().
 *
 * Returns: %TRUE, or %FALSE with %UNET_ERROR_SHAPE and the input as it was
 * where
 *   @bytes are too many or too few
 *
 * Since: 1.0
 */
UNET_API gboolean unet_session_set_input (
    UnetSession *session, guint index, GBytes *bytes, GError **error);

/**
 * unet_session_dup_output:
 * @session: a session
 * @index: below unet_model_get_n_outputs()
 *
 * Copies the output of the last run.
 *
 * Returns: (transfer full): its elements, row-major and tight; later runs leave
 *   them as they are
 *
 * Since: 1.0
 */
UNET_API GBytes *unet_session_dup_output (UnetSession *session, guint index);

/**
 * unet_session_get_output_window:
 * @session: a session
 * @index: below unet_model_get_n_outputs()
 * @x: (out): left edge in input pixels
 * @y: (out): top edge in input pixels
 * @width: (out): width in input pixels
 * @height: (out): height in input pixels
 *
 * Returns the part of the picture input that an output covers: all of it for
 * same-padded networks, the middle for valid convolutions (388 of 572 pixels
 * in Ronneberger et al. 2015, fig. 1).
 *
 * Returns: %TRUE, or %FALSE with zeros where the output is no picture (its rank
 *   is below 3)
 *
 * Since: 1.0
 */
UNET_API gboolean unet_session_get_output_window (UnetSession *session,
    guint index, gdouble *x, gdouble *y, gdouble *width, gdouble *height);

/**
 * unet_session_run:
 * @session: a session
 * @error: return location
 *
 * Runs the network once over the inputs and returns when the outputs are
 * ready. Allocates nothing and takes no lock that another session can hold.
 *
 * Returns: %TRUE, or %FALSE with %UNET_ERROR_ENGINE
 *
 * Since: 1.0
 */
UNET_API gboolean unet_session_run (UnetSession *session, GError **error);

/**
 * unet_session_has_state:
 * @session: a session
 *
 * Tells whether the network is recurrent: outputs are inputs of the next run.
 *
 * Returns: whether the session has state
 *
 * Since: 1.0
 */
UNET_API gboolean unet_session_has_state (UnetSession *session);

/**
 * unet_session_advance:
 * @session: a session
 *
 * Copies every state output of the last run into its input, for the next frame
 * of a recurrent network.
 *
 * Since: 1.0
 */
UNET_API void unet_session_advance (UnetSession *session);

/**
 * unet_session_reset_state:
 * @session: a session
 *
 * Fills every state input with zeros, as before the first frame.
 *
 * Since: 1.0
 */
UNET_API void unet_session_reset_state (UnetSession *session);

/**
 * unet_session_get_threads:
 * @session: a session
 *
 * Returns the number of threads.
 *
 * Returns: threads of a run, 1 or more
 *
 * Since: 1.0
 */
UNET_API guint unet_session_get_threads (UnetSession *session);

/**
 * unet_session_get_precision:
 * @session: a session
 *
 * Returns the precision.
 *
 * Returns: the precision in use, never `AUTO`
 *
 * Since: 1.0
 */
UNET_API UnetPrecision unet_session_get_precision (UnetSession *session);

/**
 * unet_session_get_precision_note:
 * @session: a session
 *
 * Tells why the session has another precision than its options ask for.
 *
 * Returns: (transfer none) (nullable): a sentence for logs, or %NULL; valid as
 *   long as the session
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_session_get_precision_note (UnetSession *session);

/**
 * unet_session_get_flops:
 * @session: a session
 *
 * Counts the arithmetic of one run as the network defines it, whatever
 * algorithm runs: 2 per multiply-add of convolutions and matrix products.
 *
 * Returns: floating-point operations
 *
 * Since: 1.0
 */
UNET_API guint64 unet_session_get_flops (UnetSession *session);

/**
 * unet_session_get_arena_size:
 * @session: a session
 * @live: (out) (optional): size of the largest set of tensors alive at once
 *
 * Returns the memory of a session without its weights.
 *
 * Returns: bytes of the arena that holds all intermediate tensors and
 *   scratchpads
 *
 * Since: 1.0
 */
UNET_API gsize unet_session_get_arena_size (UnetSession *session, gsize *live);

/**
 * unet_session_get_layers:
 * @session: a session
 * @n_layers: (out): number of layers
 *
 * Lists the steps of a run.
 *
 * Returns: (transfer none) (array length=n_layers): the plan, in order; valid
 *   as long as the session
 *
 * Since: 1.0
 */
UNET_API const UnetLayerInfo *unet_session_get_layers (
    UnetSession *session, guint *n_layers);

/**
 * unet_session_get_engine_name:
 *
 * Names the library that runs networks. Any thread.
 *
 * Returns: (transfer none): library and version, such as `oneDNN 2.6.3`
 *
 * Since: 1.0
 */
UNET_API const gchar *unet_session_get_engine_name (void);

/**
 * unet_tuning_save:
 *
 * Writes the times that %UNET_TUNING_MEASURE has measured in this process so
 * far. A process that loads them before it creates a session of the same
 * model, shape and number of threads, with the same library on the same kind
 * of processor, chooses the same implementations, and so computes the same
 * bits. Any thread.
 *
 * Returns: (transfer full): lines of text
 *
 * Since: 1.0
 */
UNET_API gchar *unet_tuning_save (void);

/**
 * unet_tuning_load:
 * @text: what unet_tuning_save() returned
 * @error: return location
 *
 * Reads times that another process has measured; later sessions of this
 * process do not measure them again. Any thread.
 *
 * Returns: %TRUE, or %FALSE with %UNET_ERROR_PARSE and nothing taken over
 *
 * Since: 1.0
 */
UNET_API gboolean unet_tuning_load (const gchar *text, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetSession, unet_session_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetSessionOptions, unet_session_options_free)

G_END_DECLS
