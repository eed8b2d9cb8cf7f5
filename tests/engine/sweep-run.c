/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"
#include "sweep-run.h"
#include <float.h>
#include <math.h>
#include <string.h>
#include "engine/onednn/max-isa.h"

/* ---- one execution ------------------------------------------------------- */

void
sweep_job_init (SweepJob *job, const SweepCase *c, SweepResult *result)
{
  static dnnl_engine_t engine;
  static dnnl_stream_t stream;

  memset (job, 0, sizeof *job);
  memset (result, 0, sizeof *result);
  if (!engine) {
    unet_dnnl_get_isa (); /* caps oneDNN before its first primitive */
    dnnl_engine_create (&engine, dnnl_cpu, 0);
    dnnl_stream_create (&stream, engine, dnnl_stream_default_flags);
  }
  job->c = c;
  job->result = result;
  job->engine = engine;
  job->stream = stream;
  job->rng = g_rand_new_with_seed (c->in[0] * 31 + c->oc * 7 + c->ic);
}

void
sweep_job_clear (SweepJob *job)
{
  if (job->primitive)
    dnnl_primitive_destroy (job->primitive);
  if (job->pd)
    dnnl_primitive_desc_destroy (job->pd);
  if (job->attr)
    dnnl_primitive_attr_destroy (job->attr);
  if (job->ops)
    dnnl_post_ops_destroy (job->ops);
  sweep_tensor_clear (&job->scratch);
  g_rand_free (job->rng);
}

void
sweep_job_add (SweepJob *job, gint arg, SweepTensor *t)
{
  sweep_tensor_guard (t);
  job->args[job->n].arg = arg;
  job->args[job->n].memory = t->handle;
  job->tensors[job->n++] = t;
}

gboolean
sweep_job_fail (SweepJob *job, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_vsnprintf (job->result->what, sizeof job->result->what, format, args);
  va_end (args);
  return FALSE;
}

gboolean
sweep_job_execute (SweepJob *job)
{
  UnetConstMd md = unet_pd_md (job->pd, dnnl_query_scratchpad_md, 0);

  if (!job->primitive
      && dnnl_primitive_create (&job->primitive, job->pd) != dnnl_success)
    return sweep_job_fail (job, "cannot be created");
  if (!job->scratch.memory && md && unet_md_size (md) > 0) {
    sweep_tensor_init_md (&job->scratch, job->engine, md);
    sweep_job_add (job, DNNL_ARG_SCRATCHPAD, &job->scratch);
  }
  if (dnnl_primitive_execute (job->primitive, job->stream, job->n, job->args)
          != dnnl_success
      || dnnl_stream_wait (job->stream) != dnnl_success)
    return sweep_job_fail (job, "cannot be executed");
  for (guint i = 0; i < job->n; i++) {
    gboolean written = job->tensors[i] == job->written
        || job->tensors[i] == &job->scratch;

    if (!sweep_tensor_is_intact (job->tensors[i], !written))
      return sweep_job_fail (job,
          "writes to memory of argument %d that is "
          "not its own",
          job->args[i].arg);
  }
  return TRUE;
}

gboolean
sweep_compare (SweepJob *job, const SweepTensor *got, const gdouble *want,
    gdouble absolute, gdouble relative)
{
  const gdouble *w = want;

  for (gint64 n = 0; n < got->dims[0]; n++)
    for (gint64 c = 0; c < got->dims[1]; c++)
      for (gint64 y = 0; y < got->dims[2]; y++)
        for (gint64 x = 0; x < got->dims[3]; x++, w++) {
          gdouble v = sweep_tensor_get (got, n, c, y, x);

          if (!(fabs (v - *w) <= absolute + relative * fabs (*w)))
            return sweep_job_fail (job, "%g for %g at %d,%d,%d,%d", v, *w,
                (gint) n, (gint) c, (gint) y, (gint) x);
        }
  return TRUE;
}

/* Runs twice over different memory contents, so that an element that is not
 * written shows. */
gboolean
sweep_job_check (SweepJob *job, SweepTensor *dst, const gdouble *want,
    gdouble absolute, gdouble relative)
{
  guint8 *start = g_memdup2 (dst->data, dst->size);
  gboolean ok = TRUE;

  for (guint round = 0; ok && round < 2; round++) {
    if (job->c->post == SWEEP_SUM || job->keep)
      memcpy (dst->data, start, dst->size);
    else
      memset (dst->data, round ? 0x3f : 0xff, dst->size);
    ok = sweep_job_execute (job)
        && sweep_compare (job, dst, want, absolute, relative);
  }
  g_free (start);
  return ok;
}

/* ---- convolutions -------------------------------------------------------- */

static gboolean
is_int8 (const SweepCase *c)
{
  return c->src == dnnl_u8 || c->src == dnnl_s8;
}

/* Draws a weight that int8 without VNNI computes exactly. There the sum of two
 * products saturates at 16 bits, and weights under signed sources are halved,
 * so they are small and even. */
static gint
any_weight (const SweepCase *c, GRand *rng)
{
  gint w = g_rand_int_range (rng, -31, 32);

  return c->src == dnnl_s8 ? 4 * w : 2 * w;
}

typedef struct {
  SweepTensor src, weights, bias, dst, scales;
  gfloat *w, *b, *factors;
  gdouble *want;
  gint64 row; /* weights of one output channel */
} ConvData;

static gdouble
sum_products (const SweepCase *c, const ConvData *d, gint64 n, gint64 o,
    gint64 y, gint64 x)
{
  gint64 icg = c->ic / c->group, ocg = c->oc / c->group;
  gdouble sum = 0;

  for (gint64 ky = 0; ky < c->kernel[0]; ky++)
    for (gint64 kx = 0; kx < c->kernel[1]; kx++) {
      gint64 sy = y * c->stride[0] - c->pad_begin[0] + ky * c->dilation[0];
      gint64 sx = x * c->stride[1] - c->pad_begin[1] + kx * c->dilation[1];

      if (c->op == SWEEP_DECONV) {
        sy = y + c->pad_begin[0] - ky * c->dilation[0];
        sx = x + c->pad_begin[1] - kx * c->dilation[1];
        if (sy % c->stride[0] || sx % c->stride[1])
          continue;
        sy /= c->stride[0];
        sx /= c->stride[1];
      }
      if (sy < 0 || sx < 0 || sy >= c->in[0] || sx >= c->in[1])
        continue;
      for (gint64 i = 0; i < icg; i++)
        sum += d->w[o * d->row + (i * c->kernel[0] + ky) * c->kernel[1] + kx]
            * sweep_tensor_get (&d->src, n, o / ocg * icg + i, sy, sx);
    }
  return sum;
}

static gdouble
hold (dnnl_data_type_t type, gdouble v)
{
  return type == dnnl_u8 ? CLAMP (v, 0, 255)
      : type == dnnl_s8  ? CLAMP (v, -128, 127)
                         : v;
}

static void
conv_oracle (const SweepCase *c, ConvData *d)
{
  gdouble *w = d->want;

  for (gint64 n = 0; n < c->n; n++)
    for (gint64 o = 0; o < c->oc; o++)
      for (gint64 y = 0; y < c->out[0]; y++)
        for (gint64 x = 0; x < c->out[1]; x++, w++) {
          gdouble v = sum_products (c, d, n, o, y, x) * d->factors[o] + d->b[o];

          if (c->post == SWEEP_SUM)
            v += sweep_tensor_get (&d->dst, n, o, y, x);
          if (c->post == SWEEP_RELU)
            v = MAX (v, 0);
          *w = hold (c->dst, v);
        }
}

static UnetMd
weights_md (const SweepCase *c, dnnl_data_type_t type, gboolean any)
{
  gint64 dims[5] = { c->group, c->oc / c->group, c->ic / c->group, c->kernel[0],
    c->kernel[1] };

  if (c->group > 1)
    return unet_md_new (5, dims, type, any ? dnnl_format_tag_any : dnnl_goihw);
  return unet_md_new (4, dims + 1, type, any ? dnnl_format_tag_any : dnnl_oihw);
}

/* Fills the source, weights, factors and bias, and the destination that a sum
 * adds to. */
static void
conv_fill (const SweepCase *c, ConvData *d, GRand *rng)
{
  d->row = c->ic / c->group * c->kernel[0] * c->kernel[1];
  d->w = g_new (gfloat, c->oc * d->row);
  d->b = g_new (gfloat, c->oc);
  d->factors = g_new (gfloat, c->oc);
  d->want = g_new (gdouble, c->n * c->oc * c->out[0] * c->out[1]);
  for (gint64 o = 0; o < c->oc; o++) {
    for (gint64 i = 0; i < d->row; i++)
      d->w[o * d->row + i] = is_int8 (c)
          ? any_weight (c, rng)
          : g_rand_int_range (rng, -32, 33) / 32.0;
    d->factors[o] = is_int8 (c)
        ? g_rand_double_range (rng, 30, 60) / (5000 * sqrt (d->row))
        : 1;
    d->b[o] = is_int8 (c) ? g_rand_int_range (rng, -40, 41)
                          : g_rand_int_range (rng, -32, 33) / 32.0;
  }
  sweep_tensor_fill (&d->src, rng);
  if (c->post == SWEEP_SUM)
    sweep_tensor_fill (&d->dst, rng);
}

/* Packs the weights through oneDNN's own reorder, as the engine does. */
static gboolean
pack_weights (SweepJob *job, ConvData *d)
{
  const SweepCase *c = job->c;
  gboolean bytes = is_int8 (c);
  UnetMd from = weights_md (c, bytes ? dnnl_s8 : dnnl_f32, FALSE);
  dnnl_primitive_desc_t pd = NULL;
  dnnl_primitive_t reorder = NULL;
  SweepTensor plain;
  gboolean ok;

  sweep_tensor_init_md (&plain, job->engine, from);
  for (gint64 i = 0; i < c->oc * d->row; i++)
    if (bytes)
      ((gint8 *) plain.data)[i] = d->w[i];
    else
      ((gfloat *) plain.data)[i] = d->w[i];
  sweep_tensor_init_md (
      &d->weights, job->engine, unet_pd_md (job->pd, dnnl_query_weights_md, 0));
  memset (d->weights.data, 0, d->weights.size);
  ok = unet_pd_reorder (&pd, job->engine, from, d->weights.md, NULL)
      && dnnl_primitive_create (&reorder, pd) == dnnl_success
      && dnnl_primitive_execute (reorder, job->stream, 2,
             (dnnl_exec_arg_t[]){ { DNNL_ARG_FROM, plain.handle },
                 { DNNL_ARG_TO, d->weights.handle } })
          == dnnl_success
      && dnnl_stream_wait (job->stream) == dnnl_success;
  if (reorder)
    dnnl_primitive_destroy (reorder);
  if (pd)
    dnnl_primitive_desc_destroy (pd);
  sweep_tensor_clear (&plain);
  unet_md_free (from);
  return ok || sweep_job_fail (job, "weights cannot be packed");
}

static gboolean
conv_attr (SweepJob *job, const ConvData *d)
{
  const SweepCase *c = job->c;

  if (dnnl_post_ops_create (&job->ops) != dnnl_success)
    return FALSE;
  if (c->post == SWEEP_RELU
      && !unet_post_ops_append_eltwise (job->ops, dnnl_eltwise_relu, 0, 0))
    return FALSE;
  if (c->post == SWEEP_SUM
      && !unet_post_ops_append_sum_typed (job->ops, 1, c->dst))
    return FALSE;
  return unet_pd_scratch_attr (&job->attr, job->ops)
      && (!is_int8 (c)
          || unet_attr_set_channel_scales (
              job->attr, c->group > 1, c->oc, d->factors));
}

void
sweep_window (const SweepCase *c, UnetDnnlWindow *w)
{
  w->n = 2;
  for (guint i = 0; i < 2; i++) {
    w->kernel[i] = c->kernel[i];
    w->stride[i] = c->stride[i];
    w->dilation[i] = c->dilation[i];
    w->pad_begin[i] = c->pad_begin[i];
    w->pad_end[i] = c->pad_end[i];
  }
}

static gboolean
conv_pd (SweepJob *job, const ConvData *d)
{
  const SweepCase *c = job->c;
  UnetMd weights = weights_md (c, is_int8 (c) ? dnnl_s8 : c->src, TRUE);
  UnetMd bias = unet_md_new (1, &c->oc, dnnl_f32, dnnl_a);
  UnetDnnlWindow w;
  gboolean ok;

  sweep_window (c, &w);
  ok = c->op == SWEEP_DECONV
      ? unet_pd_deconv (&job->pd, job->engine, d->src.md, weights, bias,
          d->dst.md, &w, job->attr)
      : unet_pd_conv (&job->pd, job->engine,
          c->detail ? dnnl_convolution_winograd : dnnl_convolution_direct,
          d->src.md, weights, bias, d->dst.md, &w, job->attr);
  unet_md_free (weights);
  unet_md_free (bias);
  return ok;
}

static gboolean
conv_operands (SweepJob *job, ConvData *d)
{
  const SweepCase *c = job->c;
  const gint64 dims[4] = { 1, c->oc, 1, 1 };

  if (!pack_weights (job, d))
    return FALSE;
  sweep_tensor_init (&d->bias, job->engine, dnnl_f32, SWEEP_PLAIN, dims);
  sweep_tensor_init (&d->scales, job->engine, dnnl_f32, SWEEP_PLAIN, dims);
  for (gint64 o = 0; o < c->oc; o++) {
    gboolean divide = is_int8 (c) && unet_bias_comes_before_scales ();

    sweep_tensor_set (
        &d->bias, 0, o, 0, 0, divide ? d->b[o] / d->factors[o] : d->b[o]);
    sweep_tensor_set (&d->scales, 0, o, 0, 0, d->factors[o]);
  }
  job->written = &d->dst;
  sweep_job_add (job, DNNL_ARG_SRC, &d->src);
  sweep_job_add (job, DNNL_ARG_WEIGHTS, &d->weights);
  sweep_job_add (job, DNNL_ARG_BIAS, &d->bias);
  if (is_int8 (c) && unet_channel_scales_arg ())
    sweep_job_add (job, unet_channel_scales_arg (), &d->scales);
  sweep_job_add (job, DNNL_ARG_DST, &d->dst);
  return TRUE;
}

static gboolean
check_conv (SweepJob *job)
{
  const SweepCase *c = job->c;
  const gint64 src[4] = { c->n, c->ic, c->in[0], c->in[1] };
  const gint64 dst[4] = { c->n, c->oc, c->out[0], c->out[1] };
  gboolean ok = FALSE;
  ConvData d = { 0 };

  sweep_tensor_init (&d.src, job->engine, c->src, c->from, src);
  sweep_tensor_init (&d.dst, job->engine, c->dst, c->to, dst);
  conv_fill (c, &d, job->rng);
  if (conv_attr (job, &d) && conv_pd (job, &d)) {
    g_strlcpy (
        job->result->impl, unet_pd_impl (job->pd), sizeof job->result->impl);
    /* the engine takes no reference implementation of low precision */
    job->result->exists = c->src == dnnl_f32 || !unet_pd_is_reference (job->pd);
  }
  if (job->result->exists && conv_operands (job, &d)) {
    gdouble size = sqrt (d.row);

    conv_oracle (c, &d);
    ok = c->dst == dnnl_f32 ? sweep_job_check (job, &d.dst, d.want,
             is_int8 (c) ? 0.01 : (c->detail ? 2e-4 : 1e-5) * size, 1e-5)
        : c->dst == dnnl_bf16
        ? sweep_job_check (job, &d.dst, d.want, 1e-3, 0.01)
        : sweep_job_check (job, &d.dst, d.want, 0.51, 0);
  }
  sweep_tensor_clear (&d.src);
  sweep_tensor_clear (&d.weights);
  sweep_tensor_clear (&d.bias);
  sweep_tensor_clear (&d.scales);
  sweep_tensor_clear (&d.dst);
  g_free (d.w);
  g_free (d.b);
  g_free (d.factors);
  g_free (d.want);
  return ok;
}

/* ---- pooling ------------------------------------------------------------- */

static gdouble
pool_one (const SweepCase *c, const SweepTensor *src, gint64 n, gint64 k,
    gint64 y, gint64 x)
{
  gdouble sum = 0, most = -FLT_MAX, count = 0; /* an empty window */

  for (gint64 ky = 0; ky < c->kernel[0]; ky++)
    for (gint64 kx = 0; kx < c->kernel[1]; kx++) {
      gint64 sy = y * c->stride[0] - c->pad_begin[0] + ky * c->dilation[0];
      gint64 sx = x * c->stride[1] - c->pad_begin[1] + kx * c->dilation[1];
      gdouble v;

      if (sy < 0 || sx < 0 || sy >= c->in[0] || sx >= c->in[1])
        continue;
      v = sweep_tensor_get (src, n, k, sy, sx);
      most = MAX (most, v);
      sum += v;
      count++;
    }
  if (c->op == SWEEP_MAX_POOL)
    return most;
  return sum
      / (c->op == SWEEP_AVERAGE ? MAX (count, 1) : c->kernel[0] * c->kernel[1]);
}

static gboolean
check_pool (SweepJob *job)
{
  const dnnl_alg_kind_t algs[] = { dnnl_pooling_max,
    dnnl_pooling_avg_exclude_padding, dnnl_pooling_avg_include_padding };
  const SweepCase *c = job->c;
  const gint64 dims[4] = { c->n, c->ic, c->in[0], c->in[1] };
  const gint64 out[4] = { c->n, c->ic, c->out[0], c->out[1] };
  gboolean ok = FALSE, whole = c->src == dnnl_u8 || c->src == dnnl_s8;
  SweepTensor src, dst;
  UnetDnnlWindow w;
  gdouble *want, *at;

  want = at = g_new (gdouble, c->n * c->ic * c->out[0] * c->out[1]);
  sweep_window (c, &w);
  sweep_tensor_init (&src, job->engine, c->src, c->from, dims);
  sweep_tensor_init (&dst, job->engine, c->src, c->from, out);
  sweep_tensor_fill (&src, job->rng);
  if (unet_pd_scratch_attr (&job->attr, NULL)
      && unet_pd_pool (&job->pd, job->engine, algs[c->op - SWEEP_MAX_POOL],
          src.md, dst.md, &w, job->attr)) {
    g_strlcpy (
        job->result->impl, unet_pd_impl (job->pd), sizeof job->result->impl);
    job->result->exists = c->src == dnnl_f32 || !unet_pd_is_reference (job->pd);
  }
  if (job->result->exists) {
    for (gint64 n = 0; n < c->n; n++)
      for (gint64 k = 0; k < c->ic; k++)
        for (gint64 y = 0; y < c->out[0]; y++)
          for (gint64 x = 0; x < c->out[1]; x++)
            *at++ = pool_one (c, &src, n, k, y, x);
    job->written = &dst;
    sweep_job_add (job, DNNL_ARG_SRC, &src);
    sweep_job_add (job, DNNL_ARG_DST, &dst);
    ok = sweep_job_check (
        job, &dst, want, whole ? 0.51 : 1e-5, c->src == dnnl_bf16 ? 0.01 : 0);
  }
  sweep_tensor_clear (&src);
  sweep_tensor_clear (&dst);
  g_free (want);
  return ok;
}

/* ---- all ----------------------------------------------------------------- */

void
sweep_run (const SweepCase *c, SweepResult *result)
{
  SweepJob job;

  sweep_job_init (&job, c, result);
  switch (c->op) {
    case SWEEP_CONV:
    case SWEEP_DECONV:
      result->right = check_conv (&job);
      break;
    case SWEEP_MAX_POOL:
    case SWEEP_AVERAGE:
    case SWEEP_AVERAGE_PADDED:
      result->right = check_pool (&job);
      break;
    default:
      result->right = sweep_check_other (&job);
  }
  sweep_job_clear (&job);
}
