/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cpu.h"
#include <fcntl.h>
#include <string.h>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/* Kernels under target_clones (base/simd.h) are chosen by the loader: before
 * any constructor runs, each resolver that the compiler made asks libgcc's
 * __cpu_indicator_init () for the processor's features. The linker's --wrap
 * directs that call here, where features above the cap are taken out. So this
 * file runs while relocations are still being applied: up to unet_cpu_isa ()
 * it calls no function of another library, and no sanitizer instruments it. */

#define ALL_ISA G_MAXUINT32

#ifdef __clang__
#define EARLY                                                                  \
  __attribute__ ((no_sanitize ("address", "coverage", "thread", "undefined")))
#else
#define EARLY                                                                  \
  __attribute__ ((no_sanitize ("address"), no_sanitize ("thread"),             \
      no_sanitize ("undefined"), no_profile_instrument_function))
#endif

/* A cap allows what its instruction set includes. */
#define UP_TO_SSE41  UNET_ISA_SSE41
#define UP_TO_AVX2   (UP_TO_SSE41 | UNET_ISA_AVX2)
#define UP_TO_AVX512 (UP_TO_AVX2 | UNET_ISA_AVX512)
#define UP_TO_VNNI   (UP_TO_AVX512 | UNET_ISA_AVX512_VNNI)

static const struct {
  gchar name[14];
  UnetIsa isa;
  guint allows;
} caps[] = {
  { "sse41", UNET_ISA_SSE41, UP_TO_SSE41 },
  { "avx2", UNET_ISA_AVX2, UP_TO_AVX2 },
  { "avx2_vnni", UNET_ISA_AVX2_VNNI, UP_TO_AVX2 | UNET_ISA_AVX2_VNNI },
  { "avx512", UNET_ISA_AVX512, UP_TO_AVX512 },
  { "avx512_vnni", UNET_ISA_AVX512_VNNI, UP_TO_VNNI },
  { "avx512_bf16", UNET_ISA_AVX512_BF16, UP_TO_VNNI | UNET_ISA_AVX512_BF16 },
  { "amx", UNET_ISA_AMX, ALL_ISA },
};

static struct {
  guint real;    /* set of UnetIsa */
  guint allowed; /* set of UnetIsa */
  UnetIsa cap;
  gboolean unknown, done;
} cpu;

static EARLY gboolean
same_text (const gchar *a, const gchar *b)
{
  while (*a && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

static EARLY void
set_cap (const gchar *name)
{
  cpu.unknown = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (caps); i++)
    if (same_text (name, caps[i].name)) {
      cpu.cap = caps[i].isa;
      cpu.allowed = caps[i].allows;
      cpu.unknown = FALSE;
    }
}

#ifdef __x86_64__

#ifdef __linux__
/* ---- the environment ----------------------------------------------------- */

/* libc's own environ is not set up yet when the resolvers run, so the kernel
 * is asked for the environment with which the process started. */

static EARLY long
system_call (long number, long a, long b, long c)
{
  long result;

  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r11", "memory");
  return result;
}

#define SYS_READ  0
#define SYS_OPEN  2
#define SYS_CLOSE 3

static const gchar variable[] = "UNETSEG_MAX_ISA=";

typedef struct {
  gsize matched; /* characters of the variable's name; MISMATCH: another one */
  gsize length;
  gchar value[16]; /* more than any name has */
} Search;

#define MISMATCH G_MAXSIZE

/* Takes one character of the environment. Returns TRUE at the end of the
 * variable's value. */
static EARLY gboolean
search_step (Search *s, gchar c)
{
  if (c == '\0') {
    if (s->matched == sizeof variable - 1)
      return TRUE;
    s->matched = 0;
  } else if (s->matched == sizeof variable - 1) {
    if (s->length < sizeof s->value - 1)
      s->value[s->length++] = c;
  } else if (s->matched != MISMATCH) {
    s->matched = c == variable[s->matched] ? s->matched + 1 : MISMATCH;
  }
  return FALSE;
}

static EARLY void
read_cap (void)
{
  long file = system_call (SYS_OPEN, (long) "/proc/self/environ", O_RDONLY, 0);
  Search search = { 0 };
  gboolean found = FALSE;
  gchar block[1024];
  long n;

  if (file < 0)
    return;
  while (!found
      && (n = system_call (SYS_READ, file, (long) block, sizeof block)) > 0)
    for (long i = 0; i < n && !found; i++)
      found = search_step (&search, block[i]);
  system_call (SYS_CLOSE, file, 0, 0);
  if (found && search.length > 0)
    set_cap (search.value);
}
#else
static EARLY void
read_cap (void)
{
}
#endif

/* ---- the processor ------------------------------------------------------- */

/* libgcc's and compiler-rt's; resolvers read these arrays. Feature numbers
 * are part of that interface: number n is bit n % 32 of word n / 32, the first
 * word is in the model. */
extern struct {
  guint vendor, type, subtype, features[1];
} __cpu_model __attribute__ ((visibility ("hidden")));
extern guint __cpu_features2[] __attribute__ ((visibility ("hidden")));

#define FEATURE_AVX2      10
#define FEATURE_AVX512F   15
#define FEATURE_X86_64_V3 97
#define FEATURE_X86_64_V4 98

int __real___cpu_indicator_init (void);
int __wrap___cpu_indicator_init (void);

static EARLY void
forget_feature (guint feature)
{
  guint bit = 1u << feature % 32;

  if (feature < 32)
    __cpu_model.features[0] &= ~bit;
  else
    __cpu_features2[feature / 32 - 1] &= ~bit;
}

/* AVX-VNNI and AMX are asked for by instruction, because older compilers have
 * no name for them. The system must have enabled AMX's registers, too, which
 * oneDNN finds out for itself: no kernel here uses them. */
static EARLY guint
leaf_7_isa (void)
{
  guint a = 0, b = 0, c = 0, d = 0, isa = 0;

  __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0));
  if (a < 7)
    return 0;
  __asm__ volatile("cpuid"
                   : "=a"(a), "=b"(b), "=c"(c), "=d"(d)
                   : "a"(7), "c"(0));
  if (d & 1u << 24 && d & 1u << 25) /* AMX-TILE, AMX-INT8 */
    isa |= UNET_ISA_AMX;
  if (a == 0)
    return isa;
  __asm__ volatile("cpuid"
                   : "=a"(a), "=b"(b), "=c"(c), "=d"(d)
                   : "a"(7), "c"(1));
  if (a & 1u << 4)
    isa |= UNET_ISA_AVX2_VNNI;
  if (a & 1u << 5)
    isa |= UNET_ISA_AVX512_BF16;
  return isa;
}

static EARLY guint
detect (void)
{
  guint more = leaf_7_isa (), isa = 0;

  if (__builtin_cpu_supports ("sse4.1"))
    isa |= UNET_ISA_SSE41;
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    isa |= UNET_ISA_AVX2 | (more & UNET_ISA_AVX2_VNNI);
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512cd")
      && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    isa |= UNET_ISA_AVX512;
  if (isa & UNET_ISA_AVX512 && __builtin_cpu_supports ("avx512vnni"))
    isa |= UNET_ISA_AVX512_VNNI | (more & UNET_ISA_AVX512_BF16);
  if (isa & UNET_ISA_AVX512_BF16)
    isa |= more & UNET_ISA_AMX;
  return isa;
}

/* Resolvers call this instead of libgcc's function, the first time before any
 * other code of this library runs, in one thread. */
EARLY int
__wrap___cpu_indicator_init (void)
{
  int result = __real___cpu_indicator_init ();

  if (cpu.done)
    return result;
  cpu.real = detect ();
  cpu.allowed = ALL_ISA;
  read_cap ();
  if (!(cpu.allowed & UNET_ISA_AVX2)) {
    forget_feature (FEATURE_AVX2);
    forget_feature (FEATURE_X86_64_V3);
  }
  if (!(cpu.allowed & UNET_ISA_AVX512)) {
    forget_feature (FEATURE_AVX512F);
    forget_feature (FEATURE_X86_64_V4);
  }
  cpu.done = TRUE;
  return result;
}

#endif

/* ---- queries ------------------------------------------------------------- */

#if !defined(__x86_64__) || !defined(__linux__)
static void
set_cap_late (void)
{
  const gchar *name = g_getenv ("UNETSEG_MAX_ISA");

  if (name && *name)
    set_cap (name);
}
#endif

static void
find_out (void)
{
  static gsize once;

  if (!g_once_init_enter (&once))
    return;
#ifdef __x86_64__
  __wrap___cpu_indicator_init ();
#else
  cpu.allowed = ALL_ISA;
#endif
#if defined(__aarch64__) && defined(__linux__)
  if (getauxval (AT_HWCAP) & HWCAP_ASIMDDP)
    cpu.real |= UNET_ISA_DOTPROD;
#endif
#if !defined(__x86_64__) || !defined(__linux__)
  set_cap_late ();
#endif
  g_once_init_leave (&once, 1);
}

guint
unet_cpu_isa (void)
{
  find_out ();
  return cpu.real & cpu.allowed;
}

guint
unet_cpu_real_isa (void)
{
  find_out ();
  return cpu.real;
}

UnetIsa
unet_cpu_cap (gboolean *unknown)
{
  find_out ();
  *unknown = cpu.unknown;
  return cpu.cap;
}

gconstpointer
unet_isa_choose (const UnetIsaVariant *variants)
{
  guint isa = unet_cpu_isa ();
  gconstpointer best = NULL;

  for (; variants->table; variants++)
    if ((variants->needs & ~isa) == 0)
      best = variants->table;
  return best;
}
