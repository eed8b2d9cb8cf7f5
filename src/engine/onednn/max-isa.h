/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <oneapi/dnnl/dnnl.h>

/* Returns the instruction sets that oneDNN uses, a set of bits. The first call
 * holds oneDNN to UNETSEG_MAX_ISA, so it must come before the process creates
 * a primitive: oneDNN takes no cap afterwards. Any thread may call this. */
dnnl_cpu_isa_t unet_dnnl_get_isa (void);
