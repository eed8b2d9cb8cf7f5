/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files that run the sweep's cases share these functions. */

#include "sweep.h"

G_BEGIN_DECLS

typedef struct {
  const SweepCase *c;
  SweepResult *result;
  dnnl_engine_t engine; /* one for the process, like the stream */
  dnnl_stream_t stream;
  GRand *rng;
  dnnl_post_ops_t ops;
  dnnl_primitive_attr_t attr;
  dnnl_primitive_desc_t pd;
  dnnl_primitive_t primitive;
  SweepTensor scratch;
  guint n;
  dnnl_exec_arg_t args[12];
  SweepTensor *tensors[12]; /* the tensor of each argument */
  SweepTensor *written;     /* the one that may change */
  gboolean keep;            /* the result is computed in place */
} SweepJob;

void sweep_job_init (SweepJob *job, const SweepCase *c, SweepResult *result);
void sweep_job_clear (SweepJob *job);
void sweep_job_add (SweepJob *job, gint arg, SweepTensor *tensor);
/* Runs the primitive and checks that only job->written has changed. */
gboolean sweep_job_execute (SweepJob *job);
/* Stores the message of a failure and returns %FALSE. */
gboolean sweep_job_fail (SweepJob *job, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);
/* Compares @got with @want, which is in the order n, c, y, x. */
gboolean sweep_compare (SweepJob *job, const SweepTensor *got,
    const gdouble *want, gdouble absolute, gdouble relative);
gboolean sweep_job_check (SweepJob *job, SweepTensor *dst, const gdouble *want,
    gdouble absolute, gdouble relative);
void sweep_window (const SweepCase *c, UnetDnnlWindow *w);

/* Operations without a window (sweep-other.c). */
gboolean sweep_check_other (SweepJob *job);

G_END_DECLS
