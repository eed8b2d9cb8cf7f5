/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/npy.h"
#include "base/tensor-info.h"

#include <math.h>
#include <string.h>

/* The longest header that is read. NumPy itself refuses more than 10000
 * bytes. */
#define MAX_HEADER (64 * 1024)

static const guint8 magic[6] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };

static const struct {
  const gchar *descr;
  UnetDType dtype;
} descrs[] = {
  { "<f4", UNET_DTYPE_F32 },
  { "<f8", UNET_DTYPE_F64 },
  { "<f2", UNET_DTYPE_F16 },
  { "<i8", UNET_DTYPE_I64 },
  { "<i4", UNET_DTYPE_I32 },
  { "<i2", UNET_DTYPE_I16 },
  { "<u2", UNET_DTYPE_U16 },
  { "<u4", UNET_DTYPE_U32 },
  { "<u8", UNET_DTYPE_U64 },
  { "|u1", UNET_DTYPE_U8 },
  { "|i1", UNET_DTYPE_I8 },
  { "|b1", UNET_DTYPE_BOOL },
};

/* ---- header ------------------------------------------------------------- */

typedef struct {
  const gchar *at, *end;
  const gchar *name;
} Cursor;

static gboolean
fail (const gchar *name, UnetError code, const gchar *what, GError **error)
{
  g_set_error (error, UNET_ERROR, code, "%s: %s", name, what);
  return FALSE;
}

static gboolean
take (Cursor *cursor, gchar c)
{
  while (cursor->at < cursor->end && g_ascii_isspace (*cursor->at))
    cursor->at++;
  if (cursor->at == cursor->end || *cursor->at != c)
    return FALSE;
  cursor->at++;
  return TRUE;
}

/* A Python string literal without escapes. */
static gchar *
take_string (Cursor *cursor)
{
  const gchar *start;
  gchar quote;

  if (take (cursor, '\''))
    quote = '\'';
  else if (take (cursor, '"'))
    quote = '"';
  else
    return NULL;
  start = cursor->at;
  cursor->at = memchr (start, quote, cursor->end - start);
  if (cursor->at == NULL) {
    cursor->at = cursor->end;
    return NULL;
  }
  return g_strndup (start, cursor->at++ - start);
}

static gboolean
take_word (Cursor *cursor, const gchar *word)
{
  gsize n = strlen (word);

  while (cursor->at < cursor->end && g_ascii_isspace (*cursor->at))
    cursor->at++;
  if ((gsize) (cursor->end - cursor->at) < n
      || memcmp (cursor->at, word, n) != 0)
    return FALSE;
  cursor->at += n;
  return TRUE;
}

static gboolean
take_dim (Cursor *cursor, gint64 *dim)
{
  gboolean any = FALSE;

  while (cursor->at < cursor->end && g_ascii_isspace (*cursor->at))
    cursor->at++;
  *dim = 0;
  for (; cursor->at < cursor->end && g_ascii_isdigit (*cursor->at);
       cursor->at++) {
    if (*dim > (G_MAXINT64 - 9) / 10)
      return FALSE;
    *dim = *dim * 10 + (*cursor->at - '0');
    any = TRUE;
  }
  return any;
}

static gboolean
take_shape (Cursor *cursor, ToolNpy *npy, GError **error)
{
  if (!take (cursor, '('))
    return fail (cursor->name, UNET_ERROR_PARSE, "shape is no tuple", error);
  while (!take (cursor, ')')) {
    if (npy->n_dims == UNET_MAX_DIMS)
      return fail (cursor->name, UNET_ERROR_LIMIT,
          "more than " G_STRINGIFY (UNET_MAX_DIMS) " dimensions", error);
    if (!take_dim (cursor, &npy->dims[npy->n_dims++]))
      return fail (
          cursor->name, UNET_ERROR_PARSE, "shape holds no valid number", error);
    if (!take (cursor, ',')) {
      if (!take (cursor, ')'))
        return fail (
            cursor->name, UNET_ERROR_PARSE, "shape does not end", error);
      break;
    }
  }
  return TRUE;
}

static gboolean
take_descr (Cursor *cursor, ToolNpy *npy, GError **error)
{
  g_autofree gchar *descr = take_string (cursor);

  if (descr == NULL)
    return fail (cursor->name, UNET_ERROR_UNSUPPORTED,
        "structured arrays are not supported", error);
  for (gsize i = 0; i < G_N_ELEMENTS (descrs); i++) {
    if (g_str_equal (descrs[i].descr, descr))
      npy->dtype = descrs[i].dtype;
  }
  if (npy->dtype == UNET_DTYPE_NONE) {
    g_autofree gchar *shown = g_strescape (descr, NULL);
    g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "%s: element type '%.32s' is not supported (float16, float32, "
        "float64, bool and integers of 8 to 64 bits are, little-endian)",
        cursor->name, shown);
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_entry (Cursor *cursor, ToolNpy *npy, gboolean *fortran, guint *seen,
    GError **error)
{
  g_autofree gchar *key = take_string (cursor);
  guint bit;

  if (key == NULL || !take (cursor, ':'))
    return fail (cursor->name, UNET_ERROR_PARSE,
        "the header is no Python dictionary", error);
  bit = g_str_equal (key, "descr")         ? 1
      : g_str_equal (key, "fortran_order") ? 2
      : g_str_equal (key, "shape")         ? 4
                                           : 0;
  if (bit == 0 || *seen & bit)
    return fail (cursor->name, UNET_ERROR_PARSE,
        "the header has an unknown or repeated key", error);
  *seen |= bit;
  if (bit == 1)
    return take_descr (cursor, npy, error);
  if (bit == 4)
    return take_shape (cursor, npy, error);
  *fortran = take_word (cursor, "True");
  if (!*fortran && !take_word (cursor, "False"))
    return fail (cursor->name, UNET_ERROR_PARSE,
        "fortran_order is neither True nor False", error);
  return TRUE;
}

static gboolean
parse_header (Cursor *cursor, ToolNpy *npy, gboolean *fortran, GError **error)
{
  guint seen = 0;

  if (!take (cursor, '{'))
    return fail (cursor->name, UNET_ERROR_PARSE,
        "the header is no Python dictionary", error);
  while (!take (cursor, '}')) {
    if (!take_entry (cursor, npy, fortran, &seen, error))
      return FALSE;
    if (!take (cursor, ',')) {
      if (!take (cursor, '}'))
        return fail (cursor->name, UNET_ERROR_PARSE,
            "the header's dictionary does not end", error);
      break;
    }
  }
  if (seen != 7)
    return fail (cursor->name, UNET_ERROR_PARSE,
        "the header lacks descr, fortran_order or shape", error);
  return TRUE;
}

/* ---- data --------------------------------------------------------------- */

/* Sets npy->n_elements; FALSE where the bytes overflow a gsize. */
static gboolean
count_elements (ToolNpy *npy, gsize *bytes)
{
  gsize count = 1;

  for (guint i = 0; i < npy->n_dims; i++) {
    if (!g_size_checked_mul (&count, count, npy->dims[i]))
      return FALSE;
  }
  npy->n_elements = count;
  return g_size_checked_mul (bytes, count, unet_dtype_size (npy->dtype));
}

/* Fortran order is row-major order of the reversed dimensions. */
static void
copy_fortran (const ToolNpy *npy, const guint8 *from)
{
  gsize size = unet_dtype_size (npy->dtype);
  gsize index[UNET_MAX_DIMS] = { 0 };

  for (gsize i = 0; i < npy->n_elements; i++) {
    gsize offset = 0;

    for (gint d = npy->n_dims - 1; d >= 0; d--)
      offset = offset * npy->dims[d] + index[d];
    memcpy ((guint8 *) npy->data + i * size, from + offset * size, size);
    for (gint d = npy->n_dims - 1; d >= 0; d--) {
      if (++index[d] < (gsize) npy->dims[d])
        break;
      index[d] = 0;
    }
  }
}

static gboolean
read_data (ToolNpy *npy, const guint8 *from, gsize have, gboolean fortran,
    const gchar *name, GError **error)
{
  gsize want;

  if (!count_elements (npy, &want))
    return fail (name, UNET_ERROR_LIMIT, "the shape is too large", error);
  if (have != want) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
        "%s: shape and type need %" G_GSIZE_FORMAT " bytes of data, the file "
        "has %" G_GSIZE_FORMAT,
        name, want, have);
    return FALSE;
  }
  npy->data = g_try_malloc (MAX (want, 1));
  if (npy->data == NULL)
    return fail (name, UNET_ERROR_LIMIT, "not enough memory", error);
  if (fortran && npy->n_dims > 1)
    copy_fortran (npy, from);
  else if (want > 0)
    memcpy (npy->data, from, want);
  return TRUE;
}

/* Finds where the header starts and how long it is. */
static gboolean
find_header (const guint8 *bytes, gsize size, gsize *start, gsize *length,
    const gchar *name, GError **error)
{
  if (size < 10 || memcmp (bytes, magic, sizeof magic) != 0)
    return fail (name, UNET_ERROR_PARSE, "not a .npy file", error);
  if (bytes[6] < 1 || bytes[6] > 3)
    return fail (name, UNET_ERROR_UNSUPPORTED,
        "a .npy version other than 1 to 3", error);
  *start = bytes[6] == 1 ? 10 : 12;
  if (size < *start)
    return fail (name, UNET_ERROR_PARSE, "the file is cut short", error);
  *length = bytes[8] | bytes[9] << 8;
  if (bytes[6] > 1)
    *length |= (gsize) bytes[10] << 16 | (gsize) bytes[11] << 24;
  if (*length > MAX_HEADER)
    return fail (name, UNET_ERROR_LIMIT, "the header is too long", error);
  if (size - *start < *length)
    return fail (name, UNET_ERROR_PARSE, "the file is cut short", error);
  return TRUE;
}

ToolNpy *
tool_npy_parse (
    const guint8 *bytes, gsize size, const gchar *name, GError **error)
{
  g_autoptr (ToolNpy) npy = g_new0 (ToolNpy, 1);
  gboolean fortran = FALSE;
  gsize start, length;
  Cursor cursor;

  if (!find_header (bytes, size, &start, &length, name, error))
    return NULL;
  cursor.at = (const gchar *) bytes + start;
  cursor.end = cursor.at + length;
  cursor.name = name;
  if (!parse_header (&cursor, npy, &fortran, error)
      || !read_data (npy, bytes + start + length, size - start - length,
          fortran, name, error))
    return NULL;
  return g_steal_pointer (&npy);
}

ToolNpy *
tool_npy_read (const gchar *path, GError **error)
{
  g_autoptr (GError) local = NULL;
  /* Mapping has a size from the start, so an endless file (a device) cannot
   * fill memory. */
  GMappedFile *file = g_mapped_file_new (path, FALSE, &local);
  ToolNpy *npy;

  if (file == NULL) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND, "%s: %s", path,
        local->message);
    return NULL;
  }
  npy = tool_npy_parse ((const guint8 *) g_mapped_file_get_contents (file),
      g_mapped_file_get_length (file), path, error);
  g_mapped_file_unref (file);
  return npy;
}

void
tool_npy_free (ToolNpy *npy)
{
  g_free (npy->data);
  g_free (npy);
}

/* ---- writing ------------------------------------------------------------ */

static const gchar *
descr_of (UnetDType dtype)
{
  for (gsize i = 0; i < G_N_ELEMENTS (descrs); i++) {
    if (descrs[i].dtype == dtype)
      return descrs[i].descr;
  }
  /* numpy has neither 4-bit integers nor 8-bit floats: the file has the former
   * in a byte each, and the codes of the latter. */
  return dtype == UNET_DTYPE_I4 ? "|i1" : "|u1";
}

/* The version 1 header, magic included, padded so that data is aligned. */
static GString *
make_header (const UnetTensorInfo *info)
{
  GString *header = g_string_new_len ((const gchar *) magic, sizeof magic);

  g_string_append_len (header, "\x01\x00\x00\x00", 4);
  g_string_append_printf (header,
      "{'descr': '%s', 'fortran_order': False, "
      "'shape': (",
      descr_of (info->dtype));
  for (guint i = 0; i < info->n_dims; i++)
    g_string_append_printf (header,
        i ? " %" G_GINT64_FORMAT "," : "%" G_GINT64_FORMAT ",", info->dims[i]);
  g_string_append (header, "), }");
  while (header->len % 64 != 63)
    g_string_append_c (header, ' ');
  g_string_append_c (header, '\n');
  header->str[8] = (header->len - 10) & 255;
  header->str[9] = (header->len - 10) >> 8;
  return header;
}

gboolean
tool_npy_write (const gchar *path, const UnetTensorInfo *info,
    gconstpointer data, GError **error)
{
  gsize size = unet_tensor_info_size (info);
  g_autoptr (GError) local = NULL;
  GString *file;
  gboolean ok;

  g_return_val_if_fail (descr_of (info->dtype) != NULL, FALSE);
  file = make_header (info);
  g_string_append_len (file, data, size);
  ok = g_file_set_contents (path, file->str, file->len, &local);
  if (!ok)
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND, "%s: %s", path,
        local->message);
  g_string_free (file, TRUE);
  return ok;
}

/* ---- types -------------------------------------------------------------- */

/* IEEE 754 binary16. */
static gdouble
half_to_double (guint16 h)
{
  gint exponent = h >> 10 & 31;
  gdouble mantissa = h & 1023;
  gdouble value;

  if (exponent == 31)
    value = mantissa != 0 ? NAN : INFINITY;
  else if (exponent == 0)
    value = ldexp (mantissa, -24);
  else
    value = ldexp (1024 + mantissa, exponent - 25);
  return h >> 15 ? -value : value;
}

static gdouble
get (const ToolNpy *npy, gsize i)
{
  switch (npy->dtype) {
    case UNET_DTYPE_F32:
      return ((const gfloat *) npy->data)[i];
    case UNET_DTYPE_F64:
      return ((const gdouble *) npy->data)[i];
    case UNET_DTYPE_F16:
      return half_to_double (((const guint16 *) npy->data)[i]);
    case UNET_DTYPE_I64:
      return ((const gint64 *) npy->data)[i];
    case UNET_DTYPE_I32:
      return ((const gint32 *) npy->data)[i];
    case UNET_DTYPE_I16:
      return ((const gint16 *) npy->data)[i];
    case UNET_DTYPE_U16:
      return ((const guint16 *) npy->data)[i];
    case UNET_DTYPE_U32:
      return ((const guint32 *) npy->data)[i];
    case UNET_DTYPE_U64:
      return (gdouble) ((const guint64 *) npy->data)[i];
    case UNET_DTYPE_I8:
      return ((const gint8 *) npy->data)[i];
    default:
      return ((const guint8 *) npy->data)[i];
  }
}

/* A NaN becomes 0. */
static gdouble
saturate (gdouble value, gdouble low, gdouble high)
{
  return value >= low ? MIN (value, high) : value < low ? low : 0;
}

static void
put (gpointer data, UnetDType dtype, gsize i, gdouble value)
{
  switch (dtype) {
    case UNET_DTYPE_F32:
      ((gfloat *) data)[i] = value;
      break;
    case UNET_DTYPE_F64:
      ((gdouble *) data)[i] = value;
      break;
    case UNET_DTYPE_I64:
      /* 2^63 is no gint64, the double below it is. */
      ((gint64 *) data)[i] = saturate (value, -0x1p63, 0x1p63 - 1024);
      break;
    case UNET_DTYPE_I32:
      ((gint32 *) data)[i] = saturate (value, G_MININT32, G_MAXINT32);
      break;
    case UNET_DTYPE_I16:
      ((gint16 *) data)[i] = saturate (value, G_MININT16, G_MAXINT16);
      break;
    case UNET_DTYPE_U16:
      ((guint16 *) data)[i] = saturate (value, 0, G_MAXUINT16);
      break;
    case UNET_DTYPE_U32:
      ((guint32 *) data)[i] = saturate (value, 0, G_MAXUINT32);
      break;
    case UNET_DTYPE_U64:
      /* 2^64 is no guint64, the double below it is. */
      ((guint64 *) data)[i] = saturate (value, 0, 0x1p64 - 2048);
      break;
    case UNET_DTYPE_I8:
      ((gint8 *) data)[i] = saturate (value, -128, 127);
      break;
    case UNET_DTYPE_BOOL:
      ((guint8 *) data)[i] = value != 0;
      break;
    default:
      ((guint8 *) data)[i] = saturate (value, 0, 255);
      break;
  }
}

gboolean
tool_npy_convert (ToolNpy *npy, UnetDType dtype, GError **error)
{
  gpointer data;

  if (npy->dtype == dtype)
    return TRUE;
  if (dtype == UNET_DTYPE_F16 || dtype == UNET_DTYPE_NONE) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "%s cannot be made into %s", unet_dtype_name (npy->dtype),
        unet_dtype_name (dtype));
    return FALSE;
  }
  data = g_try_malloc_n (MAX (npy->n_elements, 1), unet_dtype_size (dtype));
  if (data == NULL) {
    g_set_error_literal (
        error, UNET_ERROR, UNET_ERROR_LIMIT, "not enough memory");
    return FALSE;
  }
  for (gsize i = 0; i < npy->n_elements; i++)
    put (data, dtype, i, get (npy, i));
  g_free (npy->data);
  npy->data = data;
  npy->dtype = dtype;
  return TRUE;
}
