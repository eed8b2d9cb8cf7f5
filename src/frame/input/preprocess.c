/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/input/preprocess.h"
#include "frame/format/placement.h"
#include "frame/format/color-matrix.h"
#include "frame/format/converter.h"
#include "frame/format/transfer-rows.h"
#include "frame/input/resample.h"
#include "base/simd.h"
#include "frame/format/orientation.h"

#include <math.h>

struct _UnetPreprocess {
  UnetPlacement placement; /* as the buffer has the picture */
  guint width, height;     /* of the tensor, likewise */
  gfloat *lying;           /* (nullable): scratch: the tensor before rotation */
  guint n_channels;
  gboolean nhwc, is_bgr;
  gboolean divide_by_max;
  gfloat scale[3], offset[3]; /* tensor = rgb * scale + offset */
  gfloat matrix[3][3], bias[3];
  UnetTransferRows *transfer; /* (nullable): R'G'B' counts as sRGB */
  guint n_colors;             /* that matrix makes: 3 where @transfer follows */
  guint n_components;         /* 1: all there is, or all that is wanted */
  UnetConverter *converter;   /* where @resampler cannot read the stream */
  UnetResampler resampler;
  gfloat *component[3], *channel[3]; /* rows of scratch */
  gfloat largest;
};

/* ---- setting up ------------------------------------------------------- */

/* Grey is made of R'G'B' at the end where a transfer function comes between. */
static void
set_matrix (UnetPreprocess *self, const GstVideoInfo *info,
    const UnetPixelLayout *layout, const UnetContract *contract)
{
  const gboolean gray = self->n_channels == 1 && self->transfer == NULL;
  const gdouble unit = 1 << layout->shift;
  UnetColorMatrix color;

  unet_color_matrix_init (&color, info);
  self->n_colors = self->transfer ? 3 : self->n_channels;
  for (guint i = 0; i < self->n_colors; i++) {
    const guint rgb = contract->color_order == UNET_COLOR_ORDER_BGR ? 2 - i : i;
    const gdouble *row = gray ? color.luma : color.m[rgb];

    for (guint j = 0; j < color.n_components; j++)
      self->matrix[i][j] = (gfloat) (row[j] / unit);
    self->bias[i] = (gfloat) (gray ? color.luma_offset : color.offset[rgb]);
  }
  self->n_components =
      gray && !GST_VIDEO_INFO_IS_RGB (info) ? 1 : color.n_components;
}

static void
set_normalisation (UnetPreprocess *self, const UnetContract *contract)
{
  for (guint i = 0; i < self->n_channels; i++) {
    const guint rgb = contract->color_order == UNET_COLOR_ORDER_BGR ? 2 - i : i;
    const gdouble scale = contract->divide_by_max ? 1 : contract->scale;

    self->scale[i] = (gfloat) (scale / contract->std[rgb]);
    self->offset[i] = (gfloat) (-contract->mean[rgb] / contract->std[rgb]);
  }
}

/* The resampler reads rows of the buffer: it works on the tensor as it lies
 * there; the small tensor is rotated afterwards. */
static void
lay_down (UnetPreprocess *self)
{
  UnetPlacement *p = &self->placement;
  gdouble x = p->dst_x, y = p->dst_y, w = p->dst_w, h = p->dst_h;

  if (p->orientation == GST_VIDEO_ORIENTATION_IDENTITY)
    return;
  unet_orientation_map_rectangle (p->orientation, p->frame_width,
      p->frame_height, &p->src_x, &p->src_y, &p->src_w, &p->src_h);
  unet_orientation_map_rectangle (
      p->orientation, self->width, self->height, &x, &y, &w, &h);
  p->dst_x = (gint) x;
  p->dst_y = (gint) y;
  p->dst_w = (gint) w;
  p->dst_h = (gint) h;
  if (unet_orientation_is_transposed (p->orientation)) {
    const guint width = self->width;

    self->width = self->height;
    self->height = width;
  }
  self->lying = g_try_new0 (
      gfloat, (gsize) self->width * self->height * self->n_channels);
}

UnetPreprocess *
unet_preprocess_new (const GstVideoInfo *info, const UnetContract *contract,
    guint input_width, guint input_height, const UnetPlacement *placement,
    GError **error)
{
  UnetPreprocess *self = g_new0 (UnetPreprocess, 1);
  UnetPixelLayout layout;

  self->placement = *placement;
  self->width = input_width;
  self->height = input_height;
  self->n_channels = contract->color_order == UNET_COLOR_ORDER_GRAY ? 1 : 3;
  self->nhwc = contract->layout == UNET_LAYOUT_NHWC;
  self->is_bgr = contract->color_order == UNET_COLOR_ORDER_BGR;
  self->divide_by_max = contract->divide_by_max;
  lay_down (self);
  if (MAX (input_width, input_height) > UNET_MAX_PICTURE_SIZE
      || (placement->orientation != GST_VIDEO_ORIENTATION_IDENTITY
          && !self->lying)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "an input of %ux%u pixels is too large", input_width, input_height);
    unet_preprocess_free (self);
    return NULL;
  }
  placement = &self->placement;
  if (!unet_pixel_layout_init (&layout, info)) {
    self->converter = unet_converter_new (info, FALSE, error);
    if (!self->converter) {
      unet_preprocess_free (self);
      return NULL;
    }
    info = &self->converter->info;
    unet_pixel_layout_init (&layout, info);
  }
  self->transfer = unet_transfer_rows_new_to_srgb (info);
  set_matrix (self, info, &layout, contract);
  set_normalisation (self, contract);
  unet_resampler_init (
      &self->resampler, info, &layout, self->n_components, placement);
  for (guint i = 0; i < 3; i++) {
    self->component[i] = g_new0 (gfloat, placement->dst_w);
    self->channel[i] = g_new0 (gfloat, placement->dst_w);
  }
  return self;
}

void
unet_preprocess_free (UnetPreprocess *self)
{
  if (!self)
    return;
  unet_resampler_clear (&self->resampler);
  unet_converter_free (self->converter);
  unet_transfer_rows_free (self->transfer);
  for (guint i = 0; i < 3; i++) {
    g_free (self->component[i]);
    g_free (self->channel[i]);
  }
  g_free (self->lying);
  g_free (self);
}

/* ---- colours ---------------------------------------------------------- */

UNET_SIMD static void
mix_3 (gfloat *restrict dst, const gfloat *a, const gfloat *b, const gfloat *c,
    const gfloat m[3], gfloat bias, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat v = a[i] * m[0] + b[i] * m[1] + c[i] * m[2] + bias;

    dst[i] = v < 0 ? 0 : v > 255 ? 255 : v;
  }
}

UNET_SIMD static void
mix_1 (gfloat *restrict dst, const gfloat *a, gfloat m, gfloat bias, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat v = a[i] * m + bias;

    dst[i] = v < 0 ? 0 : v > 255 ? 255 : v;
  }
}

UNET_SIMD static void
normalise (gfloat *restrict dst, const gfloat *src, gfloat scale, gfloat offset,
    guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = src[i] * scale + offset;
}

UNET_SIMD static void
normalise_interleaved (gfloat *restrict dst, gfloat *const src[3],
    const gfloat scale[3], const gfloat offset[3], guint n)
{
  const gfloat *a = src[0], *b = src[1], *c = src[2];

  for (guint i = 0; i < n; i++) {
    dst[3 * i] = a[i] * scale[0] + offset[0];
    dst[3 * i + 1] = b[i] * scale[1] + offset[1];
    dst[3 * i + 2] = c[i] * scale[2] + offset[2];
  }
}

UNET_SIMD static gfloat
find_largest (const gfloat *src, guint n, gfloat largest)
{
  for (guint i = 0; i < n; i++)
    largest = src[i] > largest ? src[i] : largest;
  return largest;
}

/* ---- the tensor ------------------------------------------------------- */

static gfloat *
tensor_at (
    UnetPreprocess *self, gfloat *tensor, guint channel, guint x, guint y)
{
  if (self->nhwc)
    return tensor + ((gsize) y * self->width + x) * self->n_channels + channel;
  return tensor + ((gsize) channel * self->height + y) * self->width + x;
}

/* Makes the row what it would be in sRGB. */
static void
convert_transfer (UnetPreprocess *self)
{
  /* BT.601's, as PIL and OpenCV have it. */
  static const gfloat luma[3] = { 0.299f, 0.587f, 0.114f };
  gfloat *const *c = self->channel;
  const guint n = self->placement.dst_w;

  if (self->is_bgr)
    unet_transfer_rows_run (
        self->transfer, (gfloat *const[3]){ c[2], c[1], c[0] }, n);
  else
    unet_transfer_rows_run (self->transfer, c, n);
  if (self->n_channels > 1)
    return;
  mix_3 (self->component[0], c[0], c[1], c[2], luma, 0, n);
  memcpy (c[0], self->component[0], n * sizeof (gfloat));
}

static void
convert_row (UnetPreprocess *self)
{
  const guint n = self->placement.dst_w;

  for (guint i = 0; i < self->n_colors; i++) {
    if (self->n_components == 1)
      mix_1 (self->channel[i], self->component[0], self->matrix[i][0],
          self->bias[i], n);
    else
      mix_3 (self->channel[i], self->component[0], self->component[1],
          self->component[2], self->matrix[i], self->bias[i], n);
  }
  if (self->transfer)
    convert_transfer (self);
  for (guint i = 0; i < self->n_channels && self->divide_by_max; i++)
    self->largest = find_largest (self->channel[i], n, self->largest);
}

static void
store_row (UnetPreprocess *self, gfloat *tensor, guint y, const gfloat scale[3],
    const gfloat offset[3])
{
  const guint n = self->placement.dst_w;
  const guint x = self->placement.dst_x;

  if (self->nhwc && self->n_channels == 3) {
    normalise_interleaved (
        tensor_at (self, tensor, 0, x, y), self->channel, scale, offset, n);
    return;
  }
  for (guint i = 0; i < self->n_channels; i++)
    normalise (tensor_at (self, tensor, i, x, y), self->channel[i], scale[i],
        offset[i], n);
}

/* Second pass of divide-by-max: the largest sample is known only now. */
static void
divide_rows (UnetPreprocess *self, gfloat *tensor)
{
  const UnetPlacement *p = &self->placement;
  const gfloat largest = self->largest > 1e-6f ? self->largest : 1;
  const guint step = self->nhwc ? self->n_channels : 1;

  for (gint y = p->dst_y; y < p->dst_y + p->dst_h; y++) {
    for (guint c = 0; c < self->n_channels; c++) {
      gfloat *row = tensor_at (self, tensor, c, p->dst_x, y);

      for (gint x = 0; x < p->dst_w; x++)
        row[x * step] =
            row[x * step] * (self->scale[c] / largest) + self->offset[c];
    }
  }
}

/* ---- round the picture ------------------------------------------------ */

/* Reflection without repeating the edge, as often as it takes. */
static gint
reflect (gint i, gint n)
{
  const gint period = 2 * (n - 1);

  if (n == 1)
    return 0;
  i = ABS (i) % period;
  return i < n ? i : period - i;
}

static void
mirror_columns (UnetPreprocess *self, gfloat *tensor, guint y)
{
  const UnetPlacement *p = &self->placement;

  for (guint c = 0; c < self->n_channels; c++) {
    for (gint x = 0; x < (gint) self->width; x++) {
      if (x == p->dst_x)
        x += p->dst_w;
      if (x < (gint) self->width)
        *tensor_at (self, tensor, c, x, y) = *tensor_at (
            self, tensor, c, p->dst_x + reflect (x - p->dst_x, p->dst_w), y);
    }
  }
}

static void
copy_row (UnetPreprocess *self, gfloat *tensor, guint to, guint from)
{
  const guint n_runs = self->nhwc ? 1 : self->n_channels;
  const gsize run = (gsize) self->width * self->n_channels / n_runs;

  for (guint c = 0; c < n_runs; c++)
    memcpy (tensor_at (self, tensor, c, 0, to),
        tensor_at (self, tensor, c, 0, from), run * sizeof (gfloat));
}

static void
mirror_borders (UnetPreprocess *self, gfloat *tensor)
{
  const UnetPlacement *p = &self->placement;

  for (gint y = p->dst_y; y < p->dst_y + p->dst_h; y++)
    mirror_columns (self, tensor, y);
  for (gint y = 0; y < (gint) self->height; y++)
    if (y < p->dst_y || y >= p->dst_y + p->dst_h)
      copy_row (self, tensor, y, p->dst_y + reflect (y - p->dst_y, p->dst_h));
}

/* Black before normalisation is the normalisation's offset. */
static void
fill_black (UnetPreprocess *self, gfloat *tensor, guint x, guint y, guint width,
    guint height)
{
  for (guint c = 0; c < self->n_channels; c++) {
    const guint step = self->nhwc ? self->n_channels : 1;

    for (guint j = 0; j < height; j++) {
      gfloat *row = tensor_at (self, tensor, c, x, y + j);

      for (guint i = 0; i < width; i++)
        row[i * step] = self->offset[c];
    }
  }
}

static void
fill_borders (UnetPreprocess *self, gfloat *tensor)
{
  const UnetPlacement *p = &self->placement;
  const guint right = p->dst_x + p->dst_w, bottom = p->dst_y + p->dst_h;

  fill_black (self, tensor, 0, 0, self->width, p->dst_y);
  fill_black (self, tensor, 0, bottom, self->width, self->height - bottom);
  fill_black (self, tensor, 0, p->dst_y, p->dst_x, p->dst_h);
  fill_black (self, tensor, right, p->dst_y, self->width - right, p->dst_h);
}

static void
stand_up (UnetPreprocess *self, gfloat *tensor)
{
  const gsize plane = (gsize) self->width * self->height;
  const guint n_planes = self->nhwc ? 1 : self->n_channels;

  for (guint i = 0; i < n_planes; i++)
    unet_orient_f32 (tensor + i * plane, self->lying + i * plane, self->width,
        self->height, self->n_channels / n_planes, self->placement.orientation);
}

void
unet_preprocess_run (
    UnetPreprocess *self, const GstVideoFrame *frame, gfloat *tensor)
{
  static const gfloat one[3] = { 1, 1, 1 }, zero[3] = { 0, 0, 0 };
  const gfloat *scale = self->divide_by_max ? one : self->scale;
  const gfloat *offset = self->divide_by_max ? zero : self->offset;
  const UnetPlacement *p = &self->placement;
  gfloat *to = self->lying ? self->lying : tensor;

  if (self->converter) {
    unet_converter_read (self->converter, frame);
    frame = &self->converter->frame;
  }
  self->largest = 0;
  for (gint y = 0; y < p->dst_h; y++) {
    unet_resampler_row (&self->resampler, frame, y, self->component);
    convert_row (self);
    store_row (self, to, p->dst_y + y, scale, offset);
  }
  if (self->divide_by_max)
    divide_rows (self, to);
  if (p->mirror)
    mirror_borders (self, to);
  else
    fill_borders (self, to);
  if (self->lying)
    stand_up (self, tensor);
}
