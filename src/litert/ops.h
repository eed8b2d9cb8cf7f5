/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The codes of builtin operators. */
typedef enum {
#define UNET_LITERT_OP(name) UNET_LITERT_##name,
#include "litert/op-list.h"
#undef UNET_LITERT_OP
  UNET_LITERT_N_OPS
} UnetLitertCode;
