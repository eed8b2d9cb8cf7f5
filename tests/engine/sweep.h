/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sweep compares single oneDNN primitives with plain loops in double. A
 * case can be printed as one line of text, so that a failure can be run again
 * alone. */

#include "engine/onednn/compat.h"

G_BEGIN_DECLS

typedef enum {
  SWEEP_CONV,
  SWEEP_DECONV,
  SWEEP_MAX_POOL,
  SWEEP_AVERAGE,        /* without the padding */
  SWEEP_AVERAGE_PADDED, /* counts the padding */
  SWEEP_BINARY,
  SWEEP_MATMUL,
  SWEEP_REORDER,
  SWEEP_ELTWISE,
  SWEEP_N_OPS,
} SweepOp;

typedef enum {
  SWEEP_PLAIN,
  SWEEP_NHWC,
  SWEEP_BLOCKED,
  SWEEP_N_LAYOUTS
} SweepLayout;

typedef enum { SWEEP_ALONE, SWEEP_RELU, SWEEP_SUM, SWEEP_N_POSTS } SweepPost;

typedef struct {
  SweepOp op;
  dnnl_data_type_t src, dst;
  SweepLayout from, to;
  gint64 n, group, ic, oc; /* channels of all groups; matmul: k and n */
  gint64 in[2], out[2];    /* matmul: in[0] is m */
  gint64 kernel[2], stride[2], dilation[2], pad_begin[2], pad_end[2];
  SweepPost post;
  gint detail; /* binary: algorithm and broadcast; matmul: transposes */
} SweepCase;

/* The result of one case. */
typedef struct {
  gboolean exists; /* oneDNN has the primitive, and the engine would take it */
  gboolean right;
  gchar impl[64];
  gchar what[160]; /* the first difference */
} SweepResult;

/* ---- cases (sweep-case.c) ------------------------------------------------ */

/* Returns the number of cases in the sweep. */
guint sweep_count (void);
/* Makes case @index. Returns %FALSE if its window does not fit its picture. The
 * same @index and @seed give the same case. */
gboolean sweep_case_init (SweepCase *c, guint index, guint seed);
/* Free with g_free(). */
gchar *sweep_case_print (const SweepCase *c);
gboolean sweep_case_parse (SweepCase *c, const gchar *text);

/* ---- runs (sweep-run.c) -------------------------------------------------- */

void sweep_run (const SweepCase *c, SweepResult *result);

/* ---- memory (sweep-memory.c) --------------------------------------------- */

#define SWEEP_GUARD 4096

typedef struct {
  UnetMd md;
  dnnl_data_type_t type;
  SweepLayout layout;
  gint64 dims[4];
  gint64 block; /* channels of a block */
  gsize size;
  guint8 *memory, *data, *before;
  dnnl_memory_t handle;
} SweepTensor;

/* Returns how many channels a block has on this processor. */
gint64 sweep_block (void);
void sweep_tensor_init (SweepTensor *t, dnnl_engine_t engine,
    dnnl_data_type_t type, SweepLayout layout, const gint64 dims[4]);
/* Makes a tensor of any descriptor. The functions below that read, write and
 * fill by position do not work on it. */
void sweep_tensor_init_md (
    SweepTensor *t, dnnl_engine_t engine, UnetConstMd md);
void sweep_tensor_clear (SweepTensor *t);
gdouble sweep_tensor_get (
    const SweepTensor *t, gint64 n, gint64 c, gint64 y, gint64 x);
void sweep_tensor_set (
    SweepTensor *t, gint64 n, gint64 c, gint64 y, gint64 x, gdouble v);
/* Fills the tensor with small whole numbers or fractions that its type holds
 * exactly. */
void sweep_tensor_fill (SweepTensor *t, GRand *rng);
/* Copies the content, with which sweep_tensor_is_intact () compares. @all:
 * compares the tensor's own bytes as well as those around it. */
void sweep_tensor_guard (SweepTensor *t);
gboolean sweep_tensor_is_intact (const SweepTensor *t, gboolean all);

G_END_DECLS
