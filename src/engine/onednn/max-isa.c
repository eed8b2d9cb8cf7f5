/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/onednn/max-isa.h"
#include "base/cpu.h"

static const struct {
  UnetIsa cap;
  dnnl_cpu_isa_t isa;
} caps[] = {
  { UNET_ISA_SSE41, dnnl_cpu_isa_sse41 },
  { UNET_ISA_AVX2, dnnl_cpu_isa_avx2 },
  { UNET_ISA_AVX2_VNNI, dnnl_cpu_isa_avx2_vnni },
  { UNET_ISA_AVX512, dnnl_cpu_isa_avx512_core },
  { UNET_ISA_AVX512_VNNI, dnnl_cpu_isa_avx512_core_vnni },
  { UNET_ISA_AVX512_BF16, dnnl_cpu_isa_avx512_core_bf16 },
  { UNET_ISA_AMX, dnnl_cpu_isa_avx512_core_amx },
};

static void
set_cap (void)
{
  gboolean unknown;
  UnetIsa cap = unet_cpu_cap (&unknown);

  if (unknown)
    g_warning ("UNETSEG_MAX_ISA is none of sse41, avx2, avx2_vnni, avx512, "
               "avx512_vnni, avx512_bf16 and amx: nothing is capped");
  for (guint i = 0; i < G_N_ELEMENTS (caps); i++)
    if (caps[i].cap == cap && dnnl_set_max_cpu_isa (caps[i].isa))
      g_warning ("UNETSEG_MAX_ISA: oneDNN was in use before and is not capped");
}

dnnl_cpu_isa_t
unet_dnnl_get_isa (void)
{
  static gsize once;

  if (g_once_init_enter (&once)) {
    set_cap ();
    g_once_init_leave (&once, 1);
  }
  return dnnl_get_effective_cpu_isa ();
}
