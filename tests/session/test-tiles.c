/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tiles of a picture give the same result as one pass over it. */

#include "lib/check-main.h"
#include "session/tiles.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unetseg/unetseg.h>

typedef struct {
  UnetModel *model;
  UnetContract *contract;
} Net;

static void
put (GHashTable *table, const gchar *key, const gchar *value)
{
  if (value)
    g_hash_table_insert (table, (gpointer) key, (gpointer) value);
}

static Net
open_net (const gchar *name, const gchar *size, const gchar *overlap)
{
  g_autofree gchar *file = g_strconcat (name, ".onnx", NULL);
  g_autofree gchar *path =
      g_build_filename (g_getenv ("UNETSEG_TEST_MODELS"), file, NULL);
  g_autoptr (GHashTable) overrides = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;
  Net net;

  put (overrides, "fit", "tile");
  put (overrides, "input-size", size);
  put (overrides, "overlap", overlap);
  net.model = unet_model_load (path, &error);
  ck_assert_msg (net.model != NULL, "%s", error ? error->message : "");
  net.contract = unet_model_get_contract (net.model, overrides, &error);
  ck_assert_msg (net.contract != NULL, "%s", error ? error->message : "");
  return net;
}

static void
close_net (Net *net)
{
  unet_contract_free (net->contract);
  unet_model_unref (net->model);
}

static UnetSession *
open_session (const Net *net, guint width, guint height)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  g_autoptr (GError) error = NULL;
  UnetSession *session;

  options.threads = 1;
  options.tuning = UNET_TUNING_STATIC;
  session = unet_session_new_for_size (
      net->model, net->contract, width, height, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  return session;
}

/* ---- pictures --------------------------------------------------------- */

static gfloat *
new_picture (guint width, guint height, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  gfloat *picture = g_new (gfloat, (gsize) width * height);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      picture[y * width + x] = (gfloat) (0.4
          + 0.3 * sin (x * 0.11) * cos (y * 0.07) + 0.3 * g_rand_double (rand));
  return picture;
}

/* Returns the index of numpy's mode `reflect`, from the definition. */
static gint
mirror (gint i, gint n)
{
  while (i < 0 || i >= n)
    i = i < 0 ? -i : 2 * (n - 1) - i;
  return i;
}

static gdouble
probability (const gfloat *logits, gsize plane, gsize i)
{
  return 1 / (1 + exp ((gdouble) logits[i] - logits[plane + i]));
}

/* Runs one pass over the picture. @margin mirrored pixels come before it, and
 * the rest of the input is mirrored behind it. */
static gdouble *
run_whole (const Net *net, const gfloat *picture, guint width, guint height,
    guint margin, guint input_width, guint input_height)
{
  UnetSession *session = open_session (net, input_width, input_height);
  gfloat *in = unet_session_get_input_data (session, 0);
  guint columns = input_width - 2 * margin;
  gsize plane = (gsize) columns * (input_height - 2 * margin);
  gdouble *result = g_new (gdouble, (gsize) width * height);
  const gfloat *out;

  for (gint y = 0; y < (gint) input_height; y++)
    for (gint x = 0; x < (gint) input_width; x++)
      *in++ = picture[mirror (y - (gint) margin, (gint) height) * (gint) width
          + mirror (x - (gint) margin, (gint) width)];
  ck_assert (unet_session_run (session, NULL));
  out = unet_session_get_output_data (session, 0);
  ck_assert_int_eq (
      unet_session_get_output_info (session, 0)->dims[3], columns);
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      result[y * width + x] = probability (out, plane, y * columns + x);
  unet_session_unref (session);
  return result;
}

static gdouble *
run_tiles (const Net *net, const gfloat *picture, guint width, guint height,
    guint *n_tiles)
{
  g_autoptr (GError) error = NULL;
  UnetSession *session;
  UnetTiles *tiles;
  gdouble *result = g_new (gdouble, (gsize) width * height);
  const UnetTensorInfo *info;
  guint tile_width, tile_height;

  unet_model_choose_size (
      net->model, net->contract, width, height, &tile_width, &tile_height);
  session = open_session (net, tile_width, tile_height);
  tiles = unet_tiles_new (session, net->contract, width, height, &error);
  ck_assert_msg (tiles != NULL, "%s", error ? error->message : "");
  memcpy (unet_tiles_get_picture (tiles), picture,
      (gsize) width * height * sizeof *picture);
  ck_assert (unet_tiles_run (tiles, session, NULL));
  info = unet_tiles_get_output_info (tiles);
  ck_assert_int_eq (info->dims[1], 2);
  ck_assert_int_eq (info->dims[2], height);
  ck_assert_int_eq (info->dims[3], width);
  for (gsize i = 0; i < (gsize) width * height; i++)
    result[i] =
        probability (unet_tiles_get_output (tiles), (gsize) width * height, i);
  *n_tiles = unet_tiles_get_n_tiles (tiles);
  unet_tiles_free (tiles);
  unet_session_unref (session);
  return result;
}

static gdouble
largest_difference (const gdouble *a, const gdouble *b, gsize n)
{
  gdouble largest = 0;

  for (gsize i = 0; i < n; i++)
    largest = MAX (largest, fabs (a[i] - b[i]));
  return largest;
}

static gdouble
spread (const gdouble *a, gsize n)
{
  gdouble sum = 0, squares = 0;

  for (gsize i = 0; i < n; i++) {
    sum += a[i];
    squares += a[i] * a[i];
  }
  return sqrt (squares / n - sum / n * (sum / n));
}

/* Returns the largest difference of probabilities between tiles and one pass.
 */
static gdouble
compare (const gchar *name, const gchar *size, const gchar *overlap,
    guint width, guint height, guint margin, guint *n_tiles)
{
  Net net = open_net (name, size, overlap);
  g_autofree gfloat *picture = new_picture (width, height, width);
  g_autofree gdouble *tiles = run_tiles (&net, picture, width, height, n_tiles);
  g_autofree gdouble *whole = run_whole (&net, picture, width, height, margin,
      (width + 2 * margin + 3) / 4 * 4, (height + 2 * margin + 3) / 4 * 4);
  const gsize n = (gsize) width * height;

  /* A network with the same result everywhere would agree with any tiles. */
  ck_assert_double_gt (spread (whole, n), 0.1);
  close_net (&net);
  return largest_difference (tiles, whole, n);
}

/* ---- tests ------------------------------------------------------------ */

static const struct {
  const gchar *size;
  guint width, height;
} cases[] = {
  { "64x64", 200, 152 },
  { "64x64", 203, 157 },
  { "88x60", 133, 171 },
  { "64x64", 36, 36 },
  { "64x64", 37, 100 },
  { "64x64", 20, 17 },
  { "100x96", 301, 97 },
  { NULL, 603, 540 },
};

/* The paper's network agrees at any size, divisible or not. It needs no overlap
 * but the border that it cuts off, and the picture's borders are mirrored. A
 * picture smaller than a tile is mirrored on all sides, both in tiles and in
 * one pass. */
START_TEST (test_valid)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint n_tiles;
    gdouble d = compare ("unet-valid", cases[i].size, NULL, cases[i].width,
        cases[i].height, 14, &n_tiles);

    ck_assert_msg (d < 1e-4, "%ux%u: %g", cases[i].width, cases[i].height, d);
    if (cases[i].width > 64 && cases[i].height > 64)
      ck_assert_uint_gt (n_tiles, 1);
  }
}
END_TEST

/* Tiles end where the picture ends, so that borders of zeros agree as well. */
START_TEST (test_same)
{
  static const guint sizes[][2] = { { 200, 152 }, { 132, 332 }, { 96, 200 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    guint n_tiles;
    gdouble d = compare (
        "unet-same", "96x96", NULL, sizes[i][0], sizes[i][1], 0, &n_tiles);

    ck_assert_msg (d < 1e-4, "%ux%u: %g", sizes[i][0], sizes[i][1], d);
    ck_assert_uint_gt (n_tiles, 1);
  }
}
END_TEST

/* More overlap comes nearer to one pass. Without any, seams are visible, so the
 * test above can fail. */
START_TEST (test_overlap)
{
  static const gchar *const overlaps[] = { "0", "12", "24", "40" };
  gdouble last = 1;
  guint n_tiles, last_n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (overlaps); i++) {
    gdouble d =
        compare ("unet-same", "80x80", overlaps[i], 400, 320, 0, &n_tiles);

    ck_assert_msg (d <= last, "%s: %g", overlaps[i], d);
    ck_assert_uint_gt (n_tiles, last_n);
    if (i == 0)
      ck_assert_double_gt (d, 0.01);
    last = d;
    last_n = n_tiles;
  }
  ck_assert_double_lt (last, 1e-4);
}
END_TEST

/* The paper's geometry gives these numbers of tiles. */
START_TEST (test_count)
{
  Net net = open_net ("unet-valid", "64x64", NULL);
  UnetSession *session = open_session (&net, 64, 64);
  static const struct {
    guint width, height, n, overlap;
  } expected[] = {
    { 36, 36, 1, 0 },
    { 37, 36, 2, 28 },
    { 72, 36, 2, 28 },
    { 73, 36, 3, 28 },
    { 360, 72, 20, 28 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    UnetTiles *tiles = unet_tiles_new (
        session, net.contract, expected[i].width, expected[i].height, NULL);
    guint x, y;

    ck_assert_ptr_nonnull (tiles);
    unet_tiles_get_overlap (tiles, &x, &y);
    ck_assert_uint_eq (unet_tiles_get_n_tiles (tiles), expected[i].n);
    ck_assert_uint_eq (x, expected[i].overlap);
    unet_tiles_free (tiles);
  }
  unet_session_unref (session);
  close_net (&net);
}
END_TEST

/* Networks of open size get tiles of up to 512, but no larger than the picture
 * needs, and of a size at which no pooling loses pixels. */
START_TEST (test_tile_size)
{
  static const struct {
    const gchar *name, *size;
    guint width, height, tile_width, tile_height;
  } expected[] = {
    { "unet-same", NULL, 4000, 3000, 512, 512 },
    { "unet-same", NULL, 101, 4000, 104, 512 },
    { "unet-valid", NULL, 4000, 3000, 512, 512 },
    { "unet-valid", NULL, 101, 50, 132, 80 },
    { "unet-same", "video", 1920, 1078, 1920, 1080 },
    { "unet-valid", "video", 1920, 1078, 1948, 1108 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    Net net = open_net (expected[i].name, expected[i].size, NULL);
    guint width, height;

    unet_model_choose_size (net.model, net.contract, expected[i].width,
        expected[i].height, &width, &height);
    ck_assert_uint_eq (width, expected[i].tile_width);
    ck_assert_uint_eq (height, expected[i].tile_height);
    close_net (&net);
  }
}
END_TEST

static void
expect_refusal (const gchar *name, const gchar *size, const gchar *overlap,
    guint width, guint height, UnetError code, const gchar *says)
{
  Net net = open_net (name, size, overlap);
  UnetSession *session = open_session (&net, 64, 64);
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (
      unet_tiles_new (session, net.contract, width, height, &error));
  ck_assert (g_error_matches (error, UNET_ERROR, (gint) code));
  ck_assert_msg (strstr (error->message, says) != NULL, "%s", error->message);
  unet_session_unref (session);
  close_net (&net);
}

START_TEST (test_refusals)
{
  expect_refusal (
      "unet-same", "64x64", "64", 200, 200, UNET_ERROR_CONTRACT, "overlap");
  expect_refusal (
      "unet-same", "64x64", "62", 200, 200, UNET_ERROR_CONTRACT, "overlap");
  expect_refusal (
      "unet-same", "64x64", NULL, 30000, 30000, UNET_ERROR_LIMIT, "MiB");
}
END_TEST

int
main (void)
{
  TCase *tcase = tcase_create ("tiles");

  tcase_set_timeout (tcase, 300);
  tcase_add_test (tcase, test_valid);
  tcase_add_test (tcase, test_same);
  tcase_add_test (tcase, test_overlap);
  tcase_add_test (tcase, test_count);
  tcase_add_test (tcase, test_tile_size);
  tcase_add_test (tcase, test_refusals);
  return check_run_cases ("tiles", tcase, NULL);
}
