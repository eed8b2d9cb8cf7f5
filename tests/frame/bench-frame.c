/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the median milliseconds per call of the kernels of src/frame. It is
 * not a test: ninja tests/frame/bench-frame && tests/frame/bench-frame [WORD]
 * where WORD keeps only the lines that contain it. */
#include <frame/format/placement.h>
#include <frame/input/preprocess.h>
#include <frame/format/mask.h>
#include <frame/time/temporal-filter.h>
#include <frame/mask/postprocess.h>
#include <frame/edges/refine.h>
#include <frame/draw/overlay.h>
#include <frame/draw/mask-picture.h>
#include <frame/draw/cutout.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 41

static const gchar *only;

static int
compare (const void *a, const void *b)
{
  const gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return x < y ? -1 : x > y;
}

typedef void (*Job) (gpointer data);

static void
measure (const gchar *name, Job job, gpointer data)
{
  gdouble times[ROUNDS];

  for (guint i = 0; i < ROUNDS; i++) {
    struct timespec from, to;

    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &from);
    job (data);
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &to);
    times[i] =
        (to.tv_sec - from.tv_sec) * 1e3 + (to.tv_nsec - from.tv_nsec) / 1e6;
  }
  qsort (times, ROUNDS, sizeof times[0], compare);
  printf ("%-48s %8.3f ms   (best %.3f)\n", name, times[ROUNDS / 2], times[0]);
}

static gboolean
wanted (const gchar *name)
{
  return !only || strstr (name, only);
}

static UnetContract *
new_contract (void)
{
  UnetContract *contract = unet_contract_new ();

  contract->layout = UNET_LAYOUT_NCHW;
  contract->color_order = UNET_COLOR_ORDER_RGB;
  contract->activation = UNET_ACTIVATION_SIGMOID;
  return contract;
}

/* ---- preprocess ------------------------------------------------------- */

typedef struct {
  UnetPreprocess *preprocess;
  GstVideoFrame frame;
  gfloat *tensor;
} PreprocessJob;

static void
run_preprocess (gpointer data)
{
  PreprocessJob *job = data;

  unet_preprocess_run (job->preprocess, &job->frame, job->tensor);
}

static GstBuffer *
map_noise (GstVideoFrame *frame, GstVideoInfo *info, const gchar *format,
    guint width, guint height)
{
  GstMapInfo map;
  GstBuffer *buffer;

  gst_video_info_init (info);
  gst_video_info_set_format (
      info, gst_video_format_from_string (format), width, height);
  buffer = gst_buffer_new_allocate (NULL, info->size, NULL);
  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_random_int ();
  gst_buffer_unmap (buffer, &map);
  gst_video_frame_map (frame, info, buffer, GST_MAP_READWRITE);
  return buffer;
}

static void
bench_preprocess (const gchar *format, GstVideoTransferFunction transfer,
    guint width, guint height, guint input_width, guint input_height)
{
  gchar *name = g_strdup_printf ("preprocess %s%s %ux%u to %ux%u", format,
      transfer == GST_VIDEO_TRANSFER_SMPTE2084          ? " PQ"
          : transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67 ? " HLG"
                                                        : "",
      width, height, input_width, input_height);
  UnetContract *contract = new_contract ();
  PreprocessJob job;
  UnetPlacement p;
  GstVideoInfo info;
  GstBuffer *buffer;

  if (wanted (name)) {
    buffer = map_noise (&job.frame, &info, format, width, height);
    info.colorimetry.transfer = transfer;
    unet_placement_init (&p, UNET_FIT_STRETCH, width, height, 1, 1, input_width,
        input_height, 0, 0, input_width, input_height);
    job.preprocess = unet_preprocess_new (
        &info, contract, input_width, input_height, &p, NULL);
    job.tensor = g_new0 (gfloat, (gsize) input_width * input_height * 3);
    measure (name, run_preprocess, &job);
    g_free (job.tensor);
    unet_preprocess_free (job.preprocess);
    gst_video_frame_unmap (&job.frame);
    gst_buffer_unref (buffer);
  }
  unet_contract_free (contract);
  g_free (name);
}

/* ---- GstVideoConverter, to compare ------------------------------------ */

typedef struct {
  GstVideoConverter *converter;
  GstVideoFrame from, to;
} ConverterJob;

static void
run_converter (gpointer data)
{
  ConverterJob *job = data;

  gst_video_converter_frame (job->converter, &job->from, &job->to);
}

static void
bench_converter (const gchar *format, guint width, guint height, guint to_width,
    guint to_height)
{
  gchar *name = g_strdup_printf ("converter %s %ux%u to RGBP %ux%u", format,
      width, height, to_width, to_height);
  GstVideoInfo from, to;
  GstBuffer *a, *b;
  ConverterJob job;

  if (wanted (name)) {
    a = map_noise (&job.from, &from, format, width, height);
    b = map_noise (&job.to, &to, "RGBP", to_width, to_height);
    job.converter = gst_video_converter_new (&from, &to,
        gst_structure_new ("c", GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD,
            GST_TYPE_VIDEO_RESAMPLER_METHOD, GST_VIDEO_RESAMPLER_METHOD_LINEAR,
            NULL));
    measure (name, run_converter, &job);
    gst_video_converter_free (job.converter);
    gst_video_frame_unmap (&job.from);
    gst_video_frame_unmap (&job.to);
    gst_buffer_unref (a);
    gst_buffer_unref (b);
  }
  g_free (name);
}

/* ---- postprocess ------------------------------------------------------ */

typedef struct {
  UnetPostprocess *postprocess;
  gfloat *tensor;
  UnetMask mask;
} PostprocessJob;

static void
run_postprocess (gpointer data)
{
  PostprocessJob *job = data;

  unet_postprocess_run (job->postprocess, job->tensor, 0.5, &job->mask);
}

static void
bench_postprocess (const gchar *what, UnetActivation activation, guint channels,
    gboolean nhwc, guint size)
{
  gchar *name = g_strdup_printf ("postprocess %s %s %ux%u, %u channels", what,
      nhwc ? "NHWC" : "NCHW", size, size, channels);
  UnetContract *contract = new_contract ();
  UnetTensorInfo output = { "output", UNET_DTYPE_F32, 4, { 1 } };
  const gsize n = (gsize) size * size * channels;
  PostprocessJob job;
  UnetPlacement p;

  if (wanted (name)) {
    contract->activation = activation;
    output.dims[1] = nhwc ? size : channels;
    output.dims[2] = size;
    output.dims[3] = nhwc ? channels : size;
    unet_placement_init (
        &p, UNET_FIT_STRETCH, 1280, 720, 1, 1, size, size, 0, 0, size, size);
    job.postprocess = unet_postprocess_new (
        contract, &output, size, size, &p, 0, 0, size, size, NULL);
    unet_postprocess_get_info (job.postprocess, &job.mask);
    job.mask.class_map = g_malloc ((gsize) size * size);
    job.mask.probability = g_malloc ((gsize) size * size);
    job.tensor = g_new (gfloat, n);
    for (gsize i = 0; i < n; i++)
      job.tensor[i] = (gfloat) g_random_double_range (-8, 8);
    measure (name, run_postprocess, &job);
    g_free (job.tensor);
    g_free (job.mask.class_map);
    g_free (job.mask.probability);
    unet_postprocess_free (job.postprocess);
  }
  unet_contract_free (contract);
  g_free (name);
}

/* ---- overlay ---------------------------------------------------------- */

typedef struct {
  UnetOverlay *overlay;
  GstVideoFrame frame;
  UnetMask mask;
} OverlayJob;

static void
run_overlay (gpointer data)
{
  OverlayJob *job = data;

  unet_overlay_draw (job->overlay, &job->frame, &job->mask, 0.5, 0.5);
}

/* Draws an ellipse over about @share of the frame, in stripes of classes, with
 * a border a few mask pixels wide. Noise instead is the worst case. */
static void
draw_mask (UnetMask *mask, gdouble share, guint n_classes, gboolean noise)
{
  const gdouble radius = sqrt (share / G_PI);

  for (guint y = 0; y < mask->height; y++) {
    for (guint x = 0; x < mask->width; x++) {
      const gdouble u = (x + 0.5) / mask->width - 0.5;
      const gdouble v = (y + 0.5) / mask->height - 0.5;
      const gdouble p = noise
          ? g_random_double ()
          : 1 / (1 + exp (150 * (sqrt (u * u + v * v) - radius)));
      const gsize at = (gsize) y * mask->width + x;

      mask->probability[at] = (guint8) (255 * p);
      mask->class_map[at] =
          p < 0.5 ? 0 : 1 + (x * 8 / mask->width) % (n_classes - 1);
    }
  }
}

static void
bench_overlay (const gchar *format, guint width, guint height,
    const gchar *what, gdouble share, guint n_classes)
{
  gchar *name = g_strdup_printf ("overlay %s %ux%u, %s, %u classes", format,
      width, height, what, n_classes);
  GstVideoInfo info;
  OverlayJob job;
  GstBuffer *buffer;

  if (wanted (name)) {
    buffer = map_noise (&job.frame, &info, format, width, height);
    job.overlay = unet_overlay_new (&info, NULL);
    job.mask = (UnetMask){ 256, 256, n_classes, g_malloc (65536),
      g_malloc (65536), 0, 0, width, height };
    draw_mask (&job.mask, share, n_classes, strcmp (what, "noise") == 0);
    measure (name, run_overlay, &job);
    g_free (job.mask.class_map);
    g_free (job.mask.probability);
    unet_overlay_free (job.overlay);
    gst_video_frame_unmap (&job.frame);
    gst_buffer_unref (buffer);
  }
  g_free (name);
}

static void
bench_overlays (void)
{
  static const gchar *const formats[] = { "I420", "YUY2", "BGRx", "RGB", "AYUV",
    "I420_10LE", "P010_10LE", "GRAY8", "RGB16", "v210" };

  bench_overlay ("NV12", 1920, 1080, "empty", 0, 2);
  bench_overlay ("NV12", 1920, 1080, "30 %", 0.3, 2);
  bench_overlay ("NV12", 1920, 1080, "60 %", 0.6, 2);
  bench_overlay ("NV12", 1920, 1080, "noise", 0, 2);
  bench_overlay ("NV12", 1920, 1080, "30 %", 0.3, 9);
  bench_overlay ("NV12", 1920, 1080, "noise", 0, 9);
  bench_overlay ("I420", 1280, 720, "30 %", 0.3, 2);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    bench_overlay (formats[i], 1920, 1080, "30 %", 0.3, 2);
}

/* ---- alpha and mask pictures ------------------------------------------- */

typedef struct {
  UnetCutout *cutout;
  UnetMaskPicture *picture;
  GstVideoFrame in, out;
  UnetMask mask;
} CutoutJob;

static void
run_cutout (gpointer data)
{
  CutoutJob *job = data;

  unet_cutout_run (job->cutout, &job->in, &job->out, &job->mask, 0.5);
}

static void
run_picture (gpointer data)
{
  CutoutJob *job = data;

  unet_mask_picture_draw (job->picture, &job->out, &job->mask, 0.5);
}

static void
bench_cutout (const gchar *format, guint width, guint height, gboolean clears)
{
  const GstVideoFormat in = gst_video_format_from_string (format);
  const GstVideoFormat out = unet_cutout_get_format (in);
  gchar *name = g_strdup_printf ("cutout %s to %s %ux%u%s", format,
      gst_video_format_to_string (out), width, height,
      clears ? ", hidden colours cleared" : "");
  GstBuffer *buffer, *result;
  GstVideoInfo info, out_info;
  CutoutJob job;

  if (wanted (name)) {
    buffer = map_noise (&job.in, &info, format, width, height);
    result = map_noise (
        &job.out, &out_info, gst_video_format_to_string (out), width, height);
    out_info.colorimetry = info.colorimetry;
    job.cutout = unet_cutout_new (&info, &out_info, NULL);
    unet_cutout_set_clears_hidden (job.cutout, clears);
    job.mask = (UnetMask){ 256, 256, 2, g_malloc (65536), g_malloc (65536), 0,
      0, width, height };
    draw_mask (&job.mask, 0.3, 2, FALSE);
    measure (name, run_cutout, &job);
    g_free (job.mask.class_map);
    g_free (job.mask.probability);
    unet_cutout_free (job.cutout);
    gst_video_frame_unmap (&job.in);
    gst_video_frame_unmap (&job.out);
    gst_buffer_unref (buffer);
    gst_buffer_unref (result);
  }
  g_free (name);
}

static void
bench_picture (guint width, guint height, guint n_classes)
{
  gchar *name =
      g_strdup_printf ("mask %ux%u, %u classes", width, height, n_classes);
  GstBuffer *buffer;
  GstVideoInfo info;
  CutoutJob job;

  if (wanted (name)) {
    buffer = map_noise (&job.out, &info, "GRAY8", width, height);
    job.picture = unet_mask_picture_new (width, height);
    job.mask = (UnetMask){ 256, 256, n_classes, g_malloc (65536),
      g_malloc (65536), 0, 0, width, height };
    draw_mask (&job.mask, 0.3, n_classes, FALSE);
    measure (name, run_picture, &job);
    g_free (job.mask.class_map);
    g_free (job.mask.probability);
    unet_mask_picture_free (job.picture);
    gst_video_frame_unmap (&job.out);
    gst_buffer_unref (buffer);
  }
  g_free (name);
}

static void
bench_cutouts (void)
{
  static const gchar *const formats[] = { "I420", "NV12", "YUY2", "BGRx", "RGB",
    "AYUV", "RGBA", "I420_10LE", "P010_10LE", "v210" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    bench_cutout (formats[i], 1920, 1080, FALSE);
  bench_cutout ("I420", 1280, 720, FALSE);
  bench_cutout ("I420", 1920, 1080, TRUE);
  bench_cutout ("RGBx", 1920, 1080, TRUE);
  bench_picture (1920, 1080, 2);
  bench_picture (1920, 1080, 9);
}

/* ---- edges and backgrounds -------------------------------------------- */

typedef struct {
  UnetOverlay *overlay;
  UnetRefine *refine;
  UnetTemporal *temporal;
  UnetRefineOptions options;
  GstVideoFrame frame;
  UnetMask mask;
  const gchar *what;
} RefineJob;

static void
run_refine (gpointer data)
{
  RefineJob *job = data;
  const UnetMask *coverage;

  if (strstr (job->what, "temporal")) {
    unet_temporal_read_frame (job->temporal, &job->frame, 33, 150);
    return;
  }
  coverage =
      unet_refine_run (job->refine, &job->frame, &job->mask, &job->options);
  if (strstr (job->what, "overlay"))
    unet_overlay_draw (job->overlay, &job->frame, coverage, 0.5, 0.5);
  if (strstr (job->what, "blur"))
    unet_overlay_blur (
        job->overlay, &job->frame, coverage, 0.025 * job->frame.info.height);
}

static void
bench_refine (const gchar *format, guint width, guint height, const gchar *what,
    guint side)
{
  gchar *name = g_strdup_printf (
      "refine %s %ux%u, %s, mask %u", format, width, height, what, side);
  RefineJob job = { .what = what };
  GstVideoInfo info;
  GstBuffer *buffer;

  if (wanted (name)) {
    buffer = map_noise (&job.frame, &info, format, width, height);
    job.mask = (UnetMask){ side, side, 2, g_malloc (side * side),
      g_malloc (side * side), 0, 0, width, height };
    draw_mask (&job.mask, 0.3, 2, FALSE);
    job.overlay = unet_overlay_new (&info, NULL);
    job.refine = unet_refine_new (&info);
    job.temporal = unet_temporal_new (
        &info, &job.mask, GST_VIDEO_ORIENTATION_IDENTITY, NULL);
    job.options = (UnetRefineOptions){ !strstr (what, "plain"), 0.3, 0.7, 0, 0,
      strstr (what, "held") ? 150 : 0, 33 };
    if (strstr (what, "grown"))
      job.options.grow = job.options.feather = 5;
    measure (name, run_refine, &job);
    g_free (job.mask.class_map);
    g_free (job.mask.probability);
    unet_overlay_free (job.overlay);
    unet_refine_free (job.refine);
    unet_temporal_free (job.temporal);
    gst_video_frame_unmap (&job.frame);
    gst_buffer_unref (buffer);
  }
  g_free (name);
}

static void
bench_refinements (void)
{
  static const gchar *const whats[] = { "plain", "guided", "guided held",
    "guided held grown", "temporal", "guided held overlay",
    "guided held blur" };

  for (guint i = 0; i < G_N_ELEMENTS (whats); i++) {
    bench_refine ("I420", 1280, 720, whats[i], 256);
    bench_refine ("I420", 1920, 1080, whats[i], 256);
  }
  bench_refine ("NV12", 1280, 720, "guided held blur", 256);
  bench_refine ("YUY2", 1280, 720, "guided held blur", 256);
  bench_refine ("RGBx", 1280, 720, "guided held blur", 256);
  bench_refine ("P010_10LE", 1280, 720, "guided held blur", 256);
}

int
main (int argc, char **argv)
{
  static const gchar *const formats[] = { "I420", "NV12", "YUY2", "UYVY",
    "RGBx", "BGRA", "RGB", "GRAY8", "Y444", "I420_10LE", "P010_10LE", "v210",
    "RGB16" };

  gst_init (NULL, NULL);
  only = argc > 1 ? argv[1] : NULL;
  bench_preprocess (
      "P010_10LE", GST_VIDEO_TRANSFER_BT709, 1920, 1080, 256, 144);
  bench_preprocess (
      "P010_10LE", GST_VIDEO_TRANSFER_SMPTE2084, 1920, 1080, 256, 144);
  bench_preprocess (
      "P010_10LE", GST_VIDEO_TRANSFER_ARIB_STD_B67, 1920, 1080, 256, 144);
  bench_preprocess ("NV12", GST_VIDEO_TRANSFER_BT709, 1920, 1080, 256, 144);
  bench_preprocess ("I420", GST_VIDEO_TRANSFER_BT709, 1280, 720, 256, 144);
  bench_preprocess ("I420", GST_VIDEO_TRANSFER_BT709, 256, 192, 256, 256);
  bench_preprocess ("NV12", GST_VIDEO_TRANSFER_BT709, 3840, 2160, 256, 256);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    bench_preprocess (
        formats[i], GST_VIDEO_TRANSFER_BT709, 1280, 720, 256, 256);
    bench_preprocess (
        formats[i], GST_VIDEO_TRANSFER_BT709, 1920, 1080, 256, 256);
  }
  bench_converter ("I420", 1280, 720, 256, 144);
  bench_converter ("NV12", 1920, 1080, 256, 144);
  bench_converter ("P010_10LE", 1920, 1080, 256, 144);
  bench_postprocess ("sigmoid", UNET_ACTIVATION_SIGMOID, 1, FALSE, 256);
  bench_postprocess ("softmax", UNET_ACTIVATION_SOFTMAX, 2, FALSE, 256);
  bench_postprocess ("softmax", UNET_ACTIVATION_SOFTMAX, 2, TRUE, 256);
  bench_postprocess ("softmax", UNET_ACTIVATION_SOFTMAX, 21, FALSE, 256);
  bench_postprocess ("none", UNET_ACTIVATION_NONE, 1, FALSE, 256);
  bench_postprocess ("min-max", UNET_ACTIVATION_MIN_MAX, 1, FALSE, 320);
  bench_overlays ();
  bench_cutouts ();
  bench_refinements ();
  return 0;
}
