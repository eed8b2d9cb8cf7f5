/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep-run.h"
#include "engine/onednn/known-bugs.h"
#include <math.h>
#include <string.h>

/* Runs operations without a window: binary arithmetic, matrix products,
 * reorders and activations. */

static void
note_impl (SweepJob *job)
{
  g_strlcpy (
      job->result->impl, unet_pd_impl (job->pd), sizeof job->result->impl);
  job->result->exists = TRUE;
}

/* ---- arithmetic of two --------------------------------------------------- */

static const dnnl_alg_kind_t binary_algs[] = { dnnl_binary_add, dnnl_binary_mul,
  dnnl_binary_min, dnnl_binary_max, dnnl_binary_sub, dnnl_binary_div };

static gdouble
binary (guint alg, gdouble a, gdouble b)
{
  switch (alg) {
    case 0:
      return a + b;
    case 1:
      return a * b;
    case 2:
      return MIN (a, b);
    case 3:
      return MAX (a, b);
    case 4:
      return a - b;
    default:
      return a / b;
  }
}

static gboolean
check_binary (SweepJob *job)
{
  const SweepCase *c = job->c;
  guint alg = c->detail % 6, broadcast = c->detail / 6 % 3;
  gboolean in_place = c->detail / 18 % 2, ok = FALSE;
  const gint64 dims[4] = { c->n, c->ic, c->in[0], c->in[1] };
  const gint64 shapes[3][4] = { { c->n, c->ic, c->in[0], c->in[1] },
    { 1, c->ic, 1, 1 }, { 1, 1, 1, 1 } };
  const gint64 *s = shapes[broadcast];
  gdouble *want = g_new (gdouble, c->n * c->ic * c->in[0] * c->in[1]),
          *at = want;
  SweepTensor a, b, d;
  UnetDnnlCase asked = { .op = UNET_DNNL_BINARY, .src = dnnl_f32 };

  asked.ic = c->ic;
  asked.in_place = in_place;
  asked.block = c->from == SWEEP_BLOCKED ? sweep_block () : 1;
  sweep_tensor_init (&a, job->engine, dnnl_f32, c->from, dims);
  sweep_tensor_init (&b, job->engine, dnnl_f32, c->from, s);
  sweep_tensor_init (&d, job->engine, dnnl_f32, c->from, dims);
  sweep_tensor_fill (&a, job->rng);
  sweep_tensor_fill (&b, job->rng);
  for (gint64 n = 0; n < dims[0]; n++)
    for (gint64 k = 0; k < dims[1]; k++)
      for (gint64 y = 0; y < dims[2]; y++)
        for (gint64 x = 0; x < dims[3]; x++) {
          gint64 p[4] = { MIN (n, s[0] - 1), MIN (k, s[1] - 1),
            MIN (y, s[2] - 1), MIN (x, s[3] - 1) };

          if (sweep_tensor_get (&b, p[0], p[1], p[2], p[3]) == 0)
            sweep_tensor_set (&b, p[0], p[1], p[2], p[3], 0.25);
          *at++ = binary (alg, sweep_tensor_get (&a, n, k, y, x),
              sweep_tensor_get (&b, p[0], p[1], p[2], p[3]));
        }
  if (!unet_known_bug_find ("", &asked)
      && unet_pd_scratch_attr (&job->attr, NULL)
      && unet_pd_binary (&job->pd, job->engine, binary_algs[alg], a.md, b.md,
          in_place ? a.md : d.md, job->attr)) {
    note_impl (job);
    job->written = in_place ? &a : &d;
    job->keep = in_place;
    sweep_job_add (job, DNNL_ARG_SRC_0, &a);
    sweep_job_add (job, DNNL_ARG_SRC_1, &b);
    if (in_place) {
      job->args[job->n].arg = DNNL_ARG_DST;
      job->tensors[job->n] = &a;
      job->args[job->n++].memory = a.handle;
    } else {
      sweep_job_add (job, DNNL_ARG_DST, &d);
    }
    ok = sweep_job_check (job, job->written, want, 1e-6, 1e-6);
  }
  sweep_tensor_clear (&a);
  sweep_tensor_clear (&b);
  sweep_tensor_clear (&d);
  g_free (want);
  return ok;
}

/* ---- matrix products ----------------------------------------------------- */

static UnetMd
matrix_md (
    gint64 batch, gint64 rows, gint64 columns, gboolean turned, gboolean three)
{
  gint64 dims[3] = { batch, rows, columns };
  gint64 strides[3] = { rows * columns, turned ? 1 : columns,
    turned ? rows : 1 };

  return three ? unet_md_new_strides (3, dims, dnnl_f32, strides)
               : unet_md_new_strides (2, dims + 1, dnnl_f32, strides + 1);
}

static void
fill_floats (SweepTensor *t, GRand *rng)
{
  for (gsize i = 0; i < t->size / sizeof (gfloat); i++)
    ((gfloat *) t->data)[i] = g_rand_int_range (rng, -32, 33) / 32.0;
}

static gboolean
check_product (SweepJob *job, const SweepTensor *a, const SweepTensor *b,
    const SweepTensor *bias, const SweepTensor *d)
{
  const SweepCase *c = job->c;
  gint64 m = c->in[0], k = c->ic, n = c->oc;
  gboolean ta = c->detail & 1, tb = c->detail & 2, shared = c->detail & 16;
  const gfloat *pa = (gpointer) a->data, *pb = (gpointer) b->data;

  for (gint64 i = 0; i < c->n * m * n; i++) {
    gint64 batch = i / (m * n), row = i / n % m, column = i % n;
    const gfloat *x = pa + batch * m * k,
                 *y = pb + (shared ? 0 : batch) * k * n;
    gdouble sum = bias ? ((gfloat *) bias->data)[column] : 0;
    gdouble got = ((gfloat *) d->data)[i];

    for (gint64 j = 0; j < k; j++)
      sum += (gdouble) x[ta ? j * m + row : row * k + j]
          * y[tb ? column * k + j : j * n + column];
    if (!(fabs (got - sum) <= 1e-5 * sqrt (k)))
      return sweep_job_fail (job, "%g for %g at %d", got, sum, (gint) i);
  }
  return TRUE;
}

static gboolean
check_matmul (SweepJob *job)
{
  const SweepCase *c = job->c;
  gboolean three = c->detail & 8 || c->n > 1, has_bias = c->detail & 4;
  gint64 shared = c->detail & 16 ? 1 : c->n, one[3] = { 1, 1, c->oc };
  UnetMd mds[4];
  SweepTensor t[4];
  gboolean ok = FALSE;

  mds[0] = matrix_md (c->n, c->in[0], c->ic, c->detail & 1, three);
  mds[1] = matrix_md (shared, c->ic, c->oc, c->detail & 2, three);
  mds[2] = three ? unet_md_new (3, one, dnnl_f32, dnnl_abc)
                 : unet_md_new (2, one + 1, dnnl_f32, dnnl_ab);
  mds[3] = matrix_md (c->n, c->in[0], c->oc, FALSE, three);
  for (guint i = 0; i < 4; i++) {
    sweep_tensor_init_md (&t[i], job->engine, mds[i]);
    if (i < 3)
      fill_floats (&t[i], job->rng);
  }
  if (unet_pd_scratch_attr (&job->attr, NULL)
      && unet_pd_matmul (&job->pd, job->engine, mds[0], mds[1],
          has_bias ? mds[2] : NULL, mds[3], job->attr)) {
    note_impl (job);
    job->written = &t[3];
    sweep_job_add (job, DNNL_ARG_SRC, &t[0]);
    sweep_job_add (job, DNNL_ARG_WEIGHTS, &t[1]);
    if (has_bias)
      sweep_job_add (job, DNNL_ARG_BIAS, &t[2]);
    sweep_job_add (job, DNNL_ARG_DST, &t[3]);
    ok = sweep_job_execute (job)
        && check_product (job, &t[0], &t[1], has_bias ? &t[2] : NULL, &t[3]);
  }
  for (guint i = 0; i < 4; i++) {
    sweep_tensor_clear (&t[i]);
    unet_md_free (mds[i]);
  }
  return ok;
}

/* ---- reorders and activations -------------------------------------------- */

/* Checks that lanes beyond the last channel are zero, because kernels that read
 * blocks rely on it. */
static gboolean
check_lanes (SweepJob *job, const SweepTensor *t)
{
  gint64 blocks = (t->dims[1] + t->block - 1) / t->block;
  const gfloat *data = (gpointer) t->data;

  if (t->layout != SWEEP_BLOCKED)
    return TRUE;
  for (gint64 i = 0; i < t->dims[0] * blocks * t->dims[2] * t->dims[3]; i++)
    for (gint64 k = 0; k < t->block; k++)
      if (i / (t->dims[2] * t->dims[3]) % blocks * t->block + k >= t->dims[1]
          && data[i * t->block + k] != 0)
        return sweep_job_fail (
            job, "a lane without a channel is %g", data[i * t->block + k]);
  return TRUE;
}

static const dnnl_alg_kind_t activations[] = { dnnl_eltwise_relu,
  dnnl_eltwise_clip, dnnl_eltwise_elu, dnnl_eltwise_logistic, dnnl_eltwise_tanh,
  dnnl_eltwise_soft_relu, dnnl_eltwise_hardswish, dnnl_eltwise_swish,
  dnnl_eltwise_gelu_erf, dnnl_eltwise_linear };

static gdouble
activate (guint i, gdouble x)
{
  switch (i) {
    case 0:
      return x > 0 ? x : 0.1 * x;
    case 1:
      return CLAMP (x, -0.5, 0.75);
    case 2:
      return x > 0 ? x : 0.7 * expm1 (x);
    case 3:
      return 1 / (1 + exp (-x));
    case 4:
      return tanh (x);
    case 5:
      return log1p (exp (x));
    case 6:
      return x * CLAMP (x / 6 + 0.5, 0, 1);
    case 7:
      return x / (1 + exp (-1.5 * x));
    case 8:
      return 0.5 * x * (1 + erf (x / sqrt (2)));
    default:
      return 1.25 * x - 0.5;
  }
}

static gboolean
create_move (SweepJob *job, const SweepTensor *a, const SweepTensor *d)
{
  const gfloat alphas[] = { 0.1, -0.5, 0.7, 0, 0, 0, 0, 1.5, 0, 1.25 };
  const gfloat betas[] = { 0, 0.75, 0, 0, 0, 0, 0, 0, 0, -0.5 };
  guint i = job->c->detail % G_N_ELEMENTS (activations);
  UnetEltwise e = { activations[i], alphas[i], betas[i] };

  if (!unet_pd_scratch_attr (&job->attr, NULL))
    return FALSE;
  if (job->c->op == SWEEP_REORDER)
    return unet_pd_reorder (&job->pd, job->engine, a->md, d->md, job->attr);
  if (e.alg == dnnl_eltwise_hardswish)
    e = unet_eltwise_hard_swish ();
  if (e.alg == dnnl_eltwise_soft_relu)
    e = unet_eltwise_softplus ();
  return unet_pd_eltwise (
      &job->pd, job->engine, e.alg, d->md, e.alpha, e.beta, job->attr);
}

static gboolean
check_move (SweepJob *job)
{
  const SweepCase *c = job->c;
  const gint64 dims[4] = { c->n, c->ic, c->in[0], c->in[1] };
  guint i = c->detail % G_N_ELEMENTS (activations);
  gboolean ok = FALSE, same = c->op == SWEEP_REORDER;
  gdouble *want = g_new (gdouble, c->n * c->ic * c->in[0] * c->in[1]),
          *at = want;
  SweepTensor a, d;

  sweep_tensor_init (&a, job->engine, dnnl_f32, c->from, dims);
  sweep_tensor_init (&d, job->engine, dnnl_f32, c->to, dims);
  sweep_tensor_fill (&a, job->rng);
  for (gint64 n = 0; n < dims[0]; n++)
    for (gint64 k = 0; k < dims[1]; k++)
      for (gint64 y = 0; y < dims[2]; y++)
        for (gint64 x = 0; x < dims[3]; x++) {
          gdouble v = sweep_tensor_get (&a, n, k, y, x);

          sweep_tensor_set (&a, n, k, y, x, v * 6);
          *at++ = same ? v * 6 : activate (i, v * 6);
        }
  if (create_move (job, &a, &d)) {
    note_impl (job);
    job->written = &d;
    sweep_job_add (job, DNNL_ARG_SRC, &a);
    sweep_job_add (job, DNNL_ARG_DST, &d);
    ok = sweep_job_check (job, &d, want, same ? 0 : 1e-5, same ? 0 : 1e-5)
        && (!same || check_lanes (job, &d));
  }
  sweep_tensor_clear (&a);
  sweep_tensor_clear (&d);
  g_free (want);
  return ok;
}

gboolean
sweep_check_other (SweepJob *job)
{
  switch (job->c->op) {
    case SWEEP_BINARY:
      return check_binary (job);
    case SWEEP_MATMUL:
      return check_matmul (job);
    default:
      return check_move (job);
  }
}
