/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way from frames of one kind to their masks, but for the network: pixels
 * to the input tensor, and output tensor to a mask. */

#include "base/export.h"
#include "frame/format/region.h"
#include "frame/input/preprocess.h"
#include "frame/mask/postprocess.h"
#include "frame/time/guide.h"
#include "frame/time/temporal-filter.h"
#include "segment/mask-pool.h"
#include "segment/output-copy.h"
#include "session/symmetries.h"
#include "session/tiles.h"

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* What the network sees of a frame, as a whole or in tiles. */
typedef struct {
  guint width, height;
  gdouble x, y, w, h;      /* the part of it that the output covers */
  UnetTensorInfo output;   /* of one picture */
  UnetPlacement placement; /* of the frame in it */
  UnetPlacement mask;      /* the part of that which masks cover */
} UnetFrameView;

/* Reads, runs and fills several regions of a frame in place of a path's own
 * steps. All take what was given with it; threads are those of the path. */
typedef struct {
  void (*read) (
      gpointer parts, UnetSession *session, const GstVideoFrame *frame);
  gboolean (*run) (
      gpointer parts, UnetSession *session, gdouble threshold, GError **error);
  void (*fill) (gpointer parts, gdouble threshold, UnetMask *mask);
  void (*free) (gpointer parts);
} UnetFramePartsClass;

/* Reference-counted, so that a run that is under way outlives a change of
 * caps. Reading comes from the streaming thread; running and filling from the
 * thread that runs the network. The two never overlap. */
typedef struct {
  gatomicrefcount ref_count;
  GstVideoInfo info;
  GstVideoOrientationMethod orientation; /* makes frames upright */
  UnetRegion region;                     /* that masks cover */
  guint input, output;                   /* indices of the session's tensors */
  UnetFrameView view;
  UnetTiles *tiles;           /* (nullable): fit=tile */
  UnetSymmetries *symmetries; /* (nullable): no tta, or tiles, which have it */
  const UnetFramePartsClass *parts_class;
  gpointer parts;             /* (nullable): one region, or the whole frame */
  guint n_runs;               /* of the parts */
  UnetPreprocess *preprocess; /* (nullable): there are parts */
  gpointer kept;              /* (nullable): the input, until the run */
  gfloat *samples; /* (nullable): scratch: the picture input takes no f32 */
  gsize n_samples;
  UnetDType dtype;              /* of that input */
  UnetPostprocess *postprocess; /* (nullable): a reader, or parts */
  UnetMask shape;               /* of the masks, without data */
  UnetTemporal *temporal;       /* (nullable): no mask was smoothed yet */
  gboolean smooths;             /* the frame that was read last */
  UnetMaskPool pool;
  GPtrArray *output_pools; /* (nullable): no outputs were copied yet */
  UnetSegClasses *classes;
} UnetFramePath;

/* Names what a frame path is made for. */
typedef struct {
  const GstVideoInfo *info;
  GstVideoOrientationMethod orientation;
  const UnetContract *contract;
  guint input, output; /* indices of the session's tensors */
  UnetRegion region;   /* of the frame as it lies, within it */
} UnetFrameKind;

/* Size of the network's input for frames of @kind, whatever its region. */
void unet_frame_kind_choose_size (
    const UnetFrameKind *kind, UnetModel *model, guint *width, guint *height);

/* @session: of that size. Returns %NULL with %UNET_ERROR set where the contract
 * does not fit the network's tensors. */
UNET_INTERNAL_API UnetFramePath *unet_frame_path_new (
    const UnetFrameKind *kind, UnetSession *session, GError **error);
/* The same without masks, whatever the output is: it reads and runs. */
UNET_INTERNAL_API UnetFramePath *unet_frame_path_new_reader (
    const UnetFrameKind *kind, UnetSession *session, GError **error);
/* The same for frames of @kind of which regions are read. @n_runs: of
 * the network for a frame. @parts:
 * (transfer full): even where it fails. @shape: of the masks, without planes.
 * Its masks are not smoothed in time, and it has no outputs to copy. */
UnetFramePath *unet_frame_path_new_of_parts (const UnetFrameKind *kind,
    const UnetFramePartsClass *parts_class, gpointer parts, guint n_runs,
    const UnetMask *shape, UnetSession *session, GError **error);
/* Keeps what is read in memory of its own until the run. Returns FALSE with
 * %UNET_ERROR set where there is none. */
gboolean unet_frame_path_keep_input (
    UnetFramePath *self, UnetSession *session, GError **error);
/* Adds masks to a reader. Returns FALSE with %UNET_ERROR set, and leaves the
 * reader as it was, where the output cannot be a mask. */
UNET_INTERNAL_API gboolean unet_frame_path_add_masks (UnetFramePath *self,
    const UnetContract *contract, UnetSession *session, GError **error);
UnetFramePath *unet_frame_path_ref (UnetFramePath *self);
UNET_INTERNAL_API void unet_frame_path_unref (UnetFramePath *self);

/* Returns whether frames of @info are of the kind that @self was made for. The
 * frame rate does not matter. */
gboolean unet_frame_path_takes (
    const UnetFramePath *self, const GstVideoInfo *info);

/* Writes @frame, mapped for reading, into the input of @session.
 * @time_constant: milliseconds after which 1/e of an old mask is left where the
 * picture is still; 0: no smoothing. @elapsed: milliseconds since the last
 * frame that was read; 0: smoothing begins anew. */
UNET_INTERNAL_API void unet_frame_path_read (UnetFramePath *self,
    UnetSession *session, const GstVideoFrame *frame, gdouble elapsed,
    gdouble time_constant);
/* (nullable) (transfer none): the frame that was read last, at the mask's
 * resolution; good until the next one. */
const UnetGuide *unet_frame_path_get_guide (UnetFramePath *self);
/* Runs the network on what was read. Returns FALSE with @error set. */
UNET_INTERNAL_API gboolean unet_frame_path_run (
    UnetFramePath *self, UnetSession *session, GError **error);
/* Returns (transfer none) (nullable): output @index after a run, good until the
 * next one, and its shape in @info. With tiles only the contract's output is
 * joined: %NULL for the others. */
UNET_INTERNAL_API gconstpointer unet_frame_path_get_output (UnetFramePath *self,
    UnetSession *session, guint index, const UnetTensorInfo **info);
/* Copies all outputs of a run; with tiles the contract's alone, the only one
 * that is joined. Returns: (transfer full) (element-type UnetOutputCopy): the
 * copies, or %NULL with @error set where there is no memory. */
GArray *unet_frame_path_copy_outputs (
    UnetFramePath *self, UnetSession *session, GError **error);
/* The same, and with several regions makes the mask of each by
 * @threshold. */
gboolean unet_frame_path_run_all (UnetFramePath *self, UnetSession *session,
    gdouble threshold, GError **error);
/* Makes a mask of the output; not for a reader. @threshold: 0..1, the least
 * probability of a foreground pixel. Returns FALSE with @error set where there
 * is no memory. */
UNET_INTERNAL_API gboolean unet_frame_path_fill (UnetFramePath *self,
    UnetSession *session, gdouble threshold, UnetMaskBuffers *mask,
    GError **error);
/* The next frame is the first of another scene. */
void unet_frame_path_reset (UnetFramePath *self);
/* Returns how often a frame runs the network. */
guint unet_frame_path_get_n_runs (const UnetFramePath *self);
/* Measures reading and filling with a black frame, in nanoseconds. */
guint64 unet_frame_path_measure (UnetFramePath *self, UnetSession *session);

G_END_DECLS
