/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pixels to tensors and back: fit, colour, normalisation; activation, class
 * map; drawing. Works on mapped GstVideoFrames, knows nothing of oneDNN or of
 * elements. Objects belong to one streaming thread at a time; nothing here
 * allocates per frame. Exported for the plugin and the program, not public. */

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Of a side of the network's picture, as of GStreamer's: a row is little
 * memory, and nobody asks whether it could be had. */
#define UNET_MAX_PICTURE_SIZE 32767

/* ---- placement -------------------------------------------------------- */

/* Which rectangle of the frame goes to which rectangle of the network's
 * input; around it the tensor is filled. */
typedef struct {
  gdouble src_x, src_y, src_w, src_h; /* in the frame, pixels */
  gint dst_x, dst_y, dst_w, dst_h;    /* in the network's input, pixels */
  gboolean mirror; /* fill by reflection (valid convolutions, Ronneberger et
                    * al. 2015, section 2), else with black before
                    * normalisation */
  /* What makes the buffer's picture upright. Everything above is upright, and
   * so is the tensor; frames and masks are as the buffer has them. */
  GstVideoOrientationMethod orientation;
  guint frame_width, frame_height; /* upright */
} UnetPlacement;

/* @frame_*, @par_*: of the upright frame. @window_*: the part of the input that
 * the output covers (the whole input for same-padded networks). The orientation
 * is set to that of an upright buffer. */
UNET_API void unet_placement_init (UnetPlacement *placement, UnetFit fit,
    guint frame_width, guint frame_height, guint par_n, guint par_d,
    guint input_width, guint input_height, gdouble window_x, gdouble window_y,
    gdouble window_width, gdouble window_height);
/* As @contract has it: its fit or, with `input-size=video`, one frame pixel to
 * an input pixel and reflection around. */
UNET_API void unet_placement_init_for (UnetPlacement *placement,
    const UnetContract *contract, guint frame_width, guint frame_height,
    guint par_n, guint par_d, guint input_width, guint input_height,
    gdouble window_x, gdouble window_y, gdouble window_width,
    gdouble window_height);

/* ---- pixels to tensor ------------------------------------------------- */

typedef struct _UnetPreprocess UnetPreprocess;

/* Area-averaging down, bilinear up, straight from every format whose samples
 * are bytes or native words of their own (4:2:0, 4:2:2 and 4:4:4 YUV, RGB and
 * grey, planar or packed, 8 to 16 bits); the others (packed bit fields, tiles,
 * foreign byte order) are unpacked by GstVideoConverter first. @contract must
 * be resolved. */
UNET_API UnetPreprocess *unet_preprocess_new (const GstVideoInfo *info,
    const UnetContract *contract, guint input_width, guint input_height,
    const UnetPlacement *placement, GError **error);
UNET_API void unet_preprocess_free (UnetPreprocess *self);
/* @tensor: input_width * input_height * channels floats in the contract's
 * layout. @frame: mapped for reading, of the info given. */
UNET_API void unet_preprocess_run (
    UnetPreprocess *self, const GstVideoFrame *frame, gfloat *tensor);

/* ---- masks ------------------------------------------------------------- */

/* A mask at model resolution: the part of the output that holds picture. */
typedef struct {
  guint width, height;
  guint n_classes;     /* with background */
  guint8 *class_map;   /* class ids, 0 = background; stride = width */
  guint8 *probability; /* of the pixel's class if not background, else of the
                        * best other class; for one foreground class: its
                        * probability; 0..255; stride = width */
  gdouble x, y, w, h;  /* rectangle of the frame that it covers, pixels */
} UnetMask;

/* The smallest rectangle of the frame with every pixel of class @id, in pixels:
 * x, y, width, height; FALSE where there is none. */
UNET_API gboolean unet_mask_find_box (
    const UnetMask *mask, guint id, gdouble box[4]);

/* ---- masks through time ------------------------------------------------ */

/* A frame at a mask's resolution. */
typedef struct _UnetGuide UnetGuide;

typedef struct _UnetTemporal UnetTemporal;

/* Holds masks still where the picture is still, and takes new ones as they are
 * where it changes. @info: of the frames; @shape: of the masks as they lie on
 * frames, without data; @orientation: what makes both upright, as values are
 * when they come. */
UNET_API UnetTemporal *unet_temporal_new (const GstVideoInfo *info,
    const UnetMask *shape, GstVideoOrientationMethod orientation,
    GError **error);
UNET_API void unet_temporal_free (UnetTemporal *self);
/* Forgets everything: the next mask is taken as it is. */
UNET_API void unet_temporal_reset (UnetTemporal *self);
/* The frame of which a mask comes next. @elapsed since the last one and
 * @time_constant, after which 1 / e is left of what was held, in the same unit
 * of time; 0 holds nothing. */
UNET_API void unet_temporal_look (UnetTemporal *self,
    const GstVideoFrame *frame, gdouble elapsed, gdouble time_constant);
/* The frame of the last look, good until the next one. */
UNET_API const UnetGuide *unet_temporal_get_guide (UnetTemporal *self);
/* How much of the picture the last look found changed, 0..1; 1 at a cut. */
UNET_API gdouble unet_temporal_get_changed (UnetTemporal *self);

typedef struct _UnetScene UnetScene;

/* Whether a scene is still that of an earlier frame. */
UNET_API UnetScene *unet_scene_new (
    const GstVideoInfo *info, const UnetMask *shape, GError **error);
UNET_API void unet_scene_free (UnetScene *self);
/* Largest difference of a block of 8x8 mask pixels to the frame that was kept,
 * as a mean over the block, of components of 0..1; 1 where none was kept. */
UNET_API gdouble unet_scene_compare (
    UnetScene *self, const GstVideoFrame *frame);
/* Keeps the frame that was compared last. */
UNET_API void unet_scene_keep (UnetScene *self);
UNET_API void unet_scene_forget (UnetScene *self);

typedef struct _UnetCarry UnetCarry;

/* Takes masks along with what they cover to frames after their own. @shape: of
 * the masks as they lie on frames, without data. */
UNET_API UnetCarry *unet_carry_new (
    const GstVideoInfo *info, const UnetMask *shape, GError **error);
UNET_API void unet_carry_free (UnetCarry *self);
/* The frame that the next calls are about. */
UNET_API void unet_carry_look (UnetCarry *self, const GstVideoFrame *frame);
/* The frame looked at last is the one that a mask is being made of. */
UNET_API void unet_carry_keep (UnetCarry *self);
/* That mask is there: it is the one that is carried from now on. */
UNET_API void unet_carry_begin (UnetCarry *self);
UNET_API void unet_carry_forget (UnetCarry *self);
/* Whether anything has moved between the frame of the mask in use and the one
 * looked at last; FALSE also where nobody can tell. */
UNET_API gboolean unet_carry_find (UnetCarry *self);
/* Fills @to with @from, the mask in use, moved as found. @threshold: a
 * foreground pixel's least probability; of several classes each stays with its
 * probability. */
UNET_API void unet_carry_run (
    UnetCarry *self, const UnetMask *from, gdouble threshold, UnetMask *to);

/* ---- tensor to mask --------------------------------------------------- */

typedef struct _UnetPostprocess UnetPostprocess;

/* @output: shape of the output tensor (dtype F32 or an integer type for
 * argmax), rank 2 to 4; @window_*: as unet_session_get_output_window(). */
UNET_API UnetPostprocess *unet_postprocess_new (const UnetContract *contract,
    const UnetTensorInfo *output, guint input_width, guint input_height,
    const UnetPlacement *placement, gdouble window_x, gdouble window_y,
    gdouble window_width, gdouble window_height, GError **error);
UNET_API void unet_postprocess_free (UnetPostprocess *self);
/* Size of the mask, classes and the rectangle it covers, without data. */
UNET_API void unet_postprocess_get_info (UnetPostprocess *self, UnetMask *mask);
/* (nullable): probabilities go through @temporal, which the caller keeps,
 * before any threshold; class numbers of an argmax do not. */
UNET_API void unet_postprocess_set_temporal (
    UnetPostprocess *self, UnetTemporal *temporal);
/* @threshold: 0..1, a foreground pixel's least probability. Fills
 * mask->class_map and mask->probability, which the caller allocated. */
UNET_API void unet_postprocess_run (UnetPostprocess *self, gconstpointer tensor,
    gdouble threshold, UnetMask *mask);

/* ---- edges ------------------------------------------------------------- */

typedef struct {
  gboolean guided;        /* edges move to those of the picture */
  gdouble low, high;      /* probabilities of no and of full coverage */
  gint grow;              /* pixels outwards, or inwards where negative */
  guint feather;          /* pixels on either side, at most 100 */
  gdouble time_constant;  /* of edges while nothing changes; 0: none are held */
  gdouble elapsed;        /* since the last frame, in the same unit */
  const UnetGuide *guide; /* (nullable): the frame as somebody has read it
                           * already; else, or where it is of another size, it
                           * is read */
} UnetRefineOptions;

typedef struct _UnetRefine UnetRefine;

/* Masks at the frame's resolution. Takes every format that
 * unet_preprocess_new() does. %NULL where there is no memory. */
UNET_API UnetRefine *unet_refine_new (const GstVideoInfo *info);
UNET_API void unet_refine_free (UnetRefine *self);
/* Forgets what is held. */
UNET_API void unet_refine_reset (UnetRefine *self);
/* @frame: mapped for reading. Returns: (nullable): the coverage of each pixel
 * as the probability of a mask as large as the frame, without class map, good
 * until the next call. */
UNET_API const UnetMask *unet_refine_run (UnetRefine *self,
    const GstVideoFrame *frame, const UnetMask *mask,
    const UnetRefineOptions *options);

/* A line @width pixels wide along the edges of the last result. Fills and
 * returns @outline, good as long as that; %NULL where there is no memory. */
UNET_API const UnetMask *unet_refine_get_outline (
    UnetRefine *self, guint width, UnetMask *outline);

/* ---- drawing ---------------------------------------------------------- */

typedef struct _UnetOverlay UnetOverlay;

/* Blends class colours into frames of @info: in place in every format that
 * unet_preprocess_new() reads itself (4:1:1 and 4:1:0 excepted), through
 * GstVideoConverter in the rest. Samples of the background stay as they are in
 * either case; in the latter, bits that mean nothing to the format may not. */
UNET_API UnetOverlay *unet_overlay_new (
    const GstVideoInfo *info, GError **error);
UNET_API void unet_overlay_free (UnetOverlay *self);
/* @argb: one 0xAARRGGBB colour per class, full-range sRGB-coded; entry 0 is
 * the background's; alpha 0 draws nothing. Converted with the stream's matrix
 * and range. */
UNET_API void unet_overlay_set_palette (
    UnetOverlay *self, const guint32 *argb, guint n_colors);
/* @frame: mapped read-write. @opacity 0..1. The mask is upscaled bilinearly in
 * probability with a soft edge round the threshold. Pixels of the background
 * stay bit-exact. */
UNET_API void unet_overlay_draw (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *mask, gdouble opacity, gdouble threshold);

/* @frame: mapped read-write. @coverage: of unet_refine_run(), on what is kept.
 * The rest is blurred, as if what is kept were not there. @radius: standard
 * deviation in pixels, at least 1. */
UNET_API void unet_overlay_blur (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *coverage, gdouble radius);
/* The rest becomes @picture (of unet_overlay_get_info()), or a colour where
 * that is %NULL; alpha does not count. */
UNET_API void unet_overlay_replace (UnetOverlay *self, GstVideoFrame *frame,
    const UnetMask *coverage, guint32 argb, const GstVideoFrame *picture);
/* What is drawn on: the stream's info where its format is drawn on directly. */
UNET_API const GstVideoInfo *unet_overlay_get_info (UnetOverlay *self);

/* ---- the mask as a picture --------------------------------------------- */

typedef struct _UnetMaskPicture UnetMaskPicture;

UNET_API UnetMaskPicture *unet_mask_picture_new (guint width, guint height);
UNET_API void unet_mask_picture_free (UnetMaskPicture *self);
/* @frame: GRAY8, mapped for writing. With one class beside the background its
 * probability, bilinear, 255 = 1; else class numbers, in which @threshold and
 * the smoothness of borders are those of the overlay. @mask: (nullable): all of
 * it is background, as is what the mask does not cover. */
UNET_API void unet_mask_picture_draw (UnetMaskPicture *self,
    GstVideoFrame *frame, const UnetMask *mask, gdouble threshold);

/* ---- the foreground alone ---------------------------------------------- */

typedef struct _UnetCutout UnetCutout;

/* The format next to @format that has alpha; @format itself if it has. */
UNET_API GstVideoFormat unet_cutout_get_format (GstVideoFormat format);
/* @out: as @in, in unet_cutout_get_format(). Colours go over unchanged in every
 * format whose samples only move; others go through GstVideoConverter. */
UNET_API UnetCutout *unet_cutout_new (
    const GstVideoInfo *in, const GstVideoInfo *out, GError **error);
UNET_API void unet_cutout_free (UnetCutout *self);
/* As for the overlay; the colours' alpha is that of the classes' pixels. */
UNET_API void unet_cutout_set_palette (
    UnetCutout *self, const guint32 *argb, guint n_colors);
/* Straight alpha, multiplied with what is there. @in: (nullable) where formats
 * are equal, then @out is mapped read-write and holds the frame. @mask:
 * (nullable): all is background. */
UNET_API void unet_cutout_run (UnetCutout *self, const GstVideoFrame *in,
    GstVideoFrame *out, const UnetMask *mask, gdouble threshold);

/* Default colours: [0] transparent, then distinct hues. */
UNET_API guint32 unet_palette_default (guint index);

G_END_DECLS
