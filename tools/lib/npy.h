/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* NumPy's .npy files (https://numpy.org/neps/nep-0001-npy-format.html):
 * versions 1 to 3, little-endian, C or Fortran order, rank 0 to
 * UNET_MAX_DIMS. Nothing in a file is trusted. */

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* The elements are row-major and without gaps, whatever the file's order. */
typedef struct {
  UnetDType dtype;
  guint n_dims;
  gint64 dims[UNET_MAX_DIMS];
  gsize n_elements;
  gpointer data;
} ToolNpy;

/* Errors are of %UNET_ERROR and start with @path. */
ToolNpy *tool_npy_read (const gchar *path, GError **error);
/* @name: what errors call it. */
ToolNpy *tool_npy_parse (
    const guint8 *bytes, gsize size, const gchar *name, GError **error);
void tool_npy_free (ToolNpy *npy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolNpy, tool_npy_free)

/* Writes @data, row-major without gaps, of the type and shape of @info. */
gboolean tool_npy_write (const gchar *path, const UnetTensorInfo *info,
    gconstpointer data, GError **error);

/* Converts the elements as a C cast does; integers saturate. */
gboolean tool_npy_convert (ToolNpy *npy, UnetDType dtype, GError **error);

G_END_DECLS
