/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/float8.h"
#include "frame/mask/postprocess.h"
#include "frame/format/placement.h"
#include "frame/format/mask.h"
#include "frame/mask/activation.h"
#include "frame/time/temporal-filter.h"
#include "frame/format/orientation.h"
#include "base/tensor-info.h"
#include "model/output-shape.h"

#include <math.h>

#define MAX_CLASSES 256

struct _UnetPostprocess {
  UnetOutputShape shape;
  UnetDType dtype;
  UnetActivation activation;
  gint foreground; /* channel or class number, -1: every class is kept */
  guint8 ids[MAX_CLASSES]; /* class of the mask for each of the output's */
  gboolean invert;
  UnetTemporal *temporal; /* (nullable) */
  guint x, y;             /* of the part of the output that holds picture */
  UnetMask info;          /* upright */
  GstVideoOrientationMethod orientation;
  guint frame_width, frame_height; /* upright */
  guint8 *upright;     /* (nullable): scratch: both planes before rotation */
  gfloat *planes;      /* scratch: rows of an interleaved output */
  gfloat *best;        /* scratch: the best class of each pixel of a row */
  gfloat *probability; /* scratch: a row before it is made 8-bit */
  const gfloat *rows[MAX_CLASSES];
};

/* ---- setting up ------------------------------------------------------- */

static gboolean
fail (GError **error, const UnetTensorInfo *output, const gchar *why)
{
  g_autofree gchar *dims = unet_tensor_info_write_dims (output);

  g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT, "output %s (%s %s): %s",
      output->name ? output->name : "?", unet_dtype_name (output->dtype), dims,
      why);
  return FALSE;
}

/* Class 0 of the mask is the background; the other channels follow. */
static void
number_classes (UnetPostprocess *self, gint background)
{
  const gint n = (gint) self->shape.channels;

  if (background == UNET_BACKGROUND_LAST)
    background = n - 1;
  else if (background == UNET_BACKGROUND_AUTO)
    background = 0;
  for (gint i = 0; i < MAX_CLASSES; i++) {
    const gint shifted =
        background == UNET_BACKGROUND_NONE || i < background ? i + 1 : i;

    self->ids[i] = i == background || shifted >= MAX_CLASSES ? 0
                                                             : (guint8) shifted;
  }
}

/* Finds the one channel that counts, if there is one. */
static void
find_foreground (UnetPostprocess *self, gint background)
{
  if (self->shape.channels == 1)
    self->foreground = 0;
  else if (self->shape.channels == 2 && self->foreground < 0
      && background != UNET_BACKGROUND_NONE)
    self->foreground = self->ids[1] ? 1 : 0;
}

static guint
count_classes (const UnetPostprocess *self, const UnetContract *contract)
{
  const guint n_labels = contract->labels ? g_strv_length (contract->labels)
                                          : 0;

  if (self->foreground >= 0)
    return 2;
  if (self->activation != UNET_ACTIVATION_ARGMAX)
    return self->shape.channels
        + (contract->background == UNET_BACKGROUND_NONE);
  return n_labels ? MIN (n_labels, MAX_CLASSES) : MAX_CLASSES;
}

static gboolean
set_classes (UnetPostprocess *self, const UnetContract *contract,
    const UnetTensorInfo *output, GError **error)
{
  const guint channels = self->shape.channels;

  self->activation = contract->activation;
  self->foreground = contract->foreground_class;
  self->invert = contract->invert;
  if (output->dtype != UNET_DTYPE_F32)
    self->activation = UNET_ACTIVATION_ARGMAX;
  if (channels + (contract->background == UNET_BACKGROUND_NONE) > MAX_CLASSES)
    return fail (error, output, "more than 256 classes");
  number_classes (self, contract->background);
  if (self->activation == UNET_ACTIVATION_ARGMAX && channels != 1)
    return fail (error, output, "class numbers come in one channel");
  if (self->activation == UNET_ACTIVATION_SOFTMAX && channels == 1)
    return fail (error, output, "softmax needs more than one channel");
  if (self->activation != UNET_ACTIVATION_ARGMAX) {
    if (self->foreground >= (gint) MAX (channels, 2))
      return fail (error, output, "no such foreground class");
    if (contract->background >= (gint) MAX (channels, 2))
      return fail (error, output, "no such background channel");
    find_foreground (self, contract->background);
  }
  self->info.n_classes = count_classes (self, contract);
  if (self->invert && self->foreground < 0)
    return fail (error, output, "invert needs one foreground class");
  return TRUE;
}

/* Finds, along one axis, the output pixels that hold picture and the part of
 * the frame that they cover. Border pixels count when half of them is picture.
 */
static void
cut_axis (guint outputs, gdouble window, gdouble window_size, gint dst,
    gint dst_size, gdouble src, gdouble src_size, guint *first, guint *count,
    gdouble *frame, gdouble *frame_size)
{
  const gdouble pixel = window_size / outputs;
  const gdouble scale = src_size / dst_size;
  const gdouble from = floor ((dst - window) / pixel + 0.5);
  const gdouble to = floor ((dst + dst_size - window) / pixel + 0.5);

  *first = (guint) CLAMP (from, 0, outputs - 1);
  *count = (guint) CLAMP (to, *first + 1.0, outputs) - *first;
  *frame = src + (window + *first * pixel - dst) * scale;
  *frame_size = *count * pixel * scale;
}

/* Returns FALSE if memory that grows with the mask's area or its classes is
 * missing; rows are bounded and always there. */
static gboolean
has_memory (const UnetPostprocess *self)
{
  if (self->orientation != GST_VIDEO_ORIENTATION_IDENTITY && !self->upright)
    return FALSE;
  return self->planes || !self->shape.interleaved || self->shape.channels == 1;
}

UnetPostprocess *
unet_postprocess_new (const UnetContract *contract,
    const UnetTensorInfo *output, guint input_width, guint input_height,
    const UnetPlacement *placement, gdouble window_x, gdouble window_y,
    gdouble window_width, gdouble window_height, GError **error)
{
  UnetPostprocess *self = g_new0 (UnetPostprocess, 1);
  const UnetOutputWindow window = { window_width, window_height, input_width,
    input_height, contract->layout };
  UnetMask *info = &self->info;
  const gchar *why;

  self->dtype = output->dtype;
  if (!unet_output_shape_find (&self->shape, output, &window, &why)) {
    fail (error, output, why);
    goto failed;
  }
  if (MAX (self->shape.width, self->shape.height) > UNET_MAX_PICTURE_SIZE) {
    fail (error, output, "too large a picture");
    goto failed;
  }
  if (output->dtype == UNET_DTYPE_NONE || output->dtype == UNET_DTYPE_F64
      || output->dtype == UNET_DTYPE_F16
      || unet_dtype_is_float8 (output->dtype)) {
    fail (error, output, "neither f32 nor an integer type");
    goto failed;
  }
  if (!set_classes (self, contract, output, error))
    goto failed;
  cut_axis (self->shape.width, window_x, window_width, placement->dst_x,
      placement->dst_w, placement->src_x, placement->src_w, &self->x,
      &info->width, &info->x, &info->w);
  cut_axis (self->shape.height, window_y, window_height, placement->dst_y,
      placement->dst_h, placement->src_y, placement->src_h, &self->y,
      &info->height, &info->y, &info->h);
  self->orientation = placement->orientation;
  self->frame_width = placement->frame_width;
  self->frame_height = placement->frame_height;
  if (self->orientation != GST_VIDEO_ORIENTATION_IDENTITY)
    self->upright = g_try_new0 (guint8, (gsize) 2 * info->width * info->height);
  self->probability = g_new0 (gfloat, info->width);
  self->best = g_new0 (gfloat, info->width);
  if (self->shape.interleaved && self->shape.channels > 1)
    self->planes =
        g_try_new0 (gfloat, (gsize) info->width * self->shape.channels);
  if (!has_memory (self)) {
    fail (error, output, "too large for memory");
    goto failed;
  }
  return self;

failed:
  unet_postprocess_free (self);
  return NULL;
}

void
unet_postprocess_free (UnetPostprocess *self)
{
  if (!self)
    return;
  g_free (self->planes);
  g_free (self->probability);
  g_free (self->best);
  g_free (self->upright);
  g_free (self);
}

void
unet_postprocess_get_info (UnetPostprocess *self, UnetMask *mask)
{
  *mask = self->info;
  if (!self->upright)
    return;
  unet_orientation_map_rectangle (self->orientation, self->frame_width,
      self->frame_height, &mask->x, &mask->y, &mask->w, &mask->h);
  if (unet_orientation_is_transposed (self->orientation)) {
    mask->width = self->info.height;
    mask->height = self->info.width;
  }
}

void
unet_postprocess_set_temporal (UnetPostprocess *self, UnetTemporal *temporal)
{
  self->temporal = temporal;
}

/* ---- class numbers ---------------------------------------------------- */

static gint64
class_number (gconstpointer tensor, UnetDType dtype, gsize i)
{
  switch (dtype) {
    case UNET_DTYPE_F32:
      /* The comparison keeps infinities and NaN out of the conversion. */
      return fabsf (((const gfloat *) tensor)[i]) < 1e6f
          ? lrintf (((const gfloat *) tensor)[i])
          : 0;
    case UNET_DTYPE_I64:
      return ((const gint64 *) tensor)[i];
    case UNET_DTYPE_I32:
      return ((const gint32 *) tensor)[i];
    case UNET_DTYPE_I16:
      return ((const gint16 *) tensor)[i];
    case UNET_DTYPE_U16:
      return ((const guint16 *) tensor)[i];
    case UNET_DTYPE_U32:
      return ((const guint32 *) tensor)[i];
    case UNET_DTYPE_U64:
      /* Beyond 2^63 it is negative, and no class. */
      return (gint64) ((const guint64 *) tensor)[i];
    case UNET_DTYPE_I8:
    case UNET_DTYPE_I4:
      return ((const gint8 *) tensor)[i];
    default:
      return ((const guint8 *) tensor)[i];
  }
}

static void
read_class_numbers (UnetPostprocess *self, gconstpointer tensor, UnetMask *mask)
{
  const guint width = self->info.width;

  for (guint y = 0; y < self->info.height; y++) {
    const gsize from = (gsize) (self->y + y) * self->shape.width + self->x;
    guint8 *classes = mask->class_map + (gsize) y * width;
    guint8 *probability = mask->probability + (gsize) y * width;

    for (guint x = 0; x < width; x++) {
      const gint64 number = class_number (tensor, self->dtype, from + x);
      guint8 id = number >= 0 && number < MAX_CLASSES ? self->ids[number] : 0;

      if (self->foreground >= 0)
        id = (number == self->foreground) != self->invert;
      classes[x] = id;
      probability[x] = id ? 255 : 0;
    }
  }
}

/* ---- probabilities ---------------------------------------------------- */

static void
find_rows (UnetPostprocess *self, const gfloat *tensor, guint y)
{
  const UnetOutputShape *shape = &self->shape;
  const guint width = self->info.width;
  const gsize at = (gsize) (self->y + y) * shape->width + self->x;

  if (self->planes) {
    const gfloat *src = tensor + at * shape->channels;

    for (guint c = 0; c < shape->channels; c++) {
      gfloat *row = self->planes + (gsize) c * width;

      for (guint x = 0; x < width; x++)
        row[x] = src[(gsize) x * shape->channels + c];
      self->rows[c] = row;
    }
  } else {
    for (guint c = 0; c < shape->channels; c++)
      self->rows[c] = tensor + (gsize) c * shape->width * shape->height + at;
  }
}

static void
find_range (
    UnetPostprocess *self, const gfloat *tensor, gfloat *minimum, gfloat *scale)
{
  gfloat maximum = -G_MAXFLOAT;

  *minimum = G_MAXFLOAT;
  for (guint y = 0; y < self->info.height; y++) {
    find_rows (self, tensor, y);
    for (guint c = 0; c < self->shape.channels; c++)
      if (self->foreground < 0 || (guint) self->foreground == c)
        unet_row_range (self->rows[c], self->info.width, minimum, &maximum);
  }
  *scale = maximum > *minimum ? 1 / (maximum - *minimum) : 0;
}

/* Probability of the foreground class into self->probability. */
static void
activate_one (UnetPostprocess *self, gfloat minimum, gfloat scale)
{
  const guint n = self->info.width;
  const gfloat *row = self->rows[self->foreground];

  if (self->activation == UNET_ACTIVATION_SIGMOID)
    unet_row_sigmoid (self->probability, row, n);
  else if (self->activation != UNET_ACTIVATION_SOFTMAX)
    unet_row_stretch (self->probability, row, minimum, scale, n);
  else if (self->shape.channels == 2)
    unet_row_sigmoid_difference (
        self->probability, row, self->rows[1 - self->foreground], n);
  else
    unet_row_softmax (
        self->probability, row, self->rows, self->shape.channels, n);
  if (self->invert)
    unet_row_invert (self->probability, n);
}

/* Every activation grows with its argument, so that the best class is known
 * before. */
static void
activate_best (
    UnetPostprocess *self, gfloat minimum, gfloat scale, guint8 *classes)
{
  const guint n = self->info.width;
  gfloat *best = self->best;

  unet_row_best (best, classes, self->rows, self->ids, self->shape.channels, n);
  if (self->activation == UNET_ACTIVATION_SIGMOID)
    unet_row_sigmoid (self->probability, best, n);
  else if (self->activation == UNET_ACTIVATION_SOFTMAX)
    unet_row_softmax (
        self->probability, best, self->rows, self->shape.channels, n);
  else
    unet_row_stretch (self->probability, best, minimum, scale, n);
}

static void
mix_scores (UnetPostprocess *self, guint y)
{
  for (guint c = 0; c < self->shape.channels; c++)
    self->rows[c] =
        unet_temporal_smooth_row (self->temporal, c, y, self->rows[c], TRUE);
}

static void
fill_upright (UnetPostprocess *self, gconstpointer tensor, gdouble threshold,
    UnetMask *mask)
{
  const guint width = self->info.width;
  gfloat minimum = 0, scale = 1;

  if (self->activation == UNET_ACTIVATION_ARGMAX) {
    read_class_numbers (self, tensor, mask);
    return;
  }
  if (self->activation == UNET_ACTIVATION_MIN_MAX)
    find_range (self, tensor, &minimum, &scale);
  for (guint y = 0; y < self->info.height; y++) {
    guint8 *classes = mask->class_map + (gsize) y * width;

    find_rows (self, tensor, y);
    if (self->foreground >= 0) {
      activate_one (self, minimum, scale);
      if (self->temporal)
        memmove (self->probability,
            unet_temporal_smooth_row (
                self->temporal, 0, y, self->probability, FALSE),
            width * sizeof (gfloat));
      unet_row_threshold (
          classes, self->probability, (gfloat) threshold, width);
    } else {
      if (self->temporal)
        mix_scores (self, y);
      activate_best (self, minimum, scale, classes);
      unet_row_suppress (classes, self->probability, (gfloat) threshold, width);
    }
    unet_row_quantise (
        mask->probability + (gsize) y * width, self->probability, width);
  }
}

void
unet_postprocess_run (UnetPostprocess *self, gconstpointer tensor,
    gdouble threshold, UnetMask *mask)
{
  const guint width = self->info.width, height = self->info.height;
  const GstVideoOrientationMethod lay =
      unet_orientation_invert (self->orientation);
  UnetMask upright = self->info;

  if (!self->upright) {
    fill_upright (self, tensor, threshold, mask);
    return;
  }
  upright.class_map = self->upright;
  upright.probability = self->upright + (gsize) width * height;
  fill_upright (self, tensor, threshold, &upright);
  unet_orient_u8 (mask->class_map, upright.class_map, width, height, lay);
  unet_orient_u8 (mask->probability, upright.probability, width, height, lay);
}
