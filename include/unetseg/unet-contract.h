/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A contract describes what a model takes and gives. It belongs to its
 * owner: use it from one thread at a time, or do not change it. */

#include <unetseg/unet-types.h>

G_BEGIN_DECLS

/**
 * UnetLayout:
 * @UNET_LAYOUT_AUTO: from the model's shapes
 * @UNET_LAYOUT_NCHW: batch, channel, row, column
 * @UNET_LAYOUT_NHWC: batch, row, column, channel
 *
 * Order of a picture tensor's dimensions.
 *
 * Since: 1.0
 */
typedef enum {
  UNET_LAYOUT_AUTO,
  UNET_LAYOUT_NCHW,
  UNET_LAYOUT_NHWC,
} UnetLayout;

/**
 * UnetColorOrder:
 * @UNET_COLOR_ORDER_AUTO: grey when the input has one channel, else RGB
 * @UNET_COLOR_ORDER_RGB: red first
 * @UNET_COLOR_ORDER_BGR: blue first
 * @UNET_COLOR_ORDER_GRAY: luma only, one channel
 *
 * Order of the colour channels of the picture input.
 *
 * Since: 1.0
 */
typedef enum {
  UNET_COLOR_ORDER_AUTO,
  UNET_COLOR_ORDER_RGB,
  UNET_COLOR_ORDER_BGR,
  UNET_COLOR_ORDER_GRAY,
} UnetColorOrder;

/**
 * UnetFit:
 * @UNET_FIT_STRETCH: the whole frame, stretched to the input
 * @UNET_FIT_LETTERBOX: the whole frame, aspect kept, borders filled
 * @UNET_FIT_CROP: the largest centred part of the input's aspect
 * @UNET_FIT_TILE: the whole frame at its own size, in overlapping tiles with
 *   mirrored borders (Ronneberger et al. 2015, section 2)
 *
 * How a frame is fitted to the network's input.
 *
 * Since: 1.0
 */
typedef enum {
  UNET_FIT_STRETCH,
  UNET_FIT_LETTERBOX,
  UNET_FIT_CROP,
  UNET_FIT_TILE,
} UnetFit;

/**
 * UnetActivation:
 * @UNET_ACTIVATION_AUTO: from the graph: none where it ends in a sigmoid, a
 *   softmax or an argmax, else sigmoid for one channel, softmax for several
 * @UNET_ACTIVATION_NONE: the output already holds probabilities
 * @UNET_ACTIVATION_SIGMOID: logistic function of every channel
 * @UNET_ACTIVATION_SOFTMAX: softmax over the channels
 * @UNET_ACTIVATION_ARGMAX: the output holds class numbers
 * @UNET_ACTIVATION_MIN_MAX: stretched to 0..1 per picture; unsafe on video,
 *   since an empty scene becomes full foreground
 *
 * How the output becomes probabilities.
 *
 * Since: 1.0
 */
typedef enum {
  UNET_ACTIVATION_AUTO,
  UNET_ACTIVATION_NONE,
  UNET_ACTIVATION_SIGMOID,
  UNET_ACTIVATION_SOFTMAX,
  UNET_ACTIVATION_ARGMAX,
  UNET_ACTIVATION_MIN_MAX,
} UnetActivation;

/**
 * UNET_BACKGROUND_NONE:
 *
 * No channel of the output is the background: it is where no class reaches the
 * threshold.
 *
 * Since: 1.0
 */
#define UNET_BACKGROUND_NONE (-1)

/**
 * UNET_BACKGROUND_LAST:
 *
 * The last channel of the output is the background.
 *
 * Since: 1.0
 */
#define UNET_BACKGROUND_LAST (-2)

/**
 * UNET_BACKGROUND_AUTO:
 *
 * From graph and labels: %UNET_BACKGROUND_NONE where several channels end in a
 * sigmoid each, else the first channel.
 *
 * Since: 1.0
 */
#define UNET_BACKGROUND_AUTO (-3)

/**
 * UnetContract:
 * @input: (nullable): input that takes the picture, %NULL for the first
 *   four-dimensional one; a name or a decimal index
 * @output: (nullable): output that holds the mask, a name or a decimal index;
 *   %NULL: the first, unless another one looks more like a mask
 * @layout: layout of the input; the output's is found from its shape
 * @color_order: order of colour channels
 * @scale: factor of the 8-bit sample, above 0; 1/255 by default, 1 for inputs
 *   of integers
 * @mean: subtracted after scaling, in RGB order whatever @color_order is
 * @std: divisor after that, in RGB order, not 0
 * @divide_by_max: divide samples by the picture's largest before mean and std
 *   (as U²-Net does) instead of scaling
 * @fit: how a frame is fitted
 * @input_width: width of the network's input in pixels, 0: the model's own,
 *   or chosen from the frame where the model leaves it open
 * @input_height: as @input_width
 * @input_side: an input of open size follows the frame's aspect and has about
 *   the area of a square of this side; 0: 256
 * @input_video: the input's size is the frames', rounded up to @multiple, and
 *   pixels stay as they are, the rest mirrored; goes before @input_width
 * @multiple: an open width and height are multiples of this, 1 or more
 * @overlap: with %UNET_FIT_TILE: how many input pixels neighbouring tiles share
 *   at least; -1: as far as the network looks, but half a tile at most
 * @activation: how the output becomes probabilities
 * @foreground_class: the one channel or class number of the output that counts,
 *   0 to 65535, or -1: every class is kept
 * @invert: foreground and background change places: 1 - probability
 * @labels: (nullable) (array zero-terminated=1): names of the mask's classes,
 *   the background first
 * @state: (nullable) (array zero-terminated=1): `INPUT:OUTPUT` pairs: outputs
 *   that are inputs of the next run; %NULL: found by name and shape, empty:
 *   none
 * @constants: (nullable) (array zero-terminated=1): `INPUT:NUMBER`: the number
 *   that fills an input other than the picture in every run; inputs that are
 *   not listed hold zeros
 * @background: channel or class number of the output that is the background, 0
 *   to 65535, or one of %UNET_BACKGROUND_NONE, %UNET_BACKGROUND_LAST and
 *   %UNET_BACKGROUND_AUTO. Class 0 of the mask is the background; the other
 *   channels follow in their order
 * @tta: outputs are the mean over the picture's reflections and, where the
 *   input is square, rotations by right angles (test-time augmentation); each
 *   is a run of the network
 * @colors: (nullable) (array zero-terminated=1): colours that the mask's
 *   classes are drawn in where the user asks for no others: `CLASS=COLOUR`
 *   with a label or a number, or `COLOUR` for the classes 1, 2, … in order;
 *   `#RRGGBB`, `#AARRGGBB` or a name such as `red`
 *
 * What a model expects and gives. A sample of 0 to 255 becomes
 * (sample × @scale − @mean) ÷ @std. Fields that no source sets hold their
 * defaults; unet_model_get_contract() returns a contract in which every `AUTO`
 * is resolved. All pointers are owned by the contract.
 *
 * Since: 1.0
 */
typedef struct {
  gchar *input;
  gchar *output;
  UnetLayout layout;
  UnetColorOrder color_order;
  gdouble scale;
  gdouble mean[3];
  gdouble std[3];
  gboolean divide_by_max;
  UnetFit fit;
  guint input_width;
  guint input_height;
  guint input_side;
  gboolean input_video;
  guint multiple;
  gint overlap;
  UnetActivation activation;
  gint foreground_class;
  gboolean invert;
  gchar **labels;
  gchar **state;
  gchar **constants;
  gint background;
  gboolean tta;
  gchar **colors;
} UnetContract;

#define UNET_TYPE_CONTRACT    (unet_contract_get_type ())
#define UNET_TYPE_LAYOUT      (unet_layout_get_type ())
#define UNET_TYPE_COLOR_ORDER (unet_color_order_get_type ())
#define UNET_TYPE_FIT         (unet_fit_get_type ())
#define UNET_TYPE_ACTIVATION  (unet_activation_get_type ())

UNET_API GType unet_contract_get_type (void);
UNET_API GType unet_layout_get_type (void);
UNET_API GType unet_color_order_get_type (void);
UNET_API GType unet_fit_get_type (void);
UNET_API GType unet_activation_get_type (void);

/**
 * unet_contract_new:
 *
 * Makes a contract in which every field holds its default.
 *
 * Returns: (transfer full): a contract of defaults
 *
 * Since: 1.0
 */
UNET_API UnetContract *unet_contract_new (void);

/**
 * unet_contract_copy:
 * @contract: a contract
 *
 * Copies a contract.
 *
 * Returns: (transfer full): a deep copy
 *
 * Since: 1.0
 */
UNET_API UnetContract *unet_contract_copy (const UnetContract *contract);

/**
 * unet_contract_free:
 * @contract: (transfer full) (nullable): a contract
 *
 * Frees a contract.
 *
 * Since: 1.0
 */
UNET_API void unet_contract_free (UnetContract *contract);

/**
 * unet_contract_set:
 * @contract: a contract
 * @key: a field's name with dashes, such as `color-order`
 * @value: its value as text: nicks for enumerations, a comma-separated list
 *   for `mean`, `std`, `labels`, `colors`, `state` and `constants`, `WxH`, `N`
 * or `video` for `input-size`, `auto`, `none`, `first`, `last` or a number for
 *   `background`
 * @error: return location
 *
 * Sets one field from text, as modelinfo files and ONNX metadata have it.
 * Numbers are in the C locale; `1/255` is a number.
 *
 * Returns: %TRUE, or %FALSE with %UNET_ERROR_CONTRACT when the key is unknown
 *   or the value out of range; the contract is then as it was
 *
 * Since: 1.0
 */
UNET_API gboolean unet_contract_set (UnetContract *contract, const gchar *key,
    const gchar *value, GError **error);

/**
 * unet_contract_to_string:
 * @contract: a contract
 *
 * Writes a contract as text.
 *
 * Returns: (transfer full): one line `key=value …` for logs, in the C locale
 *
 * Since: 1.0
 */
UNET_API gchar *unet_contract_to_string (const UnetContract *contract);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UnetContract, unet_contract_free)

G_END_DECLS
