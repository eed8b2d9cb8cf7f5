/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How good masks are beside the network, in the defaults of a live pipeline:
 *   masks boundary DATA [PICTURES]  edges of validation pictures
 *   masks flicker VIDEO             a still scene with sensor noise
 *   masks lag IMAGE MASK VIDEO      a cut-out moved over a background
 *   masks reuse VIDEO               older masks, as they were and carried along
 * DATA has KIND/images/NAME.jpg and KIND/masks/NAME.png. Not a test. */
#include <frame/format/placement.h>
#include <frame/input/preprocess.h>
#include <frame/format/mask.h>
#include <frame/time/temporal-filter.h>
#include <frame/time/mask-motion.h>
#include <frame/mask/postprocess.h>
#include <frame/edges/refine.h>
#include <gst/app/gstappsink.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOW           0.3
#define HIGH          0.7
#define TIME_CONSTANT 150.0
/* IoU of a person who has been found. */
#define FOUND 0.8

typedef struct {
  UnetModel *model;
  UnetContract *contract;
  UnetSession *session;
  guint width, height;
  GstVideoInfo info;
  UnetPreprocess *preprocess;
  UnetPostprocess *postprocess;
  UnetTemporal *temporal;
  UnetRefine *refine;
  UnetMask raw, held; /* of the network alone, and after the temporal filter */
} Chain;

/* ---- the network ------------------------------------------------------ */

static void
chain_init (Chain *self, const gchar *model)
{
  GError *error = NULL;

  memset (self, 0, sizeof *self);
  self->model = unet_model_load (model, &error);
  if (!self->model)
    g_error ("%s", error->message);
  self->contract = unet_model_get_contract (self->model, NULL, &error);
}

/* As the element does it, of a size that goes with the frames. */
static void
chain_set_size (Chain *self, guint frame_width, guint frame_height)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  guint width, height;
  GError *error = NULL;

  unet_model_choose_size (
      self->model, self->contract, frame_width, frame_height, &width, &height);
  if (self->session && width == self->width && height == self->height)
    return;
  options.threads = 1;
  options.tuning = UNET_TUNING_STATIC;
  g_clear_pointer (&self->session, unet_session_unref);
  self->width = width;
  self->height = height;
  self->session = unet_session_new_for_size (
      self->model, self->contract, width, height, &options, &error);
  if (!self->session)
    g_error ("%s", error->message);
}

static void
alloc_mask (UnetMask *mask)
{
  g_free (mask->class_map);
  g_free (mask->probability);
  mask->class_map = g_malloc ((gsize) mask->width * mask->height);
  mask->probability = g_malloc ((gsize) mask->width * mask->height);
}

static void
chain_set_info (Chain *self, const GstVideoInfo *info)
{
  UnetPlacement p;

  self->info = *info;
  chain_set_size (self, info->width, info->height);
  unet_placement_init (&p, self->contract->fit, info->width, info->height, 1, 1,
      self->width, self->height, 0, 0, self->width, self->height);
  unet_preprocess_free (self->preprocess);
  unet_postprocess_free (self->postprocess);
  unet_temporal_free (self->temporal);
  unet_refine_free (self->refine);
  self->preprocess = unet_preprocess_new (
      info, self->contract, self->width, self->height, &p, NULL);
  self->postprocess = unet_postprocess_new (self->contract,
      unet_session_get_output_info (self->session, 0), self->width,
      self->height, &p, 0, 0, self->width, self->height, NULL);
  unet_postprocess_get_info (self->postprocess, &self->raw);
  unet_postprocess_get_info (self->postprocess, &self->held);
  self->raw.class_map = self->raw.probability = NULL;
  self->held.class_map = self->held.probability = NULL;
  alloc_mask (&self->raw);
  alloc_mask (&self->held);
  self->temporal = unet_temporal_new (
      info, &self->raw, GST_VIDEO_ORIENTATION_IDENTITY, NULL);
  self->refine = unet_refine_new (info);
}

static void
chain_run (Chain *self, GstVideoFrame *frame, gdouble elapsed)
{
  const gfloat *output;

  unet_preprocess_run (
      self->preprocess, frame, unet_session_get_input_data (self->session, 0));
  unet_session_run (self->session, NULL);
  output = unet_session_get_output_data (self->session, 0);
  unet_postprocess_set_temporal (self->postprocess, NULL);
  unet_postprocess_run (self->postprocess, output, 0.5, &self->raw);
  unet_temporal_read_frame (self->temporal, frame, elapsed, TIME_CONSTANT);
  unet_postprocess_set_temporal (self->postprocess, self->temporal);
  unet_postprocess_run (self->postprocess, output, 0.5, &self->held);
}

static const UnetMask *
chain_refine (Chain *self, GstVideoFrame *frame, gdouble elapsed)
{
  const UnetRefineOptions options = { TRUE, LOW, HIGH, 0, 0, TIME_CONSTANT,
    elapsed };

  return unet_refine_run (self->refine, frame, &self->held, &options);
}

/* Bilinear between the centres of mask pixels. */
static void
enlarge (const UnetMask *mask, guint width, guint height, gfloat *dst)
{
  for (guint y = 0; y < height; y++) {
    const gdouble v = CLAMP ((y + 0.5 - mask->y) * mask->height / mask->h - 0.5,
        0, mask->height - 1.0);
    const guint y0 = (guint) v, y1 = MIN (y0 + 1, mask->height - 1);

    for (guint x = 0; x < width; x++) {
      const gdouble u =
          CLAMP ((x + 0.5 - mask->x) * mask->width / mask->w - 0.5, 0,
              mask->width - 1.0);
      const guint x0 = (guint) u, x1 = MIN (x0 + 1, mask->width - 1);
      const guint8 *a = mask->probability + y0 * mask->width;
      const guint8 *b = mask->probability + y1 * mask->width;
      const gdouble f = u - x0, g = v - y0;

      dst[(gsize) y * width + x] =
          (gfloat) (((a[x0] * (1 - f) + a[x1] * f) * (1 - g)
                        + (b[x0] * (1 - f) + b[x1] * f) * g)
              / 255);
    }
  }
}

/* ---- pictures --------------------------------------------------------- */

typedef struct {
  GstElement *pipeline;
  GstAppSink *sink;
  GstSample *sample;
  GstVideoInfo info;
  GstVideoFrame frame;
} Reader;

static gboolean
reader_init (Reader *self, const gchar *path, const gchar *caps)
{
  g_autofree gchar *text =
      g_strdup_printf ("filesrc name=src ! decodebin ! "
                       "videoconvert ! %s ! appsink name=sink sync=false",
          caps);
  GstElement *src;

  memset (self, 0, sizeof *self);
  self->pipeline = gst_parse_launch (text, NULL);
  src = gst_bin_get_by_name (GST_BIN (self->pipeline), "src");
  g_object_set (src, "location", path, NULL);
  gst_object_unref (src);
  self->sink =
      (GstAppSink *) gst_bin_get_by_name (GST_BIN (self->pipeline), "sink");
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  return TRUE;
}

static void
reader_drop (Reader *self)
{
  if (!self->sample)
    return;
  gst_video_frame_unmap (&self->frame);
  g_clear_pointer (&self->sample, gst_sample_unref);
}

static gboolean
reader_next (Reader *self)
{
  reader_drop (self);
  self->sample = gst_app_sink_pull_sample (self->sink);
  if (!self->sample)
    return FALSE;
  gst_video_info_from_caps (&self->info, gst_sample_get_caps (self->sample));
  return gst_video_frame_map (&self->frame, &self->info,
      gst_sample_get_buffer (self->sample), GST_MAP_READ);
}

static void
reader_clear (Reader *self)
{
  reader_drop (self);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->sink);
  gst_object_unref (self->pipeline);
}

static guint8 *
load_mask (const gchar *path, guint *width, guint *height)
{
  Reader reader;
  guint8 *mask = NULL;

  reader_init (&reader, path, "video/x-raw,format=GRAY8");
  if (reader_next (&reader)) {
    *width = reader.info.width;
    *height = reader.info.height;
    mask = g_malloc ((gsize) *width * *height);
    for (guint y = 0; y < *height; y++)
      for (guint x = 0; x < *width; x++)
        mask[(gsize) y * *width + x] =
            ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&reader.frame,
                0))[y * GST_VIDEO_FRAME_PLANE_STRIDE (&reader.frame, 0) + x]
            > 127;
  }
  reader_clear (&reader);
  return mask;
}

/* ---- boundary IoU (Cheng et al., CVPR 2021) --------------------------- */

/* Pixels of the mask at most @width from its outline or the border. */
static void
find_band (const guint8 *mask, guint w, guint h, guint d, guint8 *band)
{
  guint32 *sums = g_new0 (guint32, (gsize) (w + 1) * (h + 1));

  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      sums[(gsize) (y + 1) * (w + 1) + x + 1] = mask[(gsize) y * w + x]
          + sums[(gsize) y * (w + 1) + x + 1]
          + sums[(gsize) (y + 1) * (w + 1) + x] - sums[(gsize) y * (w + 1) + x];
  for (guint y = 0; y < h; y++) {
    for (guint x = 0; x < w; x++) {
      const gboolean inside = x >= d && y >= d && x + d < w && y + d < h;
      guint32 n = 0;

      if (inside)
        n = sums[(gsize) (y + d + 1) * (w + 1) + x + d + 1]
            - sums[(gsize) (y - d) * (w + 1) + x + d + 1]
            - sums[(gsize) (y + d + 1) * (w + 1) + x - d]
            + sums[(gsize) (y - d) * (w + 1) + x - d];
      band[(gsize) y * w + x] = mask[(gsize) y * w + x]
          && n != (2 * d + 1) * (2 * d + 1);
    }
  }
  g_free (sums);
}

static gdouble
iou (const guint8 *a, const guint8 *b, gsize n)
{
  gsize both = 0, either = 0;

  for (gsize i = 0; i < n; i++) {
    both += a[i] && b[i];
    either += a[i] || b[i];
  }
  return either ? (gdouble) both / either : 1;
}

typedef struct {
  gdouble boundary, area, error;
} Score;

static Score
score (const gfloat *q, const guint8 *truth, guint w, guint h)
{
  const gsize n = (gsize) w * h;
  const guint d = MAX (1, (guint) (0.02 * hypot (w, h) + 0.5));
  guint8 *found = g_malloc (n), *a = g_malloc (n), *b = g_malloc (n);
  Score s = { 0 };

  for (gsize i = 0; i < n; i++) {
    found[i] = q[i] > 0.5f;
    s.error += fabs (q[i] - truth[i]) / n;
  }
  find_band (found, w, h, d, a);
  find_band (truth, w, h, d, b);
  s.boundary = iou (a, b, n);
  s.area = iou (found, truth, n);
  g_free (found);
  g_free (a);
  g_free (b);
  return s;
}

static gfloat
smoothstep (gfloat x)
{
  gfloat t = (x - (gfloat) LOW) / (gfloat) (HIGH - LOW);

  t = CLAMP (t, 0, 1);
  return t * t * (3 - 2 * t);
}

/* What a filter could reach that knows the truth but moves edges by no more
 * than half the band's width. */
static void
reach_truth (gfloat *q, const guint8 *truth, guint w, guint h)
{
  const gsize n = (gsize) w * h;
  const guint d = MAX (1, (guint) (0.01 * hypot (w, h) + 0.5));
  guint8 *found = g_malloc (n), *inside = g_malloc (n), *outside = g_malloc (n);

  for (gsize i = 0; i < n; i++)
    found[i] = q[i] > 0.5f;
  find_band (found, w, h, d, inside);
  for (gsize i = 0; i < n; i++)
    found[i] = !found[i];
  find_band (found, w, h, d, outside);
  for (gsize i = 0; i < n; i++)
    if (inside[i] || outside[i])
      q[i] = truth[i];
  g_free (found);
  g_free (inside);
  g_free (outside);
}

/* Bilinear, the same with a soft edge, refined, and what could be. */
enum { BILINEAR, SOFT, REFINED, ORACLE, N_WAYS };

typedef struct {
  guint n;
  Score sum[N_WAYS];
} Total;

static void
add_score (Total *total, guint which, Score s)
{
  total->sum[which].boundary += s.boundary;
  total->sum[which].area += s.area;
  total->sum[which].error += s.error;
}

static void
print_total (const gchar *kind, const Total *t)
{
  static const gchar *const names[] = { "bilinear", "soft", "refined",
    "oracle" };

  for (guint i = 0; i < N_WAYS; i++)
    printf ("%-20s %4u  %-9s boundary %.4f (%+.4f)  IoU %.4f  error %.4f\n",
        i ? "" : kind, t->n, names[i], t->sum[i].boundary / t->n,
        (t->sum[i].boundary - t->sum[0].boundary) / t->n, t->sum[i].area / t->n,
        t->sum[i].error / t->n);
}

static void
score_picture (Chain *chain, GstVideoFrame *frame, const guint8 *truth, guint w,
    guint h, Score scores[N_WAYS])
{
  const gsize n = (gsize) w * h;
  gfloat *q = g_new (gfloat, n);
  const UnetMask *refined;

  chain_run (chain, frame, 0);
  enlarge (&chain->raw, w, h, q);
  scores[BILINEAR] = score (q, truth, w, h);
  for (gsize i = 0; i < n; i++)
    q[i] = smoothstep (q[i]);
  scores[SOFT] = score (q, truth, w, h);
  reach_truth (q, truth, w, h);
  scores[ORACLE] = score (q, truth, w, h);
  refined = chain_refine (chain, frame, 0);
  for (gsize i = 0; i < n; i++)
    q[i] = refined->probability[i] / 255.0f;
  scores[REFINED] = score (q, truth, w, h);
  g_free (q);
}

/* Where the network has the person at all it counts in @found as well. */
static void
measure_picture (Chain *chain, const gchar *image, const gchar *mask,
    Total *total, Total *found)
{
  guint w = 0, h = 0;
  guint8 *truth = load_mask (mask, &w, &h);
  Score scores[N_WAYS];
  Reader reader;

  reader_init (&reader, image, "video/x-raw,format=I420");
  if (truth && reader_next (&reader) && reader.info.width == (gint) w
      && reader.info.height == (gint) h) {
    chain_set_info (chain, &reader.info);
    score_picture (chain, &reader.frame, truth, w, h, scores);
    for (guint i = 0; i < N_WAYS; i++) {
      add_score (total, i, scores[i]);
      if (scores[BILINEAR].area >= FOUND)
        add_score (found, i, scores[i]);
    }
    total->n++;
    found->n += scores[BILINEAR].area >= FOUND;
  }
  reader_clear (&reader);
  g_free (truth);
}

/* As models/person/prepare.py: by a hash of the picture's name. */
static gboolean
is_validation (const gchar *kind, const gchar *stem)
{
  g_autofree gchar *name = g_strdup_printf ("%s/%s", kind, stem);
  g_autofree gchar *hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA1, name, -1);
  guint rest = 0;

  for (const gchar *c = hash; *c; c++)
    rest = (rest * 16 + (guint) g_ascii_xdigit_value (*c)) % 100;
  return rest < 12;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar *const *) a, *(const gchar *const *) b);
}

static void
measure_kind (Chain *chain, const gchar *data, const gchar *kind, guint limit,
    Total *all, Total *found)
{
  g_autofree gchar *folder = g_build_filename (data, kind, "images", NULL);
  GDir *dir = g_dir_open (folder, 0, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;
  Total total = { 0 };

  while (dir && (name = g_dir_read_name (dir)))
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len && total.n < limit; i++) {
    gchar **parts = g_strsplit (names->pdata[i], ".", 2);
    g_autofree gchar *image = g_build_filename (folder, names->pdata[i], NULL);
    g_autofree gchar *file = g_strconcat (parts[0], ".png", NULL);
    g_autofree gchar *mask = g_build_filename (data, kind, "masks", file, NULL);

    if (is_validation (kind, parts[0])
        && g_file_test (mask, G_FILE_TEST_EXISTS))
      measure_picture (chain, image, mask, &total, found);
    g_strfreev (parts);
  }
  if (total.n)
    print_total (kind, &total);
  all->n += total.n;
  for (guint i = 0; i < N_WAYS; i++)
    add_score (all, i, total.sum[i]);
  g_ptr_array_unref (names);
  if (dir)
    g_dir_close (dir);
}

static void
measure_boundary (Chain *chain, const gchar *data, guint limit)
{
  static const gchar *const kinds[] = { "eg1800", "ccp", "voc_person",
    "vikram_human", "aisegment_portraits", "coco_voc_extra" };
  Total all = { 0 }, found = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    measure_kind (chain, data, kinds[i], limit, &all, &found);
  print_total ("all", &all);
  if (found.n)
    print_total ("network's IoU >= 0.8", &found);
}

/* ---- flicker ---------------------------------------------------------- */

static GstBuffer *
copy_frame (
    const GstVideoInfo *info, const GstVideoFrame *from, GstVideoFrame *to)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, info->size, NULL);

  gst_video_frame_map (to, info, buffer, GST_MAP_READWRITE);
  gst_video_frame_copy (to, from);
  return buffer;
}

/* One of many, drawn once. */
static gdouble
normal (void)
{
  static gfloat table[65536];
  static guint32 state = 1;

  for (guint i = 0; table[65535] == 0 && i < G_N_ELEMENTS (table); i++)
    table[i] = (gfloat) (sqrt (-2 * log (1 - g_random_double ()))
            * cos (2 * G_PI * g_random_double ())
        + 1e-9);
  state = state * 1664525 + 1013904223;
  return table[state >> 16];
}

static void
add_noise (GstVideoFrame *frame, gdouble sigma)
{
  for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (frame); p++) {
    const guint n = GST_VIDEO_FRAME_COMP_WIDTH (frame, p);

    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (frame, p); y++) {
      guint8 *row = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, p)
          + y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, p);

      for (guint x = 0; x < n; x++)
        row[x] = (guint8) CLAMP (
            row[x] + floor ((p ? sigma / 2 : sigma) * normal () + 0.5), 0, 255);
    }
  }
}

static gdouble
difference (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += fabs (a[i] - b[i]);
  return sum / n;
}

/* One frame of the recording again and again, with new noise each time. */
static void
measure_flicker (Chain *chain, const gchar *path, gdouble sigma, guint frames)
{
  Reader reader;
  gdouble sums[3] = { 0 };
  gfloat *q[3], *last[3];
  gsize n;

  reader_init (&reader, path, "video/x-raw,format=I420");
  for (guint i = 0; i < 10 && reader_next (&reader); i++)
    continue;
  chain_set_info (chain, &reader.info);
  n = (gsize) reader.info.width * reader.info.height;
  for (guint i = 0; i < 3; i++) {
    q[i] = g_new (gfloat, n);
    last[i] = g_new (gfloat, n);
  }
  for (guint f = 0; f < frames; f++) {
    const gdouble elapsed = 1000 / 30.0;
    const UnetMask *refined;
    GstVideoFrame frame;
    GstBuffer *buffer = copy_frame (&reader.info, &reader.frame, &frame);

    add_noise (&frame, sigma);
    chain_run (chain, &frame, elapsed);
    refined = chain_refine (chain, &frame, elapsed);
    enlarge (&chain->raw, reader.info.width, reader.info.height, q[0]);
    enlarge (&chain->held, reader.info.width, reader.info.height, q[1]);
    for (gsize i = 0; i < n; i++)
      q[2][i] = refined->probability[i] / 255.0f;
    for (guint i = 0; i < 3; i++) {
      gfloat *swap = last[i];

      if (f > 15)
        sums[i] += difference (q[i], last[i], n) / (frames - 16);
      last[i] = q[i];
      q[i] = swap;
    }
    gst_video_frame_unmap (&frame);
    gst_buffer_unref (buffer);
  }
  printf ("sigma %g: raw %.6f  held %.6f (%.3f)  drawn %.6f (%.3f)\n", sigma,
      sums[0], sums[1], sums[1] / sums[0], sums[2], sums[2] / sums[0]);
  for (guint i = 0; i < 3; i++) {
    g_free (q[i]);
    g_free (last[i]);
  }
  reader_clear (&reader);
}

/* ---- lag -------------------------------------------------------------- */

/* The cut-out's planes and its truth @offset pixels to the right. */
static void
paste (GstVideoFrame *frame, const GstVideoFrame *cutout, const guint8 *mask,
    guint mask_width, gint offset, guint8 *truth)
{
  const gint w = frame->info.width, h = frame->info.height;

  memset (truth, 0, (gsize) w * h);
  for (gint y = 0; y < h; y++) {
    for (gint x = 0; x < w; x++) {
      const gint from = x - offset;

      if (from < 0 || from >= (gint) mask_width || y >= cutout->info.height
          || !mask[y * (gint) mask_width + from])
        continue;
      truth[y * w + x] = 1;
      for (guint p = 0; p < 3; p++) {
        guint8 *dst = GST_VIDEO_FRAME_PLANE_DATA (frame, p);
        const guint8 *src = GST_VIDEO_FRAME_PLANE_DATA (cutout, p);

        dst[y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, p) + x] =
            src[y * GST_VIDEO_FRAME_PLANE_STRIDE (cutout, p) + from];
      }
    }
  }
}

static void
measure_speed (Chain *chain, Reader *background, const Reader *cutout,
    const guint8 *mask, guint mask_width, gint speed)
{
  const gint w = background->info.width, h = background->info.height;
  const gsize n = (gsize) w * h;
  const gdouble elapsed = 1000 / 30.0;
  guint8 *truth = g_malloc (n), *found = g_malloc (n);
  gfloat *q = g_new (gfloat, n);
  gdouble sums[3] = { 0 };
  const gint travel = MAX (w - (gint) mask_width, 0) + (gint) mask_width / 2;
  const gint frames = 24;

  chain_set_info (chain, &background->info);
  for (gint f = 0; f < frames; f++) {
    const gint way = speed * f % (2 * travel);
    const gint offset =
        (way < travel ? way : 2 * travel - way) - (gint) mask_width / 4;
    const UnetMask *refined;
    GstVideoFrame frame;
    GstBuffer *buffer =
        copy_frame (&background->info, &background->frame, &frame);

    paste (&frame, &cutout->frame, mask, mask_width, offset, truth);
    add_noise (&frame, 2);
    chain_run (chain, &frame, elapsed);
    refined = chain_refine (chain, &frame, elapsed);
    for (guint i = 0; i < 3; i++) {
      if (i < 2)
        enlarge (i ? &chain->held : &chain->raw, w, h, q);
      for (gsize k = 0; k < n; k++)
        found[k] = i < 2 ? q[k] > 0.5f : refined->probability[k] > 127;
      if (f >= 8)
        sums[i] += iou (found, truth, n) / (frames - 8);
    }
    gst_video_frame_unmap (&frame);
    gst_buffer_unref (buffer);
  }
  printf ("%2d pixels a frame: raw %.4f  held %.4f (%+.4f)  drawn %.4f "
          "(%+.4f)\n",
      speed, sums[0], sums[1], sums[1] - sums[0], sums[2], sums[2] - sums[0]);
  g_free (truth);
  g_free (found);
  g_free (q);
}

static void
measure_lag (Chain *chain, const gchar *image, const gchar *mask_path,
    const gchar *video)
{
  static const gint speeds[] = { 0, 2, 5, 10, 20 };
  guint w, h;
  guint8 *mask = load_mask (mask_path, &w, &h);
  Reader background, cutout;

  reader_init (&background, video,
      "videoscale ! video/x-raw,format=Y444,width=640,height=480");
  reader_init (&cutout, image, "video/x-raw,format=Y444");
  if (!mask || !reader_next (&background) || !reader_next (&cutout))
    g_error ("no pictures");
  for (guint i = 0; i < G_N_ELEMENTS (speeds); i++)
    measure_speed (chain, &background, &cutout, mask, w, speeds[i]);
  reader_clear (&background);
  reader_clear (&cutout);
  g_free (mask);
}

/* ---- reuse ------------------------------------------------------------ */

#define OLDEST 4

static gdouble
agreement (const guint8 *a, const guint8 *b, gsize n)
{
  gsize both = 0, either = 0;

  for (gsize i = 0; i < n; i++) {
    both += a[i] > 127 && b[i] > 127;
    either += a[i] > 127 || b[i] > 127;
  }
  return either ? (gdouble) both / either : 1;
}

typedef struct {
  UnetMaskMotion *carry[OLDEST + 1]; /* each of one of the last frames */
  guint8 *masks[OLDEST + 1];
  UnetMask carried;
  gdouble held_iou[OLDEST + 1], carried_iou[OLDEST + 1], time[OLDEST + 1];
  gdouble look_time;
  guint n[OLDEST + 1], n_frames;
} Reuse;

/* Milliseconds of this thread. */
static gdouble
thread_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e3 * t.tv_sec + 1e-6 * t.tv_nsec;
}

static void
reuse_init (Reuse *self, const UnetMask *shape, const GstVideoInfo *info)
{
  memset (self, 0, sizeof *self);
  self->carried = *shape;
  self->carried.class_map = self->carried.probability = NULL;
  alloc_mask (&self->carried);
  for (guint i = 0; i <= OLDEST; i++) {
    self->carry[i] = unet_mask_motion_new (info, shape, NULL);
    self->masks[i] = g_malloc ((gsize) shape->width * shape->height);
  }
}

static void
reuse_clear (Reuse *self)
{
  for (guint i = 0; i <= OLDEST; i++) {
    unet_mask_motion_free (self->carry[i]);
    g_free (self->masks[i]);
  }
  g_free (self->carried.class_map);
  g_free (self->carried.probability);
}

static void
reuse_add_age (
    Reuse *self, const UnetMask *own, const GstVideoFrame *frame, guint age)
{
  const guint from = (self->n_frames - age) % (OLDEST + 1);
  const gsize n = (gsize) own->width * own->height;
  const guint8 *result = self->masks[from];
  UnetMask held = *own;
  gdouble start;

  held.probability = self->masks[from];
  unet_mask_motion_read_frame (self->carry[from], frame);
  start = thread_time ();
  if (unet_mask_motion_search (self->carry[from])) {
    unet_mask_motion_apply (self->carry[from], &held, 0.5, &self->carried);
    result = self->carried.probability;
  }
  self->time[age] += thread_time () - start;
  self->held_iou[age] += agreement (held.probability, own->probability, n);
  self->carried_iou[age] += agreement (result, own->probability, n);
  self->n[age]++;
}

static void
reuse_add (Reuse *self, const UnetMask *own, const GstVideoFrame *frame)
{
  const guint at = self->n_frames % (OLDEST + 1);
  gdouble start;

  for (guint age = 1; age <= MIN (self->n_frames, OLDEST); age++)
    reuse_add_age (self, own, frame, age);
  start = thread_time ();
  unet_mask_motion_read_frame (self->carry[at], frame);
  unet_mask_motion_keep_frame (self->carry[at]);
  unet_mask_motion_use_kept (self->carry[at]);
  self->look_time += thread_time () - start;
  memcpy (self->masks[at], own->probability, (gsize) own->width * own->height);
  self->n_frames++;
}

/* An older mask beside the frame's own, as it was and carried along. */
static void
measure_reuse (Chain *chain, const gchar *path, guint frames)
{
  Reader reader;
  Reuse reuse;

  reader_init (&reader, path, "video/x-raw,format=I420");
  for (guint f = 0; f < frames && reader_next (&reader); f++) {
    if (f == 0) {
      chain_set_info (chain, &reader.info);
      reuse_init (&reuse, &chain->raw, &reader.info);
    }
    chain_run (chain, &reader.frame, 1000 / 30.0);
    reuse_add (&reuse, &chain->raw, &reader.frame);
  }
  for (guint age = 1; age <= OLDEST; age++)
    printf ("age %u: IoU with the frame's own mask %.4f, carried %.4f "
            "(%+.4f), %.3f ms\n",
        age, reuse.held_iou[age] / reuse.n[age],
        reuse.carried_iou[age] / reuse.n[age],
        (reuse.carried_iou[age] - reuse.held_iou[age]) / reuse.n[age],
        reuse.time[age] / reuse.n[age]);
  printf ("%dx%d at %ux%u, to look at a frame: %.3f ms\n", reader.info.width,
      reader.info.height, chain->raw.width, chain->raw.height,
      reuse.look_time / reuse.n_frames);
  reuse_clear (&reuse);
  reader_clear (&reader);
}

int
main (int argc, char **argv)
{
  const gchar *what = argc > 2 ? argv[1] : "";
  Chain chain;

  gst_init (&argc, &argv);
  g_random_set_seed (1); /* the same noise in every run */
  chain_init (&chain, g_getenv ("MODEL"));
  if (g_str_equal (what, "boundary"))
    measure_boundary (
        &chain, argv[2], argc > 3 ? (guint) atoi (argv[3]) : G_MAXUINT);
  else if (g_str_equal (what, "flicker"))
    for (gdouble sigma = 2; sigma <= 8; sigma *= 2)
      measure_flicker (&chain, argv[2], sigma, 60);
  else if (g_str_equal (what, "reuse"))
    measure_reuse (&chain, argv[2], 90);
  else if (g_str_equal (what, "lag") && argc > 4)
    measure_lag (&chain, argv[2], argv[3], argv[4]);
  else
    return 2;
  return 0;
}
