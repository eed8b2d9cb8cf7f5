/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/onednn/engine.h"
#include "engine/onednn/max-isa.h"
#include <unetseg/unet-types.h>
#include <sched.h>

dnnl_engine_t
unet_engine_get (GError **error)
{
  static gsize once;
  static dnnl_engine_t engine;

  if (g_once_init_enter (&once)) {
    unet_dnnl_get_isa (); /* caps oneDNN before its first primitive */
    dnnl_engine_create (&engine, dnnl_cpu, 0);
    g_once_init_leave (&once, 1);
  }
  if (!engine)
    g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
        "oneDNN has no engine for this processor");
  return engine;
}

guint
unet_engine_count_processors (void)
{
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof set, &set) == 0)
    return MAX (CPU_COUNT (&set), 1);
  return g_get_num_processors ();
}

/* The constants are sets of bits: AVX2-VNNI has a larger number than AVX-512,
 * so that they cannot be compared as numbers. */
gboolean
unet_engine_has_isa (dnnl_cpu_isa_t isa)
{
  return (unet_dnnl_get_isa () & isa) == isa;
}

gboolean
unet_engine_has_fast_int8 (void)
{
  return unet_engine_has_isa (dnnl_cpu_isa_avx512_core_vnni)
      || unet_engine_has_isa (dnnl_cpu_isa_avx2_vnni);
}

gboolean
unet_engine_has_bf16 (void)
{
  return unet_engine_has_isa (dnnl_cpu_isa_avx512_core_bf16);
}

const gchar *
unet_engine_name (void)
{
  static gsize once;
  static gchar name[48];

  if (g_once_init_enter (&once)) {
    const dnnl_version_t *v = dnnl_version ();

    g_snprintf (
        name, sizeof name, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    g_once_init_leave (&once, 1);
  }
  return name;
}
