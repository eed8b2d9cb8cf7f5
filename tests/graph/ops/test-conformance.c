/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs the ONNX project's own tests of single operators and small graphs, as
 * Debian's libonnx-testdata carries them: through shape inference, the oracles
 * and sessions' plans. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "lib/interpret.h"
#include "onnx/data.h"
#include "onnx/onnx.h"
#include "onnx/unpack.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT "/usr/share/libonnx-testdata/data"

/* These variables name the data of another release, and a part of the names of
 * tests: only these run, and those that are not applicable say why. */
#define ROOT_VARIABLE "UNETSEG_ONNX_TESTDATA"
#define ONLY_VARIABLE "UNETSEG_ONNX_TEST"

/* onnx.backend.test has the same tolerances. Only ATOL is a little larger here,
 * because sums are taken in another order. */
#define RTOL 1e-3
#define ATOL 1e-6
/* oneDNN approximates exponentials and logarithms by polynomials. */
#define ATOL_PLAN 1e-5

typedef enum { PASSED, FAILED, NOT_APPLICABLE } Outcome;

/* Counts the outcomes, and those of tests whose inputs and outputs are all
 * float. @operators and @others say what keeps a test out: an operator without
 * support, or something else. */
typedef struct {
  guint count[3];
  guint float_passed, float_failed;
  guint operators, others;
  GHashTable *reasons; /* why not applicable -> count */
  GString *failures;
} Tally;

typedef enum { ORACLES, REFERENCE_PLAN, STATIC_PLAN } Way;

/* The data of two releases give these counts. A new operator raises them; they
 * must never fall. */
static const struct {
  const gchar *release;
  guint cases, passed, float_passed, operators, others;
} known[] = {
  { "1.12 (Debian 12)", 1072, 990, 522, 25, 57 },
  { "1.17 (Debian 13)", 1428, 1299, 588, 42, 87 },
};

static const gchar *
root (void)
{
  return g_getenv (ROOT_VARIABLE) ? g_getenv (ROOT_VARIABLE) : ROOT;
}

static void
note (GHashTable *reasons, const gchar *reason)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (reasons, reason));

  g_hash_table_insert (reasons, g_strdup (reason), GUINT_TO_POINTER (n + 1));
}

/* ---- files ------------------------------------------------------------ */

static GBytes *
read_file (const gchar *folder, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  gchar *data;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, NULL))
    return NULL;
  return g_bytes_new_take (data, size);
}

/* Data sets hold the bits of bfloat16, of which numpy has none, as uint16. A
 * graph holds both 16-bit floats as f32. */
static void
correct_type (Onnx__TensorProto *proto, const UnetValue *value)
{
  if (value && value->dtype == UNET_DTYPE_F32
      && proto->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT16)
    proto->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
}

/* Returns %NULL if there is no file. Sets @odd if its tensor is not supported.
 */
static UnetTensor *
read_tensor (const gchar *folder, const gchar *kind, guint index,
    const UnetValue *value, const gchar **odd)
{
  g_autofree gchar *name = g_strdup_printf ("%s_%u.pb", kind, index);
  g_autoptr (GBytes) bytes = read_file (folder, name);
  Onnx__TensorProto *proto;
  UnetTensor *tensor;
  gsize size;
  gconstpointer data;

  if (!bytes)
    return NULL;
  data = g_bytes_get_data (bytes, &size);
  proto = onnx__tensor_proto__unpack (NULL, size, data);
  if (!proto) {
    *odd = "values that are no tensors";
    return NULL;
  }
  correct_type (proto, value);
  tensor = unet_onnx_tensor (proto, NULL, name, NULL);
  if (!tensor)
    *odd = "element type";
  onnx__tensor_proto__free_unpacked (proto, NULL);
  return tensor;
}

static GPtrArray *
read_tensors (const gchar *folder, const gchar *kind, const GPtrArray *values,
    const gchar **odd)
{
  GPtrArray *tensors =
      g_ptr_array_new_with_free_func ((GDestroyNotify) unet_tensor_unref);
  UnetTensor *tensor;

  while (
      (tensor = read_tensor (folder, kind, tensors->len,
           tensors->len < values->len ? g_ptr_array_index (values, tensors->len)
                                      : NULL,
           odd)))
    g_ptr_array_add (tensors, tensor);
  return tensors;
}

/* ---- one data set ----------------------------------------------------- */

static void
set_input (UnetValue *value, const UnetTensor *tensor)
{
  unet_value_set_shape (value, tensor->dtype, tensor->n_dims, tensor->dims);
}

static gboolean
is_complete (const UnetGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    for (guint k = 0; k < node->outputs->len; k++) {
      const UnetValue *value = unet_node_output (node, k);
      if (value && !value->has_shape)
        return FALSE;
      for (guint d = 0; value && d < value->n_dims; d++)
        if (value->dims[d] < 0)
          return FALSE;
    }
  }
  return TRUE;
}

/* These tests pass as inputs what networks have as constants, such as the shape
 * of a Reshape. Vectors and numbers become constants if shapes would be unknown
 * otherwise, and then all inputs, such as that of NonZero. */
static UnetGraph *
infer (
    const UnetGraph *graph, GPtrArray *inputs, GPtrArray *kept, GError **error)
{
  static const gint ranks[] = { -1, 1, UNET_MAX_DIMS };

  for (guint k = 0; k < G_N_ELEMENTS (ranks); k++) {
    UnetGraph *copy = unet_graph_copy (graph);
    g_ptr_array_set_size (kept, 0);
    for (guint i = graph->inputs->len; i-- > 0;) {
      UnetValue *value = g_ptr_array_index (copy->inputs, i);
      UnetTensor *tensor = g_ptr_array_index (inputs, i);
      set_input (value, tensor);
      if ((gint) tensor->n_dims <= ranks[k]) {
        unet_value_set_constant (value, unet_tensor_ref (tensor));
        g_ptr_array_remove_index (copy->inputs, i);
      } else {
        g_ptr_array_insert (kept, 0, tensor);
      }
    }
    if (unet_graph_infer (copy, ranks[k] == 1 ? error : NULL)
        && is_complete (copy)) {
      g_clear_error (error);
      return copy;
    }
    unet_graph_free (copy);
  }
  return NULL;
}

static gboolean
compare (GPtrArray *expected, GPtrArray *results, gdouble atol, GError **error)
{
  for (guint i = 0; i < expected->len; i++) {
    gdouble ratio = tolerance_ratio (g_ptr_array_index (expected, i),
        g_ptr_array_index (results, i), RTOL, atol);
    if (ratio <= 1)
      continue;
    g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
        "output %u is off by %g tolerances", i, ratio);
    return FALSE;
  }
  return TRUE;
}

static gboolean
run_data_set (const UnetGraph *graph, GPtrArray *inputs, GPtrArray *expected,
    Way way, GError **error)
{
  g_autoptr (GPtrArray) kept = g_ptr_array_new (), results = NULL;
  UnetGraph *copy = infer (graph, inputs, kept, error);
  gboolean ok = FALSE;

  if (!copy) {
    if (error && !*error)
      g_set_error (error, UNET_ERROR, UNET_ERROR_SHAPE, "shapes stay open");
    return FALSE;
  }
  results = way == ORACLES
      ? interpret (copy, (UnetTensor *const *) kept->pdata, error)
      : run_plan (
          copy, (UnetTensor *const *) kept->pdata, way == STATIC_PLAN, error);
  if (results)
    ok = compare (expected, results, way == ORACLES ? ATOL : ATOL_PLAN, error);
  unet_graph_free (copy);
  return ok;
}

/* ---- one test --------------------------------------------------------- */

static gboolean
all_float (const GPtrArray *values)
{
  for (guint i = 0; i < values->len; i++)
    if (((const UnetValue *) g_ptr_array_index (values, i))->dtype
        != UNET_DTYPE_F32)
      return FALSE;
  return TRUE;
}

static Outcome
run_case_data (const UnetGraph *graph, const gchar *folder, Way way,
    const gchar **reason, GError **error)
{
  Outcome outcome = NOT_APPLICABLE;

  *reason = "no data";
  for (guint k = 0; k < 16; k++) {
    g_autofree gchar *name = g_strdup_printf ("test_data_set_%u", k);
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    g_autoptr (GPtrArray) inputs = NULL, expected = NULL;
    const gchar *odd = NULL;
    if (!g_file_test (path, G_FILE_TEST_IS_DIR))
      break;
    inputs = read_tensors (path, "input", graph->inputs, &odd);
    expected = read_tensors (path, "output", graph->outputs, &odd);
    if (odd || inputs->len < graph->inputs->len
        || expected->len != graph->outputs->len) {
      *reason = odd ? odd : "inputs left out";
      return NOT_APPLICABLE;
    }
    if (!run_data_set (graph, inputs, expected, way, error))
      return FAILED;
    outcome = PASSED;
  }
  return outcome;
}

/* Returns why a test is not applicable. The last parentheses of the message
 * name an unsupported operator. */
static gchar *
reason_of (const GError *error)
{
  const gchar *open = strchr (error->message, '(');
  const gchar *close = open ? strchr (open, ')') : NULL;

  if (strstr (error->message, "operator is not supported") && close)
    return g_strdup_printf (
        "operator %.*s", (gint) (close - open - 1), open + 1);
  if (strstr (error->message, "element type"))
    return g_strdup ("element type");
  if (strstr (error->message, "not declared as a tensor"))
    return g_strdup ("values that are no tensors");
  if (strstr (error->message, "training"))
    return g_strdup ("training");
  if (strstr (error->message, "statistics per channel"))
    return g_strdup ("training");
  if (strstr (error->message, "operator set"))
    return g_strdup ("operator set too old or too new");
  return g_strdup ("unsupported otherwise");
}

static Outcome
run_case (const gchar *folder, Way way, gboolean *is_float, gchar **reason,
    GError **error)
{
  g_autoptr (GBytes) bytes = read_file (folder, "model.onnx");
  g_autoptr (GError) local = NULL;
  const gchar *why = NULL;
  UnetGraph *graph;
  Outcome outcome;

  if (!bytes)
    return NOT_APPLICABLE;
  graph = unet_onnx_parse (bytes, "model", folder, &local);
  if (graph) {
    *is_float = all_float (graph->inputs) && all_float (graph->outputs);
    outcome = run_case_data (graph, folder, way, &why, &local);
    unet_graph_free (graph);
    if (outcome == NOT_APPLICABLE)
      *reason = g_strdup (why);
    if (!local)
      return outcome;
  }
  outcome = FAILED;
  if (local->code == UNET_ERROR_UNSUPPORTED) {
    *reason = reason_of (local);
    outcome = NOT_APPLICABLE;
  }
  g_propagate_error (error, g_steal_pointer (&local));
  return outcome;
}

static gboolean
is_known_wrong (const gchar *name)
{
  static const gchar *const names[] = {
    /* The generator of these two took the fractional extent 4 * 0.6 = 2.4 for
     * the length of the output; the definition, PyTorch and ONNX Runtime take
     * 2. */
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
    /* In these, -236 wraps to 20, where the definition saturates. */
    "test_qlinearmatmul_2D_int8_float16",
    "test_qlinearmatmul_2D_int8_float32",
    "test_qlinearmatmul_3D_int8_float16",
    "test_qlinearmatmul_3D_int8_float32",
    /* These cut the lower bits off; conversions round to the nearest. */
    "test_cast_FLOAT_to_BFLOAT16",
    "test_castlike_FLOAT_to_BFLOAT16",
    "test_castlike_FLOAT_to_BFLOAT16_expanded",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!strcmp (name, names[i]))
      return TRUE;
  return FALSE;
}

static void
count_case (const gchar *group, const gchar *name, Way way, Tally *tally)
{
  g_autofree gchar *folder = g_build_filename (root (), group, name, NULL);
  g_autofree gchar *reason = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_float = FALSE;
  Outcome outcome = NOT_APPLICABLE;

  if (is_known_wrong (name))
    reason = g_strdup ("expectation wrong");
  else
    outcome = run_case (folder, way, &is_float, &reason, &error);
  tally->count[outcome]++;
  tally->float_passed += outcome == PASSED && is_float;
  tally->float_failed += outcome == FAILED && is_float;
  if (outcome == NOT_APPLICABLE) {
    gboolean operator= reason && g_str_has_prefix (reason, "operator ")
        && !g_str_has_prefix (reason, "operator set");
    tally->operators += operator;
    tally->others += !operator;
    note (tally->reasons, reason ? reason : "no model");
    if (g_getenv (ONLY_VARIABLE))
      printf ("%s: %s\n", name, error ? error->message : reason);
  }
  if (outcome == FAILED)
    g_string_append_printf (
        tally->failures, "%s/%s: %s\n", group, name, error->message);
}

static gint
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

static void
run_group (const gchar *group, Way way, Tally *tally)
{
  g_autofree gchar *path = g_build_filename (root (), group, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const gchar *only = g_getenv (ONLY_VARIABLE), *name;

  while (dir && (name = g_dir_read_name (dir)))
    if (!only || strstr (name, only))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, by_name);
  for (guint i = 0; i < names->len; i++)
    count_case (group, g_ptr_array_index (names, i), way, tally);
}

static void
print_reasons (GHashTable *reasons)
{
  g_autoptr (GList) keys = g_hash_table_get_keys (reasons);

  keys = g_list_sort (keys, (GCompareFunc) strcmp);
  for (GList *key = keys; key; key = key->next)
    printf ("  not applicable, %s: %u\n", (const gchar *) key->data,
        GPOINTER_TO_UINT (g_hash_table_lookup (reasons, key->data)));
}

static void
check_counts (const Tally *tally)
{
  guint cases = tally->count[PASSED] + tally->count[FAILED]
      + tally->count[NOT_APPLICABLE];

  ck_assert_uint_eq (tally->count[FAILED], 0);
  ck_assert_uint_gt (tally->count[PASSED], 0);
  for (guint i = 0; i < G_N_ELEMENTS (known); i++) {
    if (g_getenv (ONLY_VARIABLE) || cases != known[i].cases)
      continue;
    ck_assert_uint_eq (tally->count[PASSED], known[i].passed);
    ck_assert_uint_eq (tally->float_passed, known[i].float_passed);
    ck_assert_uint_eq (tally->operators, known[i].operators);
    ck_assert_uint_eq (tally->others, known[i].others);
  }
}

static void
run_all (Way way, const gchar *title)
{
  static const gchar *const groups[] = { "node", "simple", "pytorch-converted",
    "pytorch-operator" };
  Tally tally = { .reasons = g_hash_table_new_full (
                      g_str_hash, g_str_equal, g_free, NULL),
    .failures = g_string_new (NULL) };

  if (!g_file_test (root (), G_FILE_TEST_IS_DIR)) {
    printf ("SKIP: %s is not there (package libonnx-testdata)\n", root ());
    g_hash_table_unref (tally.reasons);
    g_string_free (tally.failures, TRUE);
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    run_group (groups[i], way, &tally);
  printf ("%s: %u passed (%u of floats only), %u failed, %u not applicable (%u "
          "for an operator, %u for something else)\n%s",
      title, tally.count[PASSED], tally.float_passed, tally.count[FAILED],
      tally.count[NOT_APPLICABLE], tally.operators, tally.others,
      tally.failures->str);
  print_reasons (tally.reasons);
  fflush (stdout);
  g_hash_table_unref (tally.reasons);
  g_string_free (tally.failures, TRUE);
  check_counts (&tally);
}

START_TEST (oracles)
{
  run_all (ORACLES, "oracles");
}
END_TEST

START_TEST (reference_plan)
{
  run_all (REFERENCE_PLAN, "reference plan");
}
END_TEST

START_TEST (static_plan)
{
  run_all (STATIC_PLAN, "static plan");
}
END_TEST

gint
main (void)
{
  TCase *tcase = tcase_create ("onnx");

  tcase_set_timeout (tcase, 0);
  tcase_add_test (tcase, oracles);
  tcase_add_test (tcase, reference_plan);
  tcase_add_test (tcase, static_plan);
  return check_run_cases ("conformance", tcase, NULL);
}
