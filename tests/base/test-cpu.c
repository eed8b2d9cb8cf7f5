/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the cap that UNETSEG_MAX_ISA sets for this program: for kernels, for
 * oneDNN and for the resolvers of target_clones. */

#include <glib.h>
#include <string.h>
#include "base/cpu.h"
#include "engine/onednn/max-isa.h"
#include "lib/check-main.h"

/* The instruction sets that each cap allows. */
static const struct {
  const gchar *name;
  UnetIsa cap;
  guint allowed;
} caps[] = {
  { "sse41", UNET_ISA_SSE41, 0x01 },
  { "avx2", UNET_ISA_AVX2, 0x03 },
  { "avx2_vnni", UNET_ISA_AVX2_VNNI, 0x07 },
  { "avx512", UNET_ISA_AVX512, 0x0b },
  { "avx512_vnni", UNET_ISA_AVX512_VNNI, 0x1b },
  { "avx512_bf16", UNET_ISA_AVX512_BF16, 0x3b },
  { "amx", UNET_ISA_AMX, G_MAXUINT32 },
};

static guint
allowed_by_environment (void)
{
  const gchar *name = g_getenv ("UNETSEG_MAX_ISA");

  for (guint i = 0; i < G_N_ELEMENTS (caps); i++)
    if (g_strcmp0 (name, caps[i].name) == 0)
      return caps[i].allowed;
  return G_MAXUINT32;
}

START_TEST (test_kernels)
{
  guint allowed = allowed_by_environment ();

  ck_assert_uint_eq (unet_cpu_isa (), unet_cpu_real_isa () & allowed);
#ifdef __x86_64__
  /* SSE4.1 is in every processor that this library is tested on */
  ck_assert (unet_cpu_real_isa () & UNET_ISA_SSE41);
#endif
}
END_TEST

START_TEST (test_name)
{
  const gchar *name = g_getenv ("UNETSEG_MAX_ISA");
  gboolean unknown, found = FALSE;
  UnetIsa cap = unet_cpu_cap (&unknown);

  for (guint i = 0; i < G_N_ELEMENTS (caps); i++)
    if (g_strcmp0 (name, caps[i].name) == 0) {
      ck_assert_int_eq (cap, caps[i].cap);
      found = TRUE;
    }
  if (!found)
    ck_assert_int_eq (cap, UNET_ISA_BASELINE);
  ck_assert_int_eq (unknown, !found && name && *name);
}
END_TEST

/* The choice is the last variant that the processor can run. */
START_TEST (test_choice)
{
  const UnetIsaVariant variants[] = {
    { UNET_ISA_BASELINE, "baseline", "baseline" },
    { UNET_ISA_AVX2, "avx2", "avx2" },
    { UNET_ISA_AVX512, "avx512", "avx512" },
    { 0, NULL, NULL },
  };
  const gchar *best = unet_isa_choose (variants);
  guint isa = unet_cpu_isa ();

  ck_assert_str_eq (best,
      isa & UNET_ISA_AVX512     ? "avx512"
          : isa & UNET_ISA_AVX2 ? "avx2"
                                : "baseline");
}
END_TEST

START_TEST (test_onednn)
{
  guint allowed = allowed_by_environment ();
  dnnl_cpu_isa_t isa = unet_dnnl_get_isa ();

  if (!(allowed & UNET_ISA_AVX2))
    ck_assert_int_ne (isa & dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx2);
  if (!(allowed & UNET_ISA_AVX512))
    ck_assert_int_ne (isa & dnnl_cpu_isa_avx512_core, dnnl_cpu_isa_avx512_core);
  if (!(allowed & UNET_ISA_AVX512_VNNI))
    ck_assert_int_ne (
        isa & dnnl_cpu_isa_avx512_core_vnni, dnnl_cpu_isa_avx512_core_vnni);
  if (unet_cpu_isa () & UNET_ISA_AVX2)
    ck_assert_int_eq (isa & dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx2);
}
END_TEST

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)            \
    && __GNUC__ >= 12
/* The resolvers that gcc makes ask for these two levels. */
START_TEST (test_clones)
{
  guint isa = unet_cpu_isa ();

  if (!(isa & UNET_ISA_AVX2))
    ck_assert (!__builtin_cpu_supports ("x86-64-v3"));
  if (!(isa & UNET_ISA_AVX512))
    ck_assert (!__builtin_cpu_supports ("x86-64-v4"));
  if (isa & UNET_ISA_AVX512)
    ck_assert (__builtin_cpu_supports ("x86-64-v4"));
}
END_TEST
#define HAVE_CLONES 1
#endif

int
main (void)
{
  const TTest *const tests[] = {
    test_kernels,
    test_name,
    test_choice,
    test_onednn,
#ifdef HAVE_CLONES
    test_clones,
#endif
  };

  return check_run_tests ("cpu", 30, tests, G_N_ELEMENTS (tests));
}
