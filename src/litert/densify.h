/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "litert/importer.h"

G_BEGIN_DECLS

/* Finds where the stored elements of a sparse tensor lie in the dense one of
 * @count elements. Sets *@n to their number. Returns %NULL where the tensor's
 * levels make no sense. */
gsize *unet_litert_sparse_places (
    const UnetLitertTensor *tensor, gsize count, gsize *n);

G_END_DECLS
