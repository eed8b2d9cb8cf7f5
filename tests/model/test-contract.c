/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests what a model expects and returns, and which of the sources has
 * priority. */

#include "lib/check-main.h"
#include "lib/onnx-writer.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unetseg/unetseg.h>

static UnetModel *
end_model (Writer *w)
{
  g_autoptr (GBytes) bytes = writer_end (w);
  g_autoptr (GError) error = NULL;
  UnetModel *model = unet_model_new_from_bytes (bytes, "model", &error);

  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  return model;
}

static Writer
begin (const gchar *dims)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, dims);
  return w;
}

/* Returns a model with a 1x1 convolution to @channels, followed by the @tail
 * operators in order. */
static UnetModel *
model_with_tail (const gchar *dims, guint channels, const gchar *tail)
{
  g_auto (GStrv) ops = g_strsplit (tail, ",", -1);
  g_autofree gchar *weights = g_strdup_printf ("%u,3,1,1", channels);
  g_autofree gchar *last = g_strdup ("logits");
  Writer w = begin (dims);

  writer_noise (&w, "w", weights, 1, 1);
  writer_op (&w, "Conv", "conv", "x,w", "logits");
  for (guint i = 0; *tail && ops[i]; i++) {
    g_autofree gchar *out = g_strdup_printf ("t%u", i);
    GByteArray *node = writer_node (ops[i], ops[i], last, out);
    if (!strcmp (ops[i], "Softmax") || g_str_has_prefix (ops[i], "Arg"))
      node_int (node, "axis", 1);
    if (!strcmp (ops[i], "Transpose"))
      node_ints (node, "perm", "0,2,3,1");
    if (!strcmp (ops[i], "Cast"))
      node_int (node, "to", W_FLOAT);
    writer_add (&w, node);
    g_free (last);
    last = g_steal_pointer (&out);
  }
  writer_output (&w, last, W_FLOAT, NULL);
  return end_model (&w);
}

static void
put (GHashTable *overrides, const gchar *key, const gchar *value)
{
  g_hash_table_insert (overrides, (gpointer) key, (gpointer) value);
}

static UnetContract *
contract_of (UnetModel *model)
{
  g_autoptr (GError) error = NULL;
  UnetContract *contract = unet_model_get_contract (model, NULL, &error);

  ck_assert_msg (contract != NULL, "%s", error ? error->message : "");
  return contract;
}

/* ---- text ------------------------------------------------------------- */

START_TEST (set_and_print)
{
  static const gchar *const pairs[][2] = {
    { "input", "image" },
    { "output", "1" },
    { "layout", "nhwc" },
    { "color-order", "bgr" },
    { "scale", "1/128" },
    { "mean", "0.5,0.25,0.125" },
    { "std", "2" },
    { "divide-by-max", "true" },
    { "fit", "letterbox" },
    { "input-size", "640x480" },
    { "multiple", "8" },
    { "activation", "min-max" },
    { "foreground-class", "3" },
    { "invert", "yes" },
    { "background", "last" },
    { "labels", "sky, tree ,cat" },
    { "colors", "tree=#00ff00, cat = #80102030;navy" },
    { "tta", "true" },
  };
  g_autoptr (UnetContract) contract = unet_contract_new (), copy = NULL;
  g_autofree gchar *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    ck_assert_msg (unet_contract_set (contract, pairs[i][0], pairs[i][1], NULL),
        "%s", pairs[i][0]);
  copy = unet_contract_copy (contract);
  text = unet_contract_to_string (copy);
  ck_assert_str_eq (text,
      "input=image output=1 layout=nhwc color-order=bgr scale=0.0078125 "
      "mean=0.5,0.25,0.125 std=2,2,2 divide-by-max=true fit=letterbox "
      "input-size=640x480 multiple=8 activation=min-max foreground-class=3 "
      "invert=true background=last labels=sky,tree,cat "
      "colors=tree=#00ff00,cat = #80102030,navy tta=true");
}
END_TEST

START_TEST (refused_text)
{
  static const gchar *const pairs[][2] = {
    { "colour", "rgb" },
    { "layout", "chwn" },
    { "scale", "0" },
    { "scale", "-1" },
    { "scale", "1,5" },
    { "scale", "nan" },
    { "scale", "1/0" },
    { "mean", "1,2" },
    { "mean", "a,b,c" },
    { "std", "1,0,1" },
    { "multiple", "0" },
    { "tta", "8" },
    { "input-size", "640x" },
    { "input-size", "0" },
    { "input-size", "-1x8" },
    { "input-size", "99999999x8" },
    { "activation", "Sigmoid" },
    { "foreground-class", "-2" },
    { "background", "-1" },
    { "background", "middle" },
    { "invert", "maybe" },
    { "colors", "tree=#00ff0" },
    { "colors", "#00ff00,," },
    { "colors", "tree" },
    { "fit", "" },
  };
  g_autoptr (UnetContract) contract = unet_contract_new ();
  g_autofree gchar *before = unet_contract_to_string (contract);

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *after = NULL;
    ck_assert_msg (
        !unet_contract_set (contract, pairs[i][0], pairs[i][1], &error),
        "%s=%s", pairs[i][0], pairs[i][1]);
    ck_assert (g_error_matches (error, UNET_ERROR, UNET_ERROR_CONTRACT));
    after = unet_contract_to_string (contract);
    ck_assert_str_eq (after, before);
  }
}
END_TEST

/* ---- from the graph --------------------------------------------------- */

START_TEST (layouts)
{
  static const struct {
    const gchar *dims;
    UnetLayout layout;
    UnetColorOrder order;
  } cases[] = {
    { "1,3,64,96", UNET_LAYOUT_NCHW, UNET_COLOR_ORDER_RGB },
    { "1,64,96,3", UNET_LAYOUT_NHWC, UNET_COLOR_ORDER_RGB },
    { "N,3,H,W", UNET_LAYOUT_NCHW, UNET_COLOR_ORDER_RGB },
    { "N,H,W,3", UNET_LAYOUT_NHWC, UNET_COLOR_ORDER_RGB },
    { "1,1,64,96", UNET_LAYOUT_NCHW, UNET_COLOR_ORDER_GRAY },
    { "1,64,96,1", UNET_LAYOUT_NHWC, UNET_COLOR_ORDER_GRAY },
    { "1,3,64,3", UNET_LAYOUT_NCHW, UNET_COLOR_ORDER_RGB },
    { "N,C,H,W", UNET_LAYOUT_NCHW, UNET_COLOR_ORDER_RGB },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Writer w = begin (cases[i].dims);
    g_autoptr (UnetContract) contract = NULL;
    UnetModel *model;
    writer_op (&w, "Sigmoid", "end", "x", "y");
    writer_output (&w, "y", W_FLOAT, NULL);
    model = end_model (&w);
    contract = contract_of (model);
    ck_assert_int_eq (contract->layout, cases[i].layout);
    ck_assert_int_eq (contract->color_order, cases[i].order);
    ck_assert_str_eq (contract->input, "x");
    ck_assert_str_eq (contract->output, "y");
    unet_model_unref (model);
  }
}
END_TEST

START_TEST (activations)
{
  static const struct {
    guint channels;
    const gchar *tail;
    UnetActivation activation;
  } cases[] = {
    { 1, "", UNET_ACTIVATION_SIGMOID },
    { 2, "", UNET_ACTIVATION_SOFTMAX },
    { 21, "Relu", UNET_ACTIVATION_SOFTMAX },
    { 1, "Sigmoid", UNET_ACTIVATION_NONE },
    { 1, "HardSigmoid", UNET_ACTIVATION_NONE },
    { 1, "Sigmoid,Transpose", UNET_ACTIVATION_NONE },
    { 2, "Softmax", UNET_ACTIVATION_NONE },
    { 2, "Softmax,Identity,Cast", UNET_ACTIVATION_NONE },
    { 2, "ArgMax", UNET_ACTIVATION_ARGMAX },
    { 2, "ArgMax,Cast", UNET_ACTIVATION_ARGMAX },
    { 1, "Sigmoid,Round", UNET_ACTIVATION_NONE },
    { 2, "ArgMin", UNET_ACTIVATION_ARGMAX },
    { 3, "Transpose", UNET_ACTIVATION_SOFTMAX },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    UnetModel *model =
        model_with_tail ("1,3,16,16", cases[i].channels, cases[i].tail);
    g_autoptr (UnetContract) contract = contract_of (model);
    ck_assert_msg (contract->activation == cases[i].activation,
        "%u channels and %s give %d", cases[i].channels, cases[i].tail,
        contract->activation);
    unet_model_unref (model);
  }
}
END_TEST

/* The background and the labels of the mask's classes, by the channels, the end
 * of the graph, and the labels that are set. */
START_TEST (background)
{
  static const struct {
    guint channels;
    const gchar *tail, *background, *labels;
    gint expected;
    const gchar *names;
  } cases[] = {
    { 1, "Sigmoid", NULL, NULL, 0, "background,foreground" },
    { 1, "Sigmoid", NULL, "car", 0, "background,car" },
    { 2, "Sigmoid", NULL, "road,car", UNET_BACKGROUND_NONE,
        "background,road,car" },
    { 3, "HardSigmoid", NULL, NULL, UNET_BACKGROUND_NONE,
        "background,class 1,class 2,class 3" },
    { 3, "Sigmoid,Transpose", NULL, "ground,a,b,c", UNET_BACKGROUND_NONE,
        "ground,a,b,c" },
    { 3, "Sigmoid", NULL, "Background,a,b", 0, "Background,a,b" },
    { 3, "Sigmoid", "first", "sky,a,b", 0, "sky,a,b" },
    { 3, "Sigmoid", "last", "a,b,sky", 2, "sky,a,b" },
    { 3, "Softmax", NULL, "sky,a,b", 0, "sky,a,b" },
    { 3, "Softmax", NULL, "a,b,background", 2, "background,a,b" },
    { 3, "Softmax", "1", "a,sky,b", 1, "sky,a,b" },
    { 3, "", "none", "a,b,c", UNET_BACKGROUND_NONE, "background,a,b,c" },
    { 4, "ArgMax", NULL, NULL, 0, "background,class 1,class 2,class 3" },
    { 2, "ArgMax,Cast", NULL, NULL, 0, "background,foreground" },
    { 4, "ArgMax", NULL, "a,b", 0, "a,b,class 2,class 3" },
    { 2, "ArgMax", NULL, "a,b,c", 0, "a,b" },
    { 4, "Softmax", NULL, "a,b", 0, "a,b" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    UnetModel *model =
        model_with_tail ("1,3,16,16", cases[i].channels, cases[i].tail);
    g_autoptr (GHashTable)
        overrides = g_hash_table_new (g_str_hash, g_str_equal);
    g_autoptr (GError) error = NULL;
    g_autoptr (UnetContract) contract = NULL;
    g_autofree gchar *names = NULL;

    if (cases[i].background)
      put (overrides, "background", cases[i].background);
    if (cases[i].labels)
      put (overrides, "labels", cases[i].labels);
    contract = unet_model_get_contract (model, overrides, &error);
    ck_assert_msg (contract != NULL, "%s", error ? error->message : "");
    names = g_strjoinv (",", contract->labels);
    ck_assert_msg (contract->background == cases[i].expected,
        "case %u: background %d", i, contract->background);
    ck_assert_msg (!strcmp (names, cases[i].names), "case %u: %s", i, names);
    unet_model_unref (model);
  }
}
END_TEST

/* clip (x + 3, 0, 6) / 6, as old exporters write a hard sigmoid. */
START_TEST (hard_sigmoid_by_parts)
{
  Writer w = begin ("1,3,16,16");
  gfloat three = 3, zero = 0, six = 6;
  g_autoptr (UnetContract) contract = NULL;
  UnetModel *model;

  writer_floats (&w, "three", "1", &three);
  writer_floats (&w, "zero", "1", &zero);
  writer_floats (&w, "six", "1", &six);
  writer_op (&w, "Add", "a", "x,three", "a");
  writer_op (&w, "Clip", "c", "a,zero,six", "c");
  writer_op (&w, "Div", "d", "c,six", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  model = end_model (&w);
  contract = contract_of (model);
  ck_assert_int_eq (contract->activation, UNET_ACTIVATION_NONE);
  unet_model_unref (model);
}
END_TEST

START_TEST (labels)
{
  static const struct {
    guint channels;
    guint n;
    const gchar *second;
  } cases[] = { { 1, 2, "foreground" }, { 2, 2, "foreground" },
    { 5, 5, "class 1" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    UnetModel *model = model_with_tail ("1,3,16,16", cases[i].channels, "");
    g_autoptr (UnetContract) contract = contract_of (model);
    ck_assert_uint_eq (g_strv_length (contract->labels), cases[i].n);
    ck_assert_str_eq (contract->labels[0], "background");
    ck_assert_str_eq (contract->labels[1], cases[i].second);
    unet_model_unref (model);
  }
}
END_TEST

/* ---- sources ---------------------------------------------------------- */

/* Each source overrides what the ones below it set, and sets one thing more. */
START_TEST (precedence)
{
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "net.onnx", NULL);
  g_autofree gchar *sidecar = g_build_filename (folder, "net.modelinfo", NULL);
  g_autofree gchar *second =
      g_build_filename (folder, "net.onnx.modelinfo", NULL);
  g_autoptr (GHashTable) overrides = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (UnetContract) graph = NULL, above = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  Writer w = begin ("1,3,16,16");
  UnetModel *model;

  writer_metadata (&w, "unetseg.scale", "1/100");
  writer_metadata (&w, "unetseg.fit", "crop");
  writer_metadata (&w, "unetseg.mean", "0.1");
  writer_metadata (&w, "author", "somebody");
  writer_op (&w, "Identity", "end", "x", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  bytes = writer_end (&w);
  ck_assert (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
      (gssize) g_bytes_get_size (bytes), NULL));
  ck_assert (g_file_set_contents (sidecar,
      "[modelinfo]\nversion=1.0\n[unetseg]\nscale=1/50\nmean=0.2\n", -1, NULL));

  model = unet_model_load (path, &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  ck_assert_str_eq (unet_model_get_metadata (model, "author"), "somebody");
  graph = contract_of (model);
  ck_assert_double_eq (graph->scale, 1.0 / 50);
  ck_assert_double_eq (graph->mean[1], 0.2);
  ck_assert_int_eq (graph->fit, UNET_FIT_CROP);
  ck_assert_int_eq (graph->activation, UNET_ACTIVATION_SOFTMAX);
  put (overrides, "scale", "1/25");
  put (overrides, "activation", "argmax");
  above = unet_model_get_contract (model, overrides, &error);
  ck_assert_msg (above != NULL, "%s", error ? error->message : "");
  ck_assert_double_eq (above->scale, 1.0 / 25);
  ck_assert_double_eq (above->mean[1], 0.2);
  ck_assert_int_eq (above->fit, UNET_FIT_CROP);
  ck_assert_int_eq (above->activation, UNET_ACTIVATION_ARGMAX);
  unet_model_unref (model);

  /* The second name of the sidecar counts only without the first. */
  g_unlink (sidecar);
  ck_assert (g_file_set_contents (second, "[unetseg]\nscale=1/10\n", -1, NULL));
  model = unet_model_load (path, NULL);
  g_clear_pointer (&graph, unet_contract_free);
  graph = contract_of (model);
  ck_assert_double_eq (graph->scale, 1.0 / 10);
  ck_assert_double_eq (graph->mean[1], 0.1);
  unet_model_unref (model);
  g_unlink (second);
  g_unlink (path);
  g_rmdir (folder);
}
END_TEST

static UnetModel *
load_with_sidecar (const gchar *text, gchar **folder)
{
  g_autofree gchar *path = NULL, *sidecar = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  Writer w = begin ("1,3,16,16");
  UnetModel *model;

  *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
  path = g_build_filename (*folder, "net.onnx", NULL);
  sidecar = g_build_filename (*folder, "net.modelinfo", NULL);
  writer_op (&w, "Identity", "end", "x", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  bytes = writer_end (&w);
  ck_assert (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
      (gssize) g_bytes_get_size (bytes), NULL));
  ck_assert (g_file_set_contents (sidecar, text, -1, NULL));
  model = unet_model_load (path, &error);
  g_unlink (path);
  g_unlink (sidecar);
  g_rmdir (*folder);
  return model;
}

/* GStreamer's `ranges` give the values that samples of 0 and 255 become. */
START_TEST (ranges_of_gstreamer)
{
  static const struct {
    const gchar *text;
    gdouble low[3], high[3];
  } cases[] = {
    { "0.0,1.0", { 0, 0, 0 }, { 1, 1, 1 } },
    { "-1.0,1.0", { -1, -1, -1 }, { 1, 1, 1 } },
    { "0,255", { 0, 0, 0 }, { 255, 255, 255 } },
    { "-2,2;-1,3;0,1", { -2, -1, 0 }, { 2, 3, 1 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *folder = NULL;
    g_autofree gchar *text = g_strdup_printf (
        "[modelinfo]\nversion=1.0\ngroup-id=seg\n\n"
        "[x]\nid=picture\ntype=float32\ndims=1,3,16,16\ndir=input\n"
        "ranges=%s\n",
        cases[i].text);
    UnetModel *model = load_with_sidecar (text, &folder);
    g_autoptr (UnetContract) c = contract_of (model);
    for (guint k = 0; k < 3; k++) {
      gdouble low = (0 * c->scale - c->mean[k]) / c->std[k];
      gdouble high = (255 * c->scale - c->mean[k]) / c->std[k];
      ck_assert_double_eq_tol (low, cases[i].low[k], 1e-9);
      ck_assert_double_eq_tol (high, cases[i].high[k], 1e-9);
    }
    unet_model_unref (model);
  }
}
END_TEST

START_TEST (bad_sidecars)
{
  static const gchar *const texts[] = {
    "[unetseg]\nscael=1\n",
    "[unetseg]\nscale=blue\n",
    "[x]\nranges=1,1\n",
    "[x]\nranges=0,1;0,1\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree gchar *folder = NULL;
    g_autoptr (GError) error = NULL;
    UnetModel *model = load_with_sidecar (texts[i], &folder);
    ck_assert_ptr_null (unet_model_get_contract (model, NULL, &error));
    ck_assert (g_error_matches (error, UNET_ERROR, UNET_ERROR_CONTRACT));
    ck_assert_ptr_nonnull (strstr (error->message, "net.modelinfo"));
    unet_model_unref (model);
  }
}
END_TEST

START_TEST (unreadable_sidecar)
{
  g_autofree gchar *folder = NULL;

  ck_assert_ptr_null (load_with_sidecar ("no key file\n", &folder));
}
END_TEST

START_TEST (impossible)
{
  static const gchar *const pairs[][2] = {
    { "input", "nope" },
    { "output", "7" },
    { "color-order", "gray" },
    { "input-size", "32x16" },
    { "unknown", "1" },
  };
  UnetModel *model = model_with_tail ("1,3,16,16", 1, "");

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    g_autoptr (GHashTable)
        overrides = g_hash_table_new (g_str_hash, g_str_equal);
    g_autoptr (GError) error = NULL;
    put (overrides, pairs[i][0], pairs[i][1]);
    ck_assert_ptr_null (unet_model_get_contract (model, overrides, &error));
    ck_assert_msg (g_error_matches (error, UNET_ERROR, UNET_ERROR_CONTRACT),
        "%s", pairs[i][0]);
    ck_assert (g_str_has_prefix (error->message, "model: "));
  }
  unet_model_unref (model);
}
END_TEST

/* ---- size ------------------------------------------------------------- */

START_TEST (sizes)
{
  static const struct {
    const gchar *dims, *size;
    guint frame[2], expected[2];
  } cases[] = {
    { "1,3,144,256", "", { 1920, 1080 }, { 256, 144 } },
    { "1,144,256,3", "", { 640, 480 }, { 256, 144 } },
    { "N,3,H,W", "", { 640, 640 }, { 256, 256 } },
    { "N,3,H,W", "", { 1920, 1080 }, { 352, 192 } },
    { "N,3,H,W", "", { 640, 480 }, { 288, 224 } },
    { "N,3,H,W", "", { 1080, 1920 }, { 192, 352 } },
    { "N,3,H,W", "", { 600, 400 }, { 320, 224 } }, /* not 288x192 */
    { "N,3,H,W", "288", { 640, 480 }, { 352, 256 } },
    { "N,3,H,W", "384", { 1920, 1080 }, { 512, 288 } },
    { "N,3,H,W", "320x160", { 640, 480 }, { 320, 160 } },
    { "N,3,H,W", "320x0", { 640, 480 }, { 320, 256 } },
    { "N,3,128,W", "", { 640, 320 }, { 256, 128 } },
    { "N,3,H,W", "", { 100000, 1 }, { 16384, 32 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Writer w = begin (cases[i].dims);
    g_autoptr (GHashTable)
        overrides = g_hash_table_new (g_str_hash, g_str_equal);
    g_autoptr (UnetContract) contract = NULL;
    UnetModel *model;
    guint width, height;
    writer_op (&w, "Sigmoid", "end", "x", "y");
    writer_output (&w, "y", W_FLOAT, NULL);
    model = end_model (&w);
    if (*cases[i].size)
      put (overrides, "input-size", cases[i].size);
    contract = unet_model_get_contract (model, overrides, NULL);
    ck_assert_ptr_nonnull (contract);
    unet_model_choose_size (
        model, contract, cases[i].frame[0], cases[i].frame[1], &width, &height);
    if (i + 1 < G_N_ELEMENTS (cases))
      ck_assert_msg (
          width == cases[i].expected[0] && height == cases[i].expected[1],
          "case %u: %ux%u", i, width, height);
    ck_assert_uint_ge (width, 32);
    ck_assert_uint_ge (height, 32);
    unet_model_unref (model);
  }
}
END_TEST

/* The input for a frame of any shape keeps the frame's aspect, up to a
 * multiple, and the area. */
START_TEST (sizes_of_all_frames)
{
  Writer w = begin ("N,3,H,W");
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  g_autoptr (UnetContract) contract = NULL;
  UnetModel *model;

  writer_op (&w, "Sigmoid", "end", "x", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  model = end_model (&w);
  contract = contract_of (model);
  for (guint i = 0; i < 2000; i++) {
    guint fw = (guint) g_rand_int_range (rand, 200, 4096), width, height;
    guint fh = (guint) g_rand_int_range (rand, MAX (fw / 4, 1), fw * 4);
    unet_model_choose_size (model, contract, fw, fh, &width, &height);
    ck_assert_uint_eq (width % 32, 0);
    ck_assert_uint_eq (height % 32, 0);
    ck_assert_uint_gt (width * height, 65536 / 2);
    ck_assert_uint_lt (width * height, 65536 * 2);
    ck_assert_double_lt (ABS ((gdouble) width / height * fh / fw - 1), 0.2);
  }
  unet_model_unref (model);
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = {
    set_and_print,
    refused_text,
    layouts,
    activations,
    hard_sigmoid_by_parts,
    labels,
    background,
    precedence,
    ranges_of_gstreamer,
    bad_sidecars,
    unreadable_sidecar,
    impossible,
    sizes,
    sizes_of_all_frames,
  };

  return check_run_tests ("contract", 30, tests, G_N_ELEMENTS (tests));
}
