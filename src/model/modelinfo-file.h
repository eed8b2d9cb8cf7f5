/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The modelinfo file beside a model. */

#include <unetseg/unet-contract.h>

G_BEGIN_DECLS

/* Returns the path of the file that belongs to the model file @path, or %NULL
 * when there is none. Free with g_free(). */
gchar *unet_sidecar_find (const gchar *path);
/* Returns its content, or %NULL with %UNET_ERROR_CONTRACT. */
GKeyFile *unet_sidecar_load (const gchar *path, GError **error);
/* Applies GStreamer's ranges of @input (nullable), then the `[unetseg]` group
 * to @contract. @name begins errors. Returns %FALSE with
 * %UNET_ERROR_CONTRACT. */
gboolean unet_sidecar_apply (GKeyFile *sidecar, const gchar *name,
    const gchar *input, UnetContract *contract, GError **error);

G_END_DECLS
