/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include "engine/kernels/f32-conv-few-channels.h"
#include <stdlib.h>
#include <string.h>

/* Convolutions with few channels to PLAIN, by our own kernel, which reads
 * blocks, too. */

typedef struct {
  UnetRowsShape shape;
  gsize scratch; /* floats of one thread */
} Rows;

enum { SRC, WEIGHTS, BIAS, DST, SCRATCH, N_OPERANDS };

gboolean
unet_rows_fits (const UnetNode *node, const UnetWindow *w, UnetMemLayout layout)
{
  const gint64 *d = unet_node_input (node, 1)->dims;

  return layout == UNET_MEM_PLAIN && w->n == 2 && w->group == 1
      && w->stride[0] == 1 && w->stride[1] == 1
      && w->pad_begin[1] <= (w->kernel[1] - 1) * w->dilation[1]
      && d[1] * w->kernel[0] * w->kernel[1] * d[0] <= 64 * 64 * 9;
}

static Rows *
rows_new (UnetNode *node, const UnetWindow *w)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  Rows *r = g_new0 (Rows, 1);
  UnetRowsShape *s = &r->shape;
  UnetValue *residual;

  s->n = in->dims[0];
  s->vec = 1;
  s->ic = in->dims[1];
  s->ih = in->dims[2];
  s->iw = in->dims[3];
  s->oc = out->dims[1];
  s->oh = out->dims[2];
  s->ow = out->dims[3];
  s->kh = w->kernel[0];
  s->kw = w->kernel[1];
  s->dil_y = w->dilation[0];
  s->dil_x = w->dilation[1];
  s->pad_y = w->pad_begin[0];
  s->pad_x = w->pad_begin[1];
  unet_winograd_post_ops (node, &residual, &s->slope, &s->low, &s->high);
  s->add = residual != NULL;
  r->scratch = (unet_rows_scratch (s) + 15) / 16 * 16;
  return r;
}

static gint64
n_strips (const UnetRowsShape *s)
{
  return (s->oh + UNET_ROWS_STRIP - 1) / UNET_ROWS_STRIP;
}

static void
run_strip (gconstpointer params, gpointer const *ptr, gint64 job, guint thread)
{
  const Rows *r = params;
  gint64 strips = n_strips (&r->shape);

  unet_rows_strip (&r->shape, ptr[SRC], ptr[WEIGHTS], ptr[BIAS], job / strips,
      job % strips * UNET_ROWS_STRIP,
      (gfloat *) ptr[SCRATCH] + thread * r->scratch, ptr[DST]);
}

static void
rows_run (gconstpointer params, gpointer const *ptr, guint threads)
{
  const Rows *r = params;

  unet_parallel (run_strip, r, ptr, r->shape.n * n_strips (&r->shape), threads);
}

/* ---- measuring ----------------------------------------------------------- */

static gsize
padded_channels (const UnetRowsShape *s)
{
  return unet_rows_weights_size (s) / (s->ic * s->kh * s->kw);
}

typedef struct {
  const Rows *rows;
  guint threads;
  gpointer ptr[N_OPERANDS];
} Trial;

static void
run_trial (gpointer data)
{
  Trial *trial = data;

  rows_run (trial->rows, trial->ptr, trial->threads);
}

static guint64
time_rows (UnetPlan *plan, const Rows *r)
{
  const UnetRowsShape *s = &r->shape;
  gsize sizes[N_OPERANDS] = { s->n * s->ic * s->ih * s->iw,
    unet_rows_weights_size (s), padded_channels (s),
    s->n * s->oc * s->oh * s->ow, r->scratch * plan->options.threads };
  Trial trial = { r, plan->options.threads, { NULL } };
  guint64 ns = G_MAXUINT64 / 1024;
  gboolean ok = TRUE;

  for (guint i = 0; i < N_OPERANDS; i++)
    ok &= (trial.ptr[i] = unet_tune_memory (sizes[i] * sizeof (gfloat)))
        != NULL;
  if (ok)
    ns = unet_tune_least (plan, run_trial, &trial);
  for (guint i = 0; i < N_OPERANDS; i++)
    free (trial.ptr[i]);
  return ns;
}

gboolean
unet_rows_reads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  UnetWindow window;

  return node->op == UNET_OP_Conv && layout != UNET_MEM_NHWC
      && unet_node_input (node, 1)->constant
      && unet_node_window (plan->graph, node, &window, NULL)
      && unet_rows_fits (node, &window, UNET_MEM_PLAIN);
}

guint64
unet_rows_time (UnetPlan *plan, UnetNode *node, const UnetWindow *window)
{
  Rows *r = rows_new (node, window);
  const UnetRowsShape *s = &r->shape;
  gchar *key = g_strdup_printf (
      "rows %" G_GINT64_FORMAT " %" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
      ",%" G_GINT64_FORMAT " %" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
      ",%" G_GINT64_FORMAT " %" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
      " %" G_GINT64_FORMAT " %d t%u",
      s->n, s->ic, s->ih, s->iw, s->oc, s->oh, s->ow, s->kh, s->kw, s->dil_y,
      s->add, plan->options.threads);
  guint64 ns;

  if (!unet_tune_recall (key, &ns)) {
    ns = time_rows (plan, r);
    unet_tune_remember (key, ns);
  }
  g_free (key);
  g_free (r);
  return ns;
}

/* ---- emission ------------------------------------------------------------ */

typedef struct {
  UnetNode *node;
  const Rows *rows;
} Fill;

static gboolean
fill_weights (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;

  unet_rows_weights (
      &f->rows->shape, unet_node_input (f->node, 1)->constant->data, data);
  return TRUE;
}

static gboolean
fill_bias (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;
  const UnetValue *bias = unet_node_input (f->node, 2);

  if (bias)
    memcpy (data, bias->constant->data, f->rows->shape.oc * sizeof (gfloat));
  return TRUE;
}

static UnetStorage *
pack_weights (UnetPlan *plan, Fill *fill, GError **error)
{
  const UnetTensor *t = unet_node_input (fill->node, 1)->constant;
  const UnetRowsShape *s = &fill->rows->shape;
  gchar *key = g_strdup_printf (
      "rows %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, s->oc, unet_rows_group ());
  UnetStorage *storage = unet_plan_pack (plan, t->data,
      t->n_elements * sizeof (gfloat), key,
      unet_rows_weights_size (s) * sizeof (gfloat), fill_weights, fill, error);

  g_free (key);
  return storage;
}

static UnetStorage *
pack_bias (UnetPlan *plan, Fill *fill, GError **error)
{
  const UnetValue *bias = unet_node_input (fill->node, 2);

  return unet_plan_pack (plan, bias ? bias->constant->data : NULL,
      bias ? fill->rows->shape.oc * sizeof (gfloat) : 0, "rows bias",
      padded_channels (&fill->rows->shape) * sizeof (gfloat), fill_bias, fill,
      error);
}

/* As rows, or as blocks where it lies in nothing else. */
static UnetLoc *
read_source (UnetPlan *plan, UnetValue *in, UnetRowsShape *s, GError **error)
{
  UnetLoc **locs = plan->locs[in->id];

  if (locs[UNET_MEM_PLAIN] || !locs[UNET_MEM_BLOCKED])
    return unet_plan_read (plan, in, UNET_MEM_PLAIN, error);
  s->vec = plan->block;
  return unet_plan_read (plan, in, UNET_MEM_BLOCKED, error);
}

gboolean
unet_emit_rows (UnetPlan *plan, UnetNode *node, const UnetWindow *window,
    guint n_post_ops, const UnetLoc *dst, GError **error)
{
  Rows *r = rows_new (node, window);
  UnetLoc *src =
      read_source (plan, unet_node_input (node, 0), &r->shape, error);
  Fill fill = { node, r };
  UnetStorage *weights = src ? pack_weights (plan, &fill, error) : NULL;
  UnetStorage *bias = weights ? pack_bias (plan, &fill, error) : NULL;
  UnetStep *step;
  gchar *name;

  if (!bias) {
    g_free (r);
    return FALSE;
  }
  name = unet_node_describe (node, n_post_ops);
  step = unet_plan_add_kernel (plan, node, name, "unet:rows", rows_run, r,
      unet_node_output (node, 0), UNET_MEM_PLAIN);
  g_free (name);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, weights, 0, NULL, FALSE);
  unet_step_operand_md (step, 0, bias, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  unet_step_operand_md (step, DNNL_ARG_SCRATCHPAD,
      unet_plan_add_storage (
          plan, r->scratch * plan->options.threads * sizeof (gfloat)),
      0, NULL, TRUE);
  return TRUE;
}
