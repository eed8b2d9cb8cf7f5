/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/cutout.h"
#include "frame/format/mask.h"
#include "frame/draw/palette.h"
#include "frame/draw/alpha.h"
#include "frame/draw/clear-hidden.h"
#include "frame/draw/decontaminate.h"
#include "frame/format/alpha-samples.h"
#include "frame/format/converter.h"
#include "frame/format/pixel-layout.h"
#include "frame/format/samples.h"

struct _UnetCutout {
  GstVideoInfo in, out;
  gboolean copies;  /* colours by kernels of ours */
  gboolean same;    /* they lie alike: RGBx and RGBA */
  gboolean cosited; /* chroma of @in */
  UnetPixelLayout from, to;
  GstVideoConverter *colors; /* (nullable): colours in other cases */
  UnetConverter *unpacked;   /* (nullable): where alpha cannot be reached */
  UnetAlphaSamples alpha;
  UnetAlpha layer[2]; /* foreground and background */
  UnetAlphaRow row;
  UnetDecontaminate *decontaminate; /* (nullable): made when needed */
  gboolean clears_hidden;
  UnetClearHidden *clear_hidden; /* (nullable): made when needed */
  guint8 *keep;                  /* a row of alpha */
  guint8 background;
  UnetClassStyle style[256], silent[256];
};

/* ---- formats ---------------------------------------------------------- */

static GstVideoFormat
rgb_with_alpha (const GstVideoFormatInfo *info)
{
  static const struct {
    GstVideoFormat format, with_alpha;
  } pairs[] = {
    { GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_RGBA },
    { GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_BGRA },
    { GST_VIDEO_FORMAT_xRGB, GST_VIDEO_FORMAT_ARGB },
    { GST_VIDEO_FORMAT_xBGR, GST_VIDEO_FORMAT_ABGR },
    { GST_VIDEO_FORMAT_BGR, GST_VIDEO_FORMAT_BGRA },
    { GST_VIDEO_FORMAT_BGRP, GST_VIDEO_FORMAT_BGRA },
    { GST_VIDEO_FORMAT_BGR16, GST_VIDEO_FORMAT_BGRA },
    { GST_VIDEO_FORMAT_BGR15, GST_VIDEO_FORMAT_BGRA },
    { GST_VIDEO_FORMAT_GBR, GST_VIDEO_FORMAT_GBRA },
    { GST_VIDEO_FORMAT_GBR_10LE, GST_VIDEO_FORMAT_GBRA_10LE },
    { GST_VIDEO_FORMAT_GBR_10BE, GST_VIDEO_FORMAT_GBRA_10BE },
    { GST_VIDEO_FORMAT_GBR_12LE, GST_VIDEO_FORMAT_GBRA_12LE },
    { GST_VIDEO_FORMAT_GBR_12BE, GST_VIDEO_FORMAT_GBRA_12BE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    if (pairs[i].format == info->format)
      return pairs[i].with_alpha;
  return info->depth[0] > 8 ? GST_VIDEO_FORMAT_ARGB64 : GST_VIDEO_FORMAT_RGBA;
}

/* Planar, as deep and as finely subsampled; GStreamer has more of them from
 * version to version. */
static GstVideoFormat
yuv_with_alpha (const GstVideoFormatInfo *info)
{
  const gboolean gray = info->n_components < 3;
  const guint w_sub = gray ? 1 : info->w_sub[1];
  const guint h_sub = gray ? 1 : info->h_sub[1];
  g_autofree gchar *name = NULL;
  GstVideoFormat format;
  const gboolean big = info->unpack_format != GST_VIDEO_FORMAT_AYUV
      && g_str_has_suffix (info->name, "BE");

  if (info->depth[0] <= 8)
    return h_sub ? GST_VIDEO_FORMAT_A420 : GST_VIDEO_FORMAT_AYUV;
  name = g_strdup_printf ("A4%s_%u%s",
      h_sub       ? "20"
          : w_sub ? "22"
                  : "44",
      info->depth[0], big ? "BE" : "LE");
  format = gst_video_format_from_string (name);
  return format == GST_VIDEO_FORMAT_UNKNOWN || info->depth[0] == 16
      ? GST_VIDEO_FORMAT_AYUV64
      : format;
}

GstVideoFormat
unet_cutout_get_format (GstVideoFormat format)
{
  const GstVideoFormatInfo *info = gst_video_format_get_info (format);

  /* GStreamer's flag is missing from some, such as AV12 and Y412_LE. */
  if (info->n_components == 4)
    return format;
  return GST_VIDEO_FORMAT_INFO_IS_RGB (info) ? rgb_with_alpha (info)
                                             : yuv_with_alpha (info);
}

/* ---- setting up ------------------------------------------------------- */

/* 4:2:2 to 4:4:4. */
static gboolean
is_widened (const UnetCutout *self, guint index)
{
  return self->from.component[index].w_sub == 1
      && self->to.component[index].w_sub == 0;
}

/* Samples go over one by one, whatever their order and place in a word. For
 * 4:2:2 that is not only faster: GstVideoConverter's way from UYVY to AYUV
 * writes beyond rows of odd width (1.22 and 1.26). */
static gboolean
can_copy (const UnetCutout *self)
{
  const UnetPixelLayout *from = &self->from, *to = &self->to;

  if (from->bytes != to->bytes || from->depth != to->depth)
    return FALSE;
  for (guint i = 0; i < from->n_components; i++) {
    const UnetLayoutComponent *a = &from->component[i];
    const UnetLayoutComponent *b = &to->component[i];

    if (a->h_sub != b->h_sub
        || (a->w_sub != b->w_sub
            && !(is_widened (self, i) && from->shift == to->shift)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
lie_alike (const UnetCutout *self)
{
  for (guint i = 0; i < 3; i++) {
    const UnetLayoutComponent *a = &self->from.component[i];
    const UnetLayoutComponent *b = &self->to.component[i];

    if (a->plane != 0 || b->plane != 0 || a->step != b->step
        || a->offset != b->offset || a->w_sub != b->w_sub)
      return FALSE;
  }
  return self->from.n_components == 3 && self->from.shift == self->to.shift;
}

static gboolean
open_colors (UnetCutout *self, GError **error)
{
  if (self->in.finfo->format == self->out.finfo->format)
    return TRUE;
  self->copies = unet_pixel_layout_init (&self->from, &self->in)
      && unet_pixel_layout_init (&self->to, &self->out) && can_copy (self);
  self->same = self->copies && lie_alike (self);
  if (self->copies)
    return TRUE;
  self->colors = gst_video_converter_new (&self->in, &self->out,
      gst_structure_new ("convert", GST_VIDEO_CONVERTER_OPT_DITHER_METHOD,
          GST_TYPE_VIDEO_DITHER_METHOD, GST_VIDEO_DITHER_NONE,
          GST_VIDEO_CONVERTER_OPT_THREADS, G_TYPE_UINT, 1, NULL));
  if (self->colors)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
      "GstVideoConverter cannot convert %s to %s",
      GST_VIDEO_INFO_NAME (&self->in), GST_VIDEO_INFO_NAME (&self->out));
  return FALSE;
}

static gboolean
open_alpha (UnetCutout *self, GError **error)
{
  const GstVideoInfo *info = &self->out;
  UnetPixelLayout layout;

  if (!unet_pixel_layout_init (&layout, &self->out)) {
    self->unpacked = unet_converter_new (&self->out, TRUE, error);
    if (!self->unpacked)
      return FALSE;
    info = &self->unpacked->info;
  }
  unet_alpha_samples_init (&self->alpha, info);
  return TRUE;
}

UnetCutout *
unet_cutout_new (
    const GstVideoInfo *in, const GstVideoInfo *out, GError **error)
{
  UnetCutout *self = g_new0 (UnetCutout, 1);

  self->in = *in;
  self->out = *out;
  self->cosited = unet_chroma_cosited_h (in);
  for (guint i = 0; i < G_N_ELEMENTS (self->layer); i++)
    unet_alpha_init (&self->layer[i], in->width, in->height);
  unet_alpha_row_init (&self->row, in->width);
  self->keep = g_new0 (guint8, in->width);
  unet_cutout_set_palette (self, NULL, 0);
  if (open_colors (self, error) && open_alpha (self, error))
    return self;
  unet_cutout_free (self);
  return NULL;
}

void
unet_cutout_free (UnetCutout *self)
{
  if (!self)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (self->layer); i++)
    unet_alpha_clear (&self->layer[i]);
  unet_alpha_row_clear (&self->row);
  g_clear_pointer (&self->colors, gst_video_converter_free);
  unet_converter_free (self->unpacked);
  unet_decontaminate_free (self->decontaminate);
  unet_clear_hidden_free (self->clear_hidden);
  g_free (self->keep);
  g_free (self);
}

void
unet_cutout_set_palette (UnetCutout *self, const guint32 *argb, guint n_colors)
{
  for (guint i = 0; i < 256; i++) {
    const guint32 color = i < n_colors ? argb[i] : unet_palette_default (i);

    self->style[i].gain = (guint8) (color >> 24);
    self->silent[i].gain = i > 0 ? 255 : 0;
  }
  self->background = self->style[0].gain;
  self->style[0].gain = 0;
}

void
unet_cutout_set_clears_hidden (UnetCutout *self, gboolean clears)
{
  self->clears_hidden = clears;
}

/* ---- colours ---------------------------------------------------------- */

static guint8 *
row_pointer (const GstVideoFrame *frame, guint plane, guint y)
{
  return (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, plane)
      + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
}

static void
copy_row (UnetCutout *self, const guint8 *src, guint8 *dst, guint index)
{
  const UnetLayoutComponent *from = &self->from.component[index];
  const UnetLayoutComponent *to = &self->to.component[index];
  const guint n = GST_VIDEO_SUB_SCALE (to->w_sub, (guint) self->in.width);
  const UnetSample16 *src16 = (const UnetSample16 *) src + from->offset;
  UnetSample16 *dst16 = (UnetSample16 *) dst + to->offset;

  src += from->offset;
  dst += to->offset;
  if (self->from.bytes == 1 && is_widened (self, index))
    unet_widen_samples_u8 (dst, to->step, src, from->step, self->cosited, n);
  else if (self->from.bytes == 1)
    unet_copy_samples_u8 (dst, to->step, src, from->step, n);
  else if (is_widened (self, index))
    unet_widen_samples_u16 (
        dst16, to->step, src16, from->step, self->cosited, n);
  else
    unet_copy_samples_u16 (dst16, to->step, self->to.shift, src16, from->step,
        self->from.shift, n);
}

/* Grey has chroma in the middle of its range. */
static void
fill_component (UnetCutout *self, GstVideoFrame *out, guint index)
{
  const UnetLayoutComponent *to = &self->to.component[index];
  const guint n = GST_VIDEO_SUB_SCALE (to->w_sub, (guint) out->info.width);
  const guint rows = GST_VIDEO_SUB_SCALE (to->h_sub, (guint) out->info.height);
  const guint value = 1u << (self->to.depth - 1) << self->to.shift;

  for (guint y = 0; y < rows; y++) {
    guint8 *dst = row_pointer (out, to->plane, y);

    for (guint x = 0; x < n; x++) {
      if (self->to.bytes == 1)
        dst[to->offset + x * to->step] = (guint8) value;
      else
        ((UnetSample16 *) dst)[to->offset + x * to->step] = (guint16) value;
    }
  }
}

/* Copies whole pixels; alpha is written afterwards. */
static void
copy_pixels (UnetCutout *self, const GstVideoFrame *in, GstVideoFrame *out)
{
  const gsize n =
      (gsize) self->in.width * self->from.component[0].step * self->from.bytes;

  for (guint y = 0; y < (guint) self->in.height; y++)
    memcpy (row_pointer (out, 0, y), row_pointer (in, 0, y), n);
}

static void
copy_colors (UnetCutout *self, const GstVideoFrame *in, GstVideoFrame *out)
{
  for (guint i = 0; i < self->to.n_components; i++) {
    const UnetLayoutComponent *from = &self->from.component[i];
    const UnetLayoutComponent *to = &self->to.component[i];
    const guint rows =
        GST_VIDEO_SUB_SCALE (to->h_sub, (guint) out->info.height);

    if (i >= self->from.n_components) {
      fill_component (self, out, i);
      continue;
    }
    for (guint y = 0; y < rows; y++)
      copy_row (self, row_pointer (in, from->plane, y),
          row_pointer (out, to->plane, y), i);
  }
}

/* ---- alpha ------------------------------------------------------------ */

static void
add_row (UnetCutout *self, UnetAlpha *layer, guint y)
{
  UnetAlphaRow *row = &self->row;

  unet_alpha_get_row (layer, y, row);
  for (guint i = 0; i < row->n_spans; i++)
    for (guint x = row->spans[i].start; x < row->spans[i].end; x++)
      self->keep[x] = (guint8) MIN (self->keep[x] + row->alpha[x], 255);
}

/* Computes a row of alpha. Pixels outside the mask are background. */
static void
make_row (
    UnetCutout *self, guint y, const UnetMask *mask, const gboolean drawn[2])
{
  const UnetAlpha *front = &self->layer[0];

  memset (self->keep, self->background, (guint) self->in.width);
  if (!mask || y < front->top || y >= front->bottom)
    return;
  memset (self->keep + front->left, 0, front->right - front->left);
  for (guint i = 0; i < 2; i++)
    if (drawn[i])
      add_row (self, &self->layer[i], y);
}

static void
apply_row (UnetCutout *self, GstVideoFrame *out, guint y)
{
  /* Whatever a conversion has written there. */
  const gboolean opaque = self->in.finfo->n_components < 4;
  const UnetAlphaSamples *alpha = &self->alpha;
  const guint n = (guint) self->in.width;
  guint8 *dst8 = unet_alpha_samples_get_row (alpha, out, y);
  UnetSample16 *dst16 = (UnetSample16 *) dst8;

  if (alpha->bytes == 1 && opaque)
    unet_set_alpha_u8 (dst8, alpha->step, self->keep, n);
  else if (alpha->bytes == 1)
    unet_scale_alpha_u8 (dst8, alpha->step, self->keep, n);
  else if (opaque)
    unet_set_alpha_u16 (
        dst16, alpha->step, alpha->depth, alpha->shift, self->keep, n);
  else
    unet_scale_alpha_u16 (dst16, alpha->step, alpha->shift, self->keep, n);
}

static gboolean
begin_layer (
    UnetCutout *self, guint index, const UnetMask *mask, gdouble threshold)
{
  const gboolean several = mask->n_classes > 2;
  UnetAlphaStyle style = { threshold };

  if (index == 0) {
    style.gain = several ? 1 : self->style[1].gain / 255.0;
    style.classes = several ? self->style : NULL;
  } else {
    style.gain = self->background / 255.0;
    style.invert = TRUE;
    style.classes = several ? self->silent : NULL;
  }
  return unet_alpha_begin (&self->layer[index], mask, &style);
}

/* Soft edges of refined masks lose the background's colour. Formats that need
 * a converter for alpha keep it: their frames are not at hand. */
static void
clean_edges (UnetCutout *self, GstVideoFrame *out, const UnetMask *mask)
{
  UnetPixelLayout layout;

  if (!mask || mask->class_map || mask->width != (guint) self->out.width
      || mask->height != (guint) self->out.height
      || !unet_pixel_layout_init (&layout, &self->out))
    return;
  if (!self->decontaminate)
    self->decontaminate = unet_decontaminate_new (&self->out);
  if (self->decontaminate)
    unet_decontaminate_run (self->decontaminate, out, mask);
}

static void
clear_hidden (UnetCutout *self, GstVideoFrame *frame)
{
  if (!self->clear_hidden)
    self->clear_hidden = unet_clear_hidden_new (&frame->info);
  if (self->clear_hidden)
    unet_clear_hidden_run (self->clear_hidden, frame);
}

void
unet_cutout_run (UnetCutout *self, const GstVideoFrame *in, GstVideoFrame *out,
    const UnetMask *mask, gdouble threshold)
{
  gboolean drawn[2] = { FALSE, FALSE };
  GstVideoFrame *target = out;

  if (self->same)
    copy_pixels (self, in, out);
  else if (self->copies)
    copy_colors (self, in, out);
  else if (self->colors)
    gst_video_converter_frame (self->colors, in, out);
  if (mask) {
    drawn[0] = begin_layer (self, 0, mask, threshold);
    drawn[1] = self->background > 0 && begin_layer (self, 1, mask, threshold);
  }
  if (self->background == 0)
    clean_edges (self, out, mask);
  if (self->unpacked) {
    unet_converter_read (self->unpacked, out);
    target = &self->unpacked->frame;
  }
  for (guint y = 0; y < (guint) self->out.height; y++) {
    make_row (self, y, mask, drawn);
    apply_row (self, target, y);
  }
  if (self->clears_hidden)
    clear_hidden (self, target);
  if (self->unpacked)
    unet_converter_write (self->unpacked, out);
}
