/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-model.h>

G_BEGIN_DECLS

/* Returns hexadecimal digits that are the same for the same nodes and weights,
 * in whatever file. The first call reads all weights. Any thread. */
const gchar *unet_model_get_hash (UnetModel *model);

G_END_DECLS
