/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-model.h>

G_BEGIN_DECLS

/* Fills model->inputs and model->outputs. Where the file leaves sizes open,
 * two trial inferences find out which dimensions of the outputs depend on
 * them. Returns %FALSE with @error of the inference. */
gboolean unet_model_describe (UnetModel *model, GError **error);

G_END_DECLS
