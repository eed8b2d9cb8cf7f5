/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests reading and writing .npy files: round trips, both orders, conversions,
 * and files that are cut short, altered or inconsistent. */

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>

#include "lib/npy.h"

static gchar *folder;

/* Returns a file with this header and @data zero bytes. */
static GByteArray *
make_file (const gchar *header, gsize data, gint version)
{
  GByteArray *file = g_byte_array_new ();
  gsize length = strlen (header);
  guint8 start[12] = { 0x93, 'N', 'U', 'M', 'P', 'Y', version, 0, length & 255,
    length >> 8, 0, 0 };

  g_byte_array_append (file, start, version == 1 ? 10 : 12);
  g_byte_array_append (file, (const guint8 *) header, length);
  g_byte_array_set_size (file, file->len + data);
  memset (file->data + file->len - data, 0, data);
  return file;
}

static ToolNpy *
parse (const gchar *header, gsize data, gint version, GError **error)
{
  GByteArray *file = make_file (header, data, version);
  /* The copy has the exact size, so that memory checkers find a read beyond its
   * end. */
  guint8 *exact = g_memdup2 (file->data, file->len);
  ToolNpy *npy = tool_npy_parse (exact, file->len, "it", error);

  g_free (exact);
  g_byte_array_unref (file);
  return npy;
}

GST_START_TEST (test_round_trip)
{
  static const UnetDType types[] = { UNET_DTYPE_F32, UNET_DTYPE_F64,
    UNET_DTYPE_I64, UNET_DTYPE_I32, UNET_DTYPE_U8, UNET_DTYPE_I8,
    UNET_DTYPE_BOOL };
  UnetTensorInfo info = { "x", types[__i__ % 7], __i__ / 7,
    { 2, 3, 1, 5, 2, 1, 1, 3 } };
  g_autofree gchar *path = g_build_filename (folder, "x.npy", NULL);
  g_autoptr (GError) error = NULL;
  gsize size = unet_dtype_size (info.dtype);
  ToolNpy *npy;
  guint8 *data;

  for (guint i = 0; i < info.n_dims; i++)
    size *= info.dims[i];
  data = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    data[i] = info.dtype == UNET_DTYPE_BOOL ? i & 1 : i * 37 + 11;
  fail_unless (tool_npy_write (path, &info, data, &error));
  npy = tool_npy_read (path, &error);
  g_assert_no_error (error);
  fail_unless_equals_int (npy->dtype, info.dtype);
  fail_unless_equals_int (npy->n_dims, info.n_dims);
  fail_unless (memcmp (npy->dims, info.dims, info.n_dims * 8) == 0);
  fail_unless (memcmp (npy->data, data, size) == 0);
  tool_npy_free (npy);
  g_free (data);
}
GST_END_TEST;

GST_START_TEST (test_header_forms)
{
  static const gchar *const good[] = {
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n",
    "{'shape':(2,3),'fortran_order':False,'descr':'<f4'}",
    (" { \"shape\" : ( 2 , 3 , ) , \"descr\":\"<f4\",\"fortran_order\" "
     ":False}\n"),
  };
  g_autoptr (GError) error = NULL;

  for (gint version = 1; version <= 3; version++) {
    ToolNpy *npy = parse (good[__i__], 24, version, &error);

    g_assert_no_error (error);
    fail_unless_equals_int (npy->n_dims, 2);
    fail_unless_equals_int64 (npy->dims[1], 3);
    tool_npy_free (npy);
  }
}
GST_END_TEST;

GST_START_TEST (test_fortran_order)
{
  /* NumPy stores [[0,1,2],[3,4,5]] like this in Fortran order. */
  static const guint8 stored[] = { 0, 3, 1, 4, 2, 5 };
  GByteArray *file = make_file (
      "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 6, 1);
  g_autoptr (GError) error = NULL;
  ToolNpy *npy;

  memcpy (file->data + file->len - 6, stored, 6);
  npy = tool_npy_parse (file->data, file->len, "it", &error);
  g_assert_no_error (error);
  for (gint i = 0; i < 6; i++)
    fail_unless_equals_int (((guint8 *) npy->data)[i], i);
  tool_npy_free (npy);
  g_byte_array_unref (file);
}
GST_END_TEST;

#define SHAPE(s) "{'descr': '<f4', 'fortran_order': False, 'shape': " s "}"

static const struct {
  const gchar *header;
  gsize data;
  gint version;
  UnetError code;
} bad[] = {
  { SHAPE ("(2,3)"), 23, 1, UNET_ERROR_PARSE },
  { SHAPE ("(2,3)"), 25, 1, UNET_ERROR_PARSE },
  { SHAPE ("(2,3)"), 24, 4, UNET_ERROR_UNSUPPORTED },
  { SHAPE ("(2,3)"), 24, 0, UNET_ERROR_UNSUPPORTED },
  { SHAPE ("(-2,3)"), 24, 1, UNET_ERROR_PARSE },
  { SHAPE ("(2 3)"), 24, 1, UNET_ERROR_PARSE },
  { SHAPE ("(,)"), 4, 1, UNET_ERROR_PARSE },
  { SHAPE ("(2,3"), 24, 1, UNET_ERROR_PARSE },
  { SHAPE ("6"), 24, 1, UNET_ERROR_PARSE },
  { SHAPE ("(4294967296,4294967296)"), 0, 1, UNET_ERROR_LIMIT },
  { SHAPE ("(9223372036854775807,2)"), 0, 1, UNET_ERROR_PARSE },
  { SHAPE ("(99999999999999999999,)"), 0, 1, UNET_ERROR_PARSE },
  { SHAPE ("(9000000000000000000,)"), 0, 1, UNET_ERROR_LIMIT },
  { SHAPE ("(1000000000000,)"), 4, 1, UNET_ERROR_PARSE },
  { SHAPE ("(1,1,1,1,1,1,1,1,1)"), 4, 1, UNET_ERROR_LIMIT },
  { "{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", 4, 1,
      UNET_ERROR_UNSUPPORTED },
  { "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 8, 1,
      UNET_ERROR_UNSUPPORTED },
  { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4, 1,
      UNET_ERROR_UNSUPPORTED },
  { "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}", 4, 1,
      UNET_ERROR_PARSE },
  { "{'descr': '<f4', 'shape': (1,)}", 4, 1, UNET_ERROR_PARSE },
  { "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': ()}", 8,
      1, UNET_ERROR_PARSE },
  { "{'descr': '<f4', 'x': False, 'shape': (1,)}", 4, 1, UNET_ERROR_PARSE },
  { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 4, 1,
      UNET_ERROR_PARSE },
  { "{'descr", 4, 1, UNET_ERROR_PARSE },
  { "", 4, 1, UNET_ERROR_PARSE },
};

GST_START_TEST (test_bad_header)
{
  g_autoptr (GError) error = NULL;
  ToolNpy *npy =
      parse (bad[__i__].header, bad[__i__].data, bad[__i__].version, &error);

  fail_unless (npy == NULL, "accepted: %s", bad[__i__].header);
  g_assert_error (error, UNET_ERROR, (gint) bad[__i__].code);
  fail_unless (g_str_has_prefix (error->message, "it: "));
}
GST_END_TEST;

GST_START_TEST (test_cut_short)
{
  GByteArray *file = make_file (SHAPE ("(2,3)"), 24, 2);

  for (guint n = 0; n < file->len; n++) {
    g_autoptr (GError) error = NULL;
    guint8 *exact = g_memdup2 (file->data, n);

    fail_unless (tool_npy_parse (exact, n, "it", &error) == NULL);
    fail_unless (error != NULL);
    g_free (exact);
  }
  g_byte_array_unref (file);
}
GST_END_TEST;

/* An altered file is read within its bounds or refused. */
GST_START_TEST (test_altered)
{
  GByteArray *file = make_file (SHAPE ("(2,3)"), 24, 1);
  GRand *rand = g_rand_new_with_seed (__i__);

  for (gint round = 0; round < 3000; round++) {
    guint8 *exact = g_memdup2 (file->data, file->len);
    g_autoptr (GError) error = NULL;
    ToolNpy *npy;

    for (gint n = g_rand_int_range (rand, 1, 5); n > 0; n--)
      exact[g_rand_int_range (rand, 6, file->len)] = g_rand_int (rand);
    npy = tool_npy_parse (exact, file->len, "it", &error);
    fail_unless ((npy == NULL) == (error != NULL));
    if (npy != NULL) {
      fail_unless (npy->n_elements * unet_dtype_size (npy->dtype) <= file->len);
      tool_npy_free (npy);
    }
    g_free (exact);
  }
  g_rand_free (rand);
  g_byte_array_unref (file);
}
GST_END_TEST;

static ToolNpy *
make_values (UnetDType dtype, gconstpointer values, gsize n)
{
  ToolNpy *npy = g_new0 (ToolNpy, 1);

  npy->dtype = dtype;
  npy->n_dims = 1;
  npy->dims[0] = npy->n_elements = n;
  npy->data = g_memdup2 (values, n * unet_dtype_size (dtype));
  return npy;
}

GST_START_TEST (test_convert)
{
  static const gdouble wide[] = { 1.5, -1e300, 1e300, NAN, 300, -300 };
  static const guint16 halves[] = { 0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555 };
  ToolNpy *npy = make_values (UNET_DTYPE_F64, wide, 6);

  fail_unless (tool_npy_convert (npy, UNET_DTYPE_I64, NULL));
  fail_unless_equals_int64 (((gint64 *) npy->data)[0], 1);
  fail_unless (((gint64 *) npy->data)[1] == G_MININT64);
  fail_unless (((gint64 *) npy->data)[2] > G_MAXINT64 - 2048);
  fail_unless_equals_int64 (((gint64 *) npy->data)[3], 0);
  fail_unless (tool_npy_convert (npy, UNET_DTYPE_U8, NULL));
  fail_unless_equals_int (((guint8 *) npy->data)[4], 255);
  fail_unless_equals_int (((guint8 *) npy->data)[5], 0);
  fail_if (tool_npy_convert (npy, UNET_DTYPE_F16, NULL));
  tool_npy_free (npy);

  npy = make_values (UNET_DTYPE_F16, halves, 5);
  fail_unless (tool_npy_convert (npy, UNET_DTYPE_F32, NULL));
  fail_unless_equals_float (((gfloat *) npy->data)[0], 1);
  fail_unless_equals_float (((gfloat *) npy->data)[1], -2);
  fail_unless_equals_float (((gfloat *) npy->data)[2], 0x1p-24);
  fail_unless (isinf (((gfloat *) npy->data)[3]));
  fail_unless_equals_float (((gfloat *) npy->data)[4], 0x1.554p-2);
  tool_npy_free (npy);
}
GST_END_TEST;

GST_START_TEST (test_files)
{
  g_autofree gchar *missing = g_build_filename (folder, "none.npy", NULL);
  UnetTensorInfo info = { "x", UNET_DTYPE_U8, 0, { 0 } };
  g_autoptr (GError) error = NULL;

  fail_unless (tool_npy_read (missing, &error) == NULL);
  g_assert_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND);
  g_clear_error (&error);
  fail_unless (tool_npy_read ("/dev/zero", &error) == NULL);
  fail_unless (error != NULL);
  g_clear_error (&error);
  fail_unless (tool_npy_read (folder, &error) == NULL);
  fail_unless (error != NULL);
  g_clear_error (&error);
  fail_if (tool_npy_write ("/nonexistent/x.npy", &info, "", &error));
  g_assert_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND);
}
GST_END_TEST;

static void
setup (void)
{
  folder = g_dir_make_tmp ("npy-XXXXXX", NULL);
}

static void
teardown (void)
{
  g_autofree gchar *path = g_build_filename (folder, "x.npy", NULL);

  g_unlink (path);
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
}

static Suite *
npy_suite (void)
{
  Suite *suite = suite_create ("npy");
  TCase *tc = tcase_create ("npy");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  /* Each of the seven types is tested with each rank. */
  tcase_add_loop_test (tc, test_round_trip, 0, 7 * (UNET_MAX_DIMS + 1));
  tcase_add_loop_test (tc, test_header_forms, 0, 3);
  tcase_add_test (tc, test_fortran_order);
  tcase_add_loop_test (tc, test_bad_header, 0, G_N_ELEMENTS (bad));
  tcase_add_test (tc, test_cut_short);
  tcase_add_loop_test (tc, test_altered, 0, 4);
  tcase_add_test (tc, test_convert);
  tcase_add_test (tc, test_files);
  return suite;
}

GST_CHECK_MAIN (npy);
