/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/machine.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Microseconds of a thread's own time. A rate is the best of several windows
 * of that time, so that what else the machine does counts little. */
#define WINDOW   3000
#define DURATION 60000

/* On a virtual machine sysconf() may report the caches of the whole server, so
 * the sizes are bounded. */
#define BIGGEST_L3 (32 * 1024 * 1024)

/* ---- kernels ------------------------------------------------------------ */

/* Twelve chains of multiply-adds hide the latency of two units; the compiler
 * contracts them to FMA where the target has it. */
#define FMA_ROUNDS 20000
#define FMA_CHAINS 12

#define FMA_BODY(V)                                                            \
  V a = { 0 }, b = { 0 }, c0 = { 0 }, c1 = { 0 }, c2 = { 0 }, c3 = { 0 },      \
    c4 = { 0 }, c5 = { 0 }, c6 = { 0 }, c7 = { 0 }, c8 = { 0 }, c9 = { 0 },    \
    c10 = { 0 }, c11 = { 0 };                                                  \
  a += seed;                                                                   \
  b += seed;                                                                   \
  for (guint i = 0; i < FMA_ROUNDS; i++) {                                     \
    c0 = c0 * a + b;                                                           \
    c1 = c1 * a + b;                                                           \
    c2 = c2 * a + b;                                                           \
    c3 = c3 * a + b;                                                           \
    c4 = c4 * a + b;                                                           \
    c5 = c5 * a + b;                                                           \
    c6 = c6 * a + b;                                                           \
    c7 = c7 * a + b;                                                           \
    c8 = c8 * a + b;                                                           \
    c9 = c9 * a + b;                                                           \
    c10 = c10 * a + b;                                                         \
    c11 = c11 * a + b;                                                         \
    /* The compiler must not merge equal chains. */                            \
    __asm__ volatile(""                                                        \
                     : KEEP (c0), KEEP (c1), KEEP (c2), KEEP (c3), KEEP (c4),  \
                     KEEP (c5), KEEP (c6), KEEP (c7), KEEP (c8), KEEP (c9),    \
                     KEEP (c10), KEEP (c11));                                  \
  }                                                                            \
  c0 += c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11;                \
  return c0[0]

/* The same number of chains of an instruction that adds products to sums. */
#define DOT_BODY(V)                                                            \
  V a = { 0 }, b = { 0 }, c0 = { 0 }, c1 = { 0 }, c2 = { 0 }, c3 = { 0 },      \
    c4 = { 0 }, c5 = { 0 }, c6 = { 0 }, c7 = { 0 }, c8 = { 0 }, c9 = { 0 },    \
    c10 = { 0 }, c11 = { 0 };                                                  \
  a += seed;                                                                   \
  b += seed;                                                                   \
  for (guint i = 0; i < FMA_ROUNDS; i++) {                                     \
    DOT (c0);                                                                  \
    DOT (c1);                                                                  \
    DOT (c2);                                                                  \
    DOT (c3);                                                                  \
    DOT (c4);                                                                  \
    DOT (c5);                                                                  \
    DOT (c6);                                                                  \
    DOT (c7);                                                                  \
    DOT (c8);                                                                  \
    DOT (c9);                                                                  \
    DOT (c10);                                                                 \
    DOT (c11);                                                                 \
  }                                                                            \
  c0 += c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11;                \
  return c0[0]

/* STREAM's triad: two reads and a write. */
#define TRIAD_BODY(V)                                                          \
  V *a = (V *) data, *b = a + n / sizeof (V), *c = b + n / sizeof (V);         \
  for (gsize i = 0; i < n / sizeof (V); i++)                                   \
    a[i] = b[i] * 0.5f + c[i];                                                 \
  __asm__ volatile("" : : "r"(data) : "memory")

typedef gfloat V4 __attribute__ ((vector_size (16)));

#if defined(__x86_64__)
#define KEEP(x) "+v"(x)
#elif defined(__aarch64__)
#define KEEP(x) "+w"(x)
#else
#define KEEP(x) "+m"(x)
#endif

static gfloat
fma_128 (gfloat seed)
{
  FMA_BODY (V4);
}

static void
triad_128 (guint8 *data, gsize n)
{
  TRIAD_BODY (V4);
}

#ifdef __x86_64__
typedef gfloat V8 __attribute__ ((vector_size (32)));
typedef gfloat V16 __attribute__ ((vector_size (64)));

__attribute__ ((target ("avx2,fma"))) static gfloat
fma_256 (gfloat seed)
{
  FMA_BODY (V8);
}

__attribute__ ((target ("avx2,fma"))) static void
triad_256 (guint8 *data, gsize n)
{
  TRIAD_BODY (V8);
}

__attribute__ ((target ("avx512f,avx512vl"))) static gfloat
fma_512 (gfloat seed)
{
  FMA_BODY (V16);
}

__attribute__ ((target ("avx512f,avx512vl"))) static void
triad_512 (guint8 *data, gsize n)
{
  TRIAD_BODY (V16);
}

/* Without VNNI one instruction adds pairs of products in 16 bits, and another
 * adds pairs of those in 32. */
#define DOT(c)                                                                 \
  do {                                                                         \
    V8 t;                                                                      \
    __asm__ volatile("vpmaddubsw %2, %3, %1\n\tvpmaddwd %2, %1, %1\n\t"        \
                     "vpaddd %1, %0, %0"                                       \
                     : "+x"(c), "=&x"(t)                                       \
                     : "x"(a), "x"(b));                                        \
  } while (0)

__attribute__ ((target ("avx2"))) static gfloat
bytes_256 (gfloat seed)
{
  DOT_BODY (V8);
}
#undef DOT

#define DOT(c)                                                                 \
  __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(c) : "v"(a), "v"(b))

__attribute__ ((target ("avx512f,avx512vl,avx512vnni"))) static gfloat
bytes_512 (gfloat seed)
{
  DOT_BODY (V16);
}
#undef DOT

#define DOT(c)                                                                 \
  __asm__ volatile("vdpbf16ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b))

__attribute__ ((target ("avx512f,avx512vl,avx512bf16"))) static gfloat
halves_512 (gfloat seed)
{
  DOT_BODY (V16);
}
#undef DOT
#endif

typedef struct {
  const gchar *isa;
  guint lanes;
  gfloat (*fma) (gfloat seed);
  void (*triad) (guint8 *data, gsize n);
} Kernels;

static const Kernels *
best_kernels (void)
{
  static const Kernels portable = { "128-bit", 4, fma_128, triad_128 };
#ifdef __x86_64__
  static const Kernels avx2 = { "AVX2", 8, fma_256, triad_256 };
  static const Kernels avx512 = { "AVX-512", 16, fma_512, triad_512 };

  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512vl"))
    return &avx512;
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    return &avx2;
#endif
  return &portable;
}

/* Measures sums of products. @products: how many one step of a chain makes. */
typedef struct {
  gfloat (*run) (gfloat seed);
  guint products;
} Sums;

static Sums
byte_sums (void)
{
#ifdef __x86_64__
  if (__builtin_cpu_supports ("avx512vnni"))
    return (Sums){ bytes_512, 64 };
  if (__builtin_cpu_supports ("avx2"))
    return (Sums){ bytes_256, 32 };
#endif
  return (Sums){ best_kernels ()->fma, best_kernels ()->lanes };
}

static Sums
half_sums (void)
{
#ifdef __x86_64__
  if (__builtin_cpu_supports ("avx512bf16"))
    return (Sums){ halves_512, 32 };
#endif
  return (Sums){ best_kernels ()->fma, best_kernels ()->lanes };
}

/* ---- measuring ---------------------------------------------------------- */

typedef struct {
  const Kernels *kernels;
  gsize bytes; /* of a thread's working set; 0: measure sums */
  const Sums *sums;
  gint *waiting; /* threads that have not started yet */
  gdouble rate;
} Job;

static gsize
one_block (const Job *job, guint8 *data)
{
  if (job->bytes == 0) {
    volatile gfloat sink = job->sums->run (0.5f);

    (void) sink;
    return 2ul * FMA_ROUNDS * FMA_CHAINS * job->sums->products;
  }
  job->kernels->triad (data, job->bytes / 3 & ~(gsize) 63);
  return 3 * (job->bytes / 3 & ~(gsize) 63);
}

/* Microseconds that the processor spent on this thread. */
static gint64
thread_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

static gpointer
measure_thread (gpointer user_data)
{
  Job *job = user_data;
  guint8 *data = NULL;
  gint64 end;

  if (job->bytes > 0) {
    data = g_aligned_alloc (1, job->bytes, 64);
    memset (data, 0, job->bytes);
  }
  g_atomic_int_add (job->waiting, -1);
  while (g_atomic_int_get (job->waiting) > 0)
    g_thread_yield ();
  end = thread_time () + DURATION;
  while (thread_time () < end) {
    gint64 start = thread_time (), now = start;
    gdouble done = 0;

    for (; now - start < WINDOW; now = thread_time ())
      done += one_block (job, data);
    job->rate = MAX (job->rate, done * 1e6 / (now - start));
  }
  g_aligned_free (data);
  return NULL;
}

/* Returns the sum of the threads' best rates: operations of @sums, or @bytes.
 * More threads than processors add nothing. Where the system gives fewer
 * threads, those are measured, at least the calling one. */
static gdouble
measure (guint threads, const Sums *sums, gsize bytes)
{
  g_autofree Job *jobs = g_new0 (Job, threads);
  g_autofree GThread **handles = g_new0 (GThread *, threads);
  gint waiting = threads;
  guint started = 0;
  gdouble rate = 0;

  for (guint i = 0; i < threads; i++) {
    jobs[i].kernels = best_kernels ();
    jobs[i].bytes = bytes;
    jobs[i].sums = sums;
    jobs[i].waiting = &waiting;
  }
  while (started + 1 < threads
      && (handles[started] = g_thread_try_new (
              "measure", measure_thread, &jobs[started], NULL))
          != NULL)
    started++;
  g_atomic_int_add (&waiting, -(gint) (threads - started - 1));
  measure_thread (&jobs[started]);
  for (guint i = 0; i <= started; i++) {
    if (i < started)
      g_thread_join (handles[i]);
    rate += jobs[i].rate;
  }
  threads = started + 1;
  return rate * MIN (threads, g_get_num_processors ()) / threads;
}

static gsize
cache_size (gint name, gsize fallback)
{
  glong size = -1;

#ifdef _SC_LEVEL2_CACHE_SIZE
  size = sysconf (name);
#endif
  return size > 0 ? (gsize) size : fallback;
}

void
tool_machine_measure_peak (ToolMachine *machine, guint threads)
{
  const Sums floats = { best_kernels ()->fma, best_kernels ()->lanes };
  const Sums bytes = byte_sums (), halves = half_sums ();

  memset (machine, 0, sizeof *machine);
  machine->threads = threads;
  machine->isa = best_kernels ()->isa;
  machine->peak = measure (threads, &floats, 0);
  machine->byte_peak = MAX (measure (threads, &bytes, 0), machine->peak);
  machine->half_peak = MAX (measure (threads, &halves, 0), machine->peak);
}

void
tool_machine_measure (ToolMachine *machine, guint threads)
{
#ifdef _SC_LEVEL2_CACHE_SIZE
  gint name2 = _SC_LEVEL2_CACHE_SIZE, name3 = _SC_LEVEL3_CACHE_SIZE;
#else
  gint name2 = 0, name3 = 0;
#endif
  gsize l2 = cache_size (name2, 256 * 1024);
  gsize l3 =
      CLAMP (cache_size (name3, 8 * 1024 * 1024), 2 * l2 * threads, BIGGEST_L3);
  ToolLevel *levels = machine->levels;

  tool_machine_measure_peak (machine, threads);
  levels[0] =
      (ToolLevel){ "L2", l2 * threads, measure (threads, NULL, l2 / 2) };
  levels[1] =
      (ToolLevel){ "L3", l3, measure (threads, NULL, l3 / threads / 2) };
  levels[2] = (ToolLevel){ "memory", G_MAXSIZE,
    measure (threads, NULL, 2 * l3 / threads) };
}

gdouble
tool_machine_roof (
    const ToolMachine *machine, gdouble peak, guint64 flops, guint64 bytes)
{
  const ToolLevel *level = machine->levels;
  gdouble moved;

  while (bytes > level->bytes)
    level++;
  moved = bytes / level->rate;
  return MAX (flops / peak, moved);
}
