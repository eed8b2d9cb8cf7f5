/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <frame/mask/activation.h>
#include <frame/format/placement.h>
#include <frame/format/mask.h>
#include <frame/mask/postprocess.h>

#include <gst/check/gstcheck.h>
#include <math.h>

/* ---- kernels against double precision --------------------------------- */

/* Rows have many lengths, so that vectors end at every position. */
GST_START_TEST (test_activations)
{
  GRand *rand = g_rand_new_with_seed (1);
  gdouble worst = 0;

  for (guint n = 1; n < 700; n += 1 + n / 40) {
    gfloat *a = g_new (gfloat, n), *b = g_new (gfloat, n);
    gfloat *got = g_new (gfloat, n + 1), *both = g_new (gfloat, n + 1);
    gfloat *soft = g_new (gfloat, n + 1);
    const gfloat *rows[] = { a, b };

    for (guint i = 0; i < n; i++) {
      a[i] = (gfloat) g_rand_double_range (rand, -30, 30);
      b[i] = (gfloat) g_rand_double_range (rand, -30, 30);
    }
    got[n] = both[n] = soft[n] = 7;
    unet_row_sigmoid (got, a, n);
    unet_row_sigmoid_difference (both, a, b, n);
    unet_row_softmax (soft, a, rows, 2, n);
    for (guint i = 0; i < n; i++) {
      const gdouble one = 1 / (1 + exp (-(gdouble) a[i]));
      const gdouble two = 1 / (1 + exp ((gdouble) (b[i] - a[i])));

      worst = MAX (worst, fabs (got[i] - one));
      worst = MAX (worst, fabs (both[i] - two));
      worst = MAX (worst, fabs (soft[i] - two));
    }
    fail_unless (got[n] == 7 && both[n] == 7 && soft[n] == 7);
    g_free (a);
    g_free (b);
    g_free (got);
    g_free (both);
    g_free (soft);
  }
  fail_unless (worst < 1e-6, "off by %g", worst);
  g_rand_free (rand);
}
GST_END_TEST;

GST_START_TEST (test_strange_numbers)
{
  const gfloat strange[] = { NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 0, -0.f,
    88.5f, -88.5f, 1e-40f };
  const guint n = G_N_ELEMENTS (strange);
  const gfloat *rows[] = { strange, strange };
  gfloat sigmoid[10], softmax[10];
  guint8 bytes[10];

  unet_row_sigmoid (sigmoid, strange, n);
  fail_unless (sigmoid[0] < 1e-6f && sigmoid[1] == 1 && sigmoid[2] < 1e-6f);
  fail_unless (sigmoid[3] == 1 && sigmoid[4] < 1e-6f);
  fail_unless (sigmoid[5] == 0.5f && sigmoid[6] == 0.5f);
  unet_row_softmax (softmax, strange, rows, 2, n);
  unet_row_quantise (bytes, softmax, n);
  for (guint i = 0; i < n; i++)
    fail_unless (softmax[i] >= 0 && softmax[i] <= 1, "%g gives %g", strange[i],
        softmax[i]);
}
GST_END_TEST;

/* ---- whole outputs ---------------------------------------------------- */

typedef struct {
  UnetContract *contract;
  UnetTensorInfo output;
  UnetPlacement placement;
  guint width, height; /* of the input and the window */
  gdouble threshold;
} Case;

static void
case_init (Case *self, UnetActivation activation, guint width, guint height)
{
  memset (self, 0, sizeof *self);
  self->contract = unet_contract_new ();
  self->contract->layout = UNET_LAYOUT_NCHW;
  self->contract->color_order = UNET_COLOR_ORDER_RGB;
  self->contract->activation = activation;
  self->output.name = "mask";
  self->output.dtype = UNET_DTYPE_F32;
  self->width = width;
  self->height = height;
  self->threshold = 0.5;
  unet_placement_init (&self->placement, UNET_FIT_STRETCH, 640, 360, 1, 1,
      width, height, 0, 0, width, height);
}

static void
set_dims (Case *self, guint n, gint64 a, gint64 b, gint64 c, gint64 d)
{
  const gint64 dims[4] = { a, b, c, d };

  self->output.n_dims = n;
  memcpy (self->output.dims, dims, sizeof dims);
}

static UnetPostprocess *
create (Case *self, GError **error)
{
  return unet_postprocess_new (self->contract, &self->output, self->width,
      self->height, &self->placement, 0, 0, self->width, self->height, error);
}

static void
mask_alloc (UnetMask *mask, UnetPostprocess *postprocess)
{
  unet_postprocess_get_info (postprocess, mask);
  mask->class_map = g_malloc ((gsize) mask->width * mask->height + 1);
  mask->probability = g_malloc ((gsize) mask->width * mask->height + 1);
  mask->class_map[(gsize) mask->width * mask->height] = 123;
  mask->probability[(gsize) mask->width * mask->height] = 123;
}

static void
mask_free (UnetMask *mask)
{
  fail_unless (mask->class_map[(gsize) mask->width * mask->height] == 123);
  fail_unless (mask->probability[(gsize) mask->width * mask->height] == 123);
  g_free (mask->class_map);
  g_free (mask->probability);
}

static void
run (Case *self, gconstpointer tensor, UnetMask *mask)
{
  GError *error = NULL;
  UnetPostprocess *postprocess = create (self, &error);

  fail_unless (postprocess != NULL, "%s", error ? error->message : "");
  mask_alloc (mask, postprocess);
  unet_postprocess_run (postprocess, tensor, self->threshold, mask);
  unet_postprocess_free (postprocess);
  unet_contract_free (self->contract);
}

static gfloat *
random_logits (GRand *rand, gsize n)
{
  gfloat *tensor = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    tensor[i] = (gfloat) g_rand_double_range (rand, -6, 6);
  return tensor;
}

/* Returns the probability of @channel at a pixel by the definition. */
static gdouble
probability (
    const gfloat *values, guint n, guint channel, UnetActivation activation)
{
  gdouble sum = 0;

  if (activation == UNET_ACTIVATION_SIGMOID)
    return 1 / (1 + exp (-values[channel]));
  if (activation == UNET_ACTIVATION_NONE)
    return CLAMP (values[channel], 0, 1);
  for (guint c = 0; c < n; c++)
    sum += exp (values[c] - values[channel]);
  return 1 / sum;
}

static void
gather (const gfloat *tensor, gboolean nhwc, guint channels, gsize n_pixels,
    gsize pixel, gfloat *values)
{
  for (guint c = 0; c < channels; c++)
    values[c] = nhwc ? tensor[pixel * channels + c]
                     : tensor[c * n_pixels + pixel];
}

static void
check_pixel (
    const UnetMask *mask, gsize i, guint id, gdouble p, gdouble threshold)
{
  fail_unless (fabs (mask->probability[i] - 255 * p) < 0.51,
      "probability %u instead of %g", mask->probability[i], 255 * p);
  if (fabs (p - threshold) > 1e-5)
    fail_unless (mask->class_map[i] == (p >= threshold ? id : 0),
        "class %u instead of %u at %g", mask->class_map[i], id, p);
}

static void
check_one_class (UnetActivation activation, guint channels, gboolean nhwc,
    gint foreground, gboolean invert)
{
  GRand *rand = g_rand_new_with_seed (channels * 10 + nhwc);
  const guint w = 53, h = 37, n = w * h;
  gfloat *tensor = random_logits (rand, (gsize) n * channels), values[32];
  const guint channel = foreground >= 0 ? (guint) foreground
      : channels == 2                   ? 1
                                        : 0;
  UnetMask mask;
  Case c;

  case_init (&c, activation, w, h);
  c.contract->foreground_class = foreground;
  c.contract->invert = invert;
  c.threshold = 0.37;
  set_dims (&c, 4, 1, nhwc ? h : channels, nhwc ? w : h, nhwc ? channels : w);
  run (&c, tensor, &mask);
  assert_equals_int (mask.width, w);
  assert_equals_int (mask.height, h);
  assert_equals_int (mask.n_classes, 2);
  for (gsize i = 0; i < n; i++) {
    gdouble p;

    gather (tensor, nhwc, channels, n, i, values);
    p = probability (values, channels, channel, activation);
    check_pixel (&mask, i, 1, invert ? 1 - p : p, c.threshold);
  }
  mask_free (&mask);
  g_free (tensor);
  g_rand_free (rand);
}

GST_START_TEST (test_one_foreground)
{
  for (guint nhwc = 0; nhwc < 2; nhwc++) {
    for (guint invert = 0; invert < 2; invert++) {
      check_one_class (UNET_ACTIVATION_SIGMOID, 1, nhwc, -1, invert);
      check_one_class (UNET_ACTIVATION_NONE, 1, nhwc, -1, invert);
      check_one_class (UNET_ACTIVATION_SOFTMAX, 2, nhwc, -1, invert);
      check_one_class (UNET_ACTIVATION_SOFTMAX, 2, nhwc, 0, invert);
      check_one_class (UNET_ACTIVATION_NONE, 2, nhwc, -1, invert);
      check_one_class (UNET_ACTIVATION_SOFTMAX, 21, nhwc, 15, invert);
      check_one_class (UNET_ACTIVATION_SIGMOID, 5, nhwc, 4, invert);
    }
  }
}
GST_END_TEST;

/* Returns the class that the mask gives the best channel: the background is 0,
 * the others follow in their order. */
static guint
expected_class (const gfloat *values, gint channels, gint background, gint best)
{
  if (background == UNET_BACKGROUND_NONE)
    return (guint) best + 1;
  if (values[background] >= values[best])
    return 0;
  return (guint) (best < background ? best + 1 : best);
}

static void
check_several (
    UnetActivation activation, gint channels, gboolean nhwc, gint background)
{
  GRand *rand = g_rand_new_with_seed ((guint32) channels * 10 + nhwc);
  const guint w = 41, h = 29, n = w * h;
  gfloat *tensor = random_logits (rand, (gsize) n * channels), values[32];
  const guint none = background == UNET_BACKGROUND_NONE;
  guint ids = 0;
  UnetMask mask;
  Case c;

  case_init (&c, activation, w, h);
  set_dims (&c, 4, 1, nhwc ? h : channels, nhwc ? w : h, nhwc ? channels : w);
  c.threshold = 0.3;
  c.contract->background = background;
  run (&c, tensor, &mask);
  assert_equals_int (mask.n_classes, channels + none);
  for (gsize i = 0; i < n; i++) {
    gint best = background == 0;

    gather (tensor, nhwc, channels, n, i, values);
    for (gint k = best + 1; k < channels; k++)
      if (k != background && values[k] > values[best])
        best = k;
    /* Other classes do not count where the background is largest. */
    check_pixel (&mask, i, expected_class (values, channels, background, best),
        probability (values, channels, best, activation), c.threshold);
    ids |= 1u << mask.class_map[i];
  }
  fail_unless (ids == (1u << (channels + none)) - 1, "classes seen: %x", ids);
  mask_free (&mask);
  g_free (tensor);
  g_rand_free (rand);
}

GST_START_TEST (test_several_classes)
{
  for (guint nhwc = 0; nhwc < 2; nhwc++) {
    check_several (UNET_ACTIVATION_SOFTMAX, 3, nhwc, 0);
    check_several (UNET_ACTIVATION_SOFTMAX, 21, nhwc, 0);
    check_several (UNET_ACTIVATION_SIGMOID, 7, nhwc, 0);
    check_several (UNET_ACTIVATION_NONE, 4, nhwc, 0);
  }
}
GST_END_TEST;

/* The background is another channel than the first, or none. */
GST_START_TEST (test_background)
{
  for (guint nhwc = 0; nhwc < 2; nhwc++) {
    check_several (UNET_ACTIVATION_SIGMOID, 2, nhwc, UNET_BACKGROUND_NONE);
    check_several (UNET_ACTIVATION_SIGMOID, 3, nhwc, UNET_BACKGROUND_NONE);
    check_several (UNET_ACTIVATION_NONE, 5, nhwc, UNET_BACKGROUND_NONE);
    check_several (UNET_ACTIVATION_SOFTMAX, 9, nhwc, UNET_BACKGROUND_NONE);
    check_several (UNET_ACTIVATION_SOFTMAX, 4, nhwc, 3);
    check_several (UNET_ACTIVATION_SIGMOID, 5, nhwc, 2);
  }
}
GST_END_TEST;

GST_START_TEST (test_background_of_two)
{
  const gfloat tensor[4] = { 5, -5, -5, 5 };
  UnetMask mask;
  Case c;

  case_init (&c, UNET_ACTIVATION_SOFTMAX, 2, 1);
  set_dims (&c, 4, 1, 2, 1, 2);
  c.contract->background = UNET_BACKGROUND_LAST;
  run (&c, tensor, &mask);
  assert_equals_int (mask.n_classes, 2);
  assert_equals_int (mask.class_map[0], 1);
  assert_equals_int (mask.class_map[1], 0);
  mask_free (&mask);
}
GST_END_TEST;

GST_START_TEST (test_min_max)
{
  const gfloat tensor[6] = { -3, 1, 5, 3, 0, -1 };
  const gfloat constant[6] = { 4, 4, 4, 4, 4, 4 };
  UnetMask mask;
  Case c;

  case_init (&c, UNET_ACTIVATION_MIN_MAX, 3, 2);
  set_dims (&c, 3, 1, 2, 3, 0);
  run (&c, tensor, &mask);
  for (guint i = 0; i < 6; i++)
    check_pixel (&mask, i, 1, (tensor[i] + 3) / 8, 0.5);
  mask_free (&mask);
  case_init (&c, UNET_ACTIVATION_MIN_MAX, 3, 2);
  set_dims (&c, 2, 2, 3, 0, 0);
  run (&c, constant, &mask);
  for (guint i = 0; i < 6; i++)
    fail_unless (mask.probability[i] == 0 && mask.class_map[i] == 0);
  mask_free (&mask);
}
GST_END_TEST;

static void
check_class_numbers (UnetDType dtype, gconstpointer tensor)
{
  static const guint8 numbers[6] = { 0, 1, 2, 5, 1, 0 };
  gchar *labels[] = { (gchar *) "a", (gchar *) "b", (gchar *) "c",
    (gchar *) "d", (gchar *) "e", (gchar *) "f", NULL };
  UnetMask mask;
  Case c;

  case_init (&c, UNET_ACTIVATION_ARGMAX, 3, 2);
  c.contract->labels = g_strdupv (labels);
  c.output.dtype = dtype;
  set_dims (&c, 3, 1, 2, 3, 0);
  run (&c, tensor, &mask);
  assert_equals_int (mask.n_classes, 6);
  for (guint i = 0; i < 6; i++) {
    assert_equals_int (mask.class_map[i], numbers[i]);
    assert_equals_int (mask.probability[i], numbers[i] ? 255 : 0);
  }
  mask_free (&mask);
  case_init (&c, UNET_ACTIVATION_ARGMAX, 3, 2);
  c.contract->foreground_class = 1;
  c.output.dtype = dtype;
  set_dims (&c, 4, 1, 2, 3, 1);
  run (&c, tensor, &mask);
  assert_equals_int (mask.n_classes, 2);
  for (guint i = 0; i < 6; i++)
    assert_equals_int (mask.class_map[i], numbers[i] == 1);
  mask_free (&mask);
}

GST_START_TEST (test_class_numbers)
{
  static const gint64 i64[6] = { 0, 1, 2, 5, 1, -7 };
  static const gint32 i32[6] = { 0, 1, 2, 5, 1, 70000 };
  static const guint8 u8[6] = { 0, 1, 2, 5, 1, 0 };
  static const gint8 i8[6] = { 0, 1, 2, 5, 1, -1 };
  static const gfloat f32[6] = { 0, 1, 2, 5, 1, NAN };

  check_class_numbers (UNET_DTYPE_I64, i64);
  check_class_numbers (UNET_DTYPE_I32, i32);
  check_class_numbers (UNET_DTYPE_U8, u8);
  check_class_numbers (UNET_DTYPE_I8, i8);
  check_class_numbers (UNET_DTYPE_F32, f32);
}
GST_END_TEST;

/* ---- where the picture is --------------------------------------------- */

GST_START_TEST (test_letterbox_is_cut_off)
{
  gfloat *tensor = g_new (gfloat, 64 * 64);
  UnetMask mask;
  Case c;

  /* 640x360 in 256x256 fills rows 56 to 199. The output has a quarter of the
   * resolution, where these are rows 14 to 49. */
  case_init (&c, UNET_ACTIVATION_NONE, 256, 256);
  unet_placement_init (&c.placement, UNET_FIT_LETTERBOX, 640, 360, 1, 1, 256,
      256, 0, 0, 256, 256);
  set_dims (&c, 4, 1, 1, 64, 64);
  for (guint i = 0; i < 64 * 64; i++)
    tensor[i] = i / 64 < 14 || i / 64 >= 50 ? 0.9f : (i % 64) / 255.0f;
  run (&c, tensor, &mask);
  assert_equals_int (mask.width, 64);
  assert_equals_int (mask.height, 36);
  for (guint i = 0; i < 64 * 36; i++)
    assert_equals_int (mask.probability[i], i % 64);
  fail_unless (mask.x == 0 && mask.y == 0 && mask.w == 640 && mask.h == 360);
  mask_free (&mask);
  g_free (tensor);
}
GST_END_TEST;

GST_START_TEST (test_rectangles)
{
  UnetPlacement p;
  UnetPostprocess *postprocess;
  UnetMask mask;
  Case c;

  /* With crop the mask covers the middle of the frame. */
  case_init (&c, UNET_ACTIVATION_SIGMOID, 256, 256);
  unet_placement_init (
      &c.placement, UNET_FIT_CROP, 1280, 720, 1, 1, 256, 256, 0, 0, 256, 256);
  set_dims (&c, 4, 1, 1, 128, 128);
  postprocess = create (&c, NULL);
  unet_postprocess_get_info (postprocess, &mask);
  fail_unless (fabs (mask.x - 280) < 1e-9 && fabs (mask.w - 720) < 1e-9);
  fail_unless (fabs (mask.y) < 1e-9 && fabs (mask.h - 720) < 1e-9);
  unet_postprocess_free (postprocess);

  /* With valid convolutions the output covers the frame, without the padding
   * around it. */
  unet_placement_init (
      &p, UNET_FIT_STRETCH, 800, 600, 1, 1, 572, 572, 92, 92, 388, 388);
  set_dims (&c, 4, 1, 2, 388, 388);
  c.contract->activation = UNET_ACTIVATION_SOFTMAX;
  postprocess = unet_postprocess_new (
      c.contract, &c.output, 572, 572, &p, 92, 92, 388, 388, NULL);
  unet_postprocess_get_info (postprocess, &mask);
  assert_equals_int (mask.width, 388);
  fail_unless (fabs (mask.x) < 1e-9 && fabs (mask.y) < 1e-9);
  fail_unless (fabs (mask.w - 800) < 1e-9 && fabs (mask.h - 600) < 1e-9);
  unet_postprocess_free (postprocess);

  /* With crop the network sees more of the frame than the window. */
  unet_placement_init (
      &p, UNET_FIT_CROP, 1600, 600, 1, 1, 572, 572, 92, 92, 388, 388);
  postprocess = unet_postprocess_new (
      c.contract, &c.output, 572, 572, &p, 92, 92, 388, 388, NULL);
  unet_postprocess_get_info (postprocess, &mask);
  assert_equals_int (mask.width, 388);
  fail_unless (fabs (mask.x - 500) < 1e-9 && fabs (mask.w - 600) < 1e-9);
  unet_postprocess_free (postprocess);
  unet_contract_free (c.contract);
}
GST_END_TEST;

/* ---- shapes ----------------------------------------------------------- */

static void
expect_shape (Case *c, guint n_dims, const gint64 d[4], guint width,
    guint height, guint n_classes)
{
  UnetPostprocess *postprocess;
  GError *error = NULL;
  UnetMask mask;

  set_dims (c, n_dims, d[0], d[1], d[2], d[3]);
  postprocess = create (c, &error);
  fail_unless (postprocess != NULL, "%s", error ? error->message : "");
  unet_postprocess_get_info (postprocess, &mask);
  assert_equals_int (mask.width, width);
  assert_equals_int (mask.height, height);
  assert_equals_int (mask.n_classes, n_classes);
  unet_postprocess_free (postprocess);
}

GST_START_TEST (test_shapes)
{
  Case c;

  case_init (&c, UNET_ACTIVATION_NONE, 256, 144);
  expect_shape (&c, 4, (gint64[4]){ 1, 1, 144, 256 }, 256, 144, 2);
  expect_shape (&c, 4, (gint64[4]){ 1, 144, 256, 1 }, 256, 144, 2);
  expect_shape (&c, 4, (gint64[4]){ 1, 144, 256, 2 }, 256, 144, 2);
  expect_shape (&c, 4, (gint64[4]){ 1, 21, 9, 16 }, 16, 9, 21);
  expect_shape (&c, 4, (gint64[4]){ 1, 9, 16, 21 }, 16, 9, 21);
  expect_shape (&c, 3, (gint64[4]){ 1, 144, 256 }, 256, 144, 2);
  expect_shape (&c, 3, (gint64[4]){ 144, 256, 3 }, 256, 144, 3);
  expect_shape (&c, 3, (gint64[4]){ 3, 72, 128 }, 128, 72, 3);
  expect_shape (&c, 2, (gint64[4]){ 144, 256 }, 256, 144, 2);
  unet_contract_free (c.contract);
  /* There are as many classes as pixels in a row, so the input's layout
   * decides. */
  case_init (&c, UNET_ACTIVATION_NONE, 64, 64);
  expect_shape (&c, 4, (gint64[4]){ 1, 16, 16, 16 }, 16, 16, 16);
  unet_contract_free (c.contract);
}
GST_END_TEST;

static void
expect_refusal (Case *c, const gchar *word)
{
  GError *error = NULL;

  fail_unless (create (c, &error) == NULL, "%s accepted", word);
  fail_unless (g_error_matches (error, UNET_ERROR, UNET_ERROR_CONTRACT));
  fail_unless (strstr (error->message, word) != NULL, "%s", error->message);
  fail_unless (strstr (error->message, "mask") != NULL, "%s", error->message);
  g_clear_error (&error);
}

GST_START_TEST (test_refusals)
{
  Case c;

  case_init (&c, UNET_ACTIVATION_SOFTMAX, 64, 64);
  set_dims (&c, 4, 1, 1, 64, 64);
  expect_refusal (&c, "softmax");
  set_dims (&c, 4, 2, 2, 64, 64);
  expect_refusal (&c, "batch");
  set_dims (&c, 4, 1, 2, -1, 64);
  expect_refusal (&c, "picture");
  set_dims (&c, 4, 1, 300, 64, 64);
  expect_refusal (&c, "256 classes");
  set_dims (&c, 4, 1, 3, 64, 64);
  c.contract->foreground_class = 3;
  expect_refusal (&c, "foreground");
  c.contract->foreground_class = -1;
  c.contract->invert = TRUE;
  expect_refusal (&c, "invert");
  c.contract->invert = FALSE;
  c.contract->activation = UNET_ACTIVATION_ARGMAX;
  expect_refusal (&c, "class numbers");
  c.output.dtype = UNET_DTYPE_F16;
  expect_refusal (&c, "integer type");
  unet_contract_free (c.contract);
}
GST_END_TEST;

static Suite *
postprocess_suite (void)
{
  Suite *suite = suite_create ("postprocess");
  TCase *tc = tcase_create ("postprocess");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_activations);
  tcase_add_test (tc, test_strange_numbers);
  tcase_add_test (tc, test_one_foreground);
  tcase_add_test (tc, test_several_classes);
  tcase_add_test (tc, test_background);
  tcase_add_test (tc, test_background_of_two);
  tcase_add_test (tc, test_min_max);
  tcase_add_test (tc, test_class_numbers);
  tcase_add_test (tc, test_letterbox_is_cut_off);
  tcase_add_test (tc, test_rectangles);
  tcase_add_test (tc, test_shapes);
  tcase_add_test (tc, test_refusals);
  return suite;
}

GST_CHECK_MAIN (postprocess);
