/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Properties of the element that set a field of the contract. Each is set by
 * text, so that it means and allows what the same key in a sidecar does. */

#include <gst/gst.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

typedef struct _GstUnetContractProperty GstUnetContractProperty;

/* Returns: (nullable): the property of that name; %NULL: it is none of the
 * contract's. */
const GstUnetContractProperty *gst_unet_contract_property_find (
    const gchar *name);

/* Sets the field in @contract, and its text in @overrides, which maps keys to
 * texts. Empty text removes it there. Returns %FALSE with @error of
 * %UNET_ERROR_CONTRACT set where the value is refused; both then stay as they
 * were. */
gboolean gst_unet_contract_property_set (const GstUnetContractProperty *self,
    UnetContract *contract, GHashTable *overrides, const GValue *value,
    GParamSpec *pspec, GError **error);

void gst_unet_contract_property_get (const GstUnetContractProperty *self,
    const UnetContract *contract, GHashTable *overrides, GValue *value,
    GParamSpec *pspec);

G_END_DECLS
