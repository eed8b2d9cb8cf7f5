/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/onednn/serial.h"
#include <string.h>

/* ---- the same operation -------------------------------------------------- */

static UnetConstMd
md (const_dnnl_primitive_desc_t pd, dnnl_query_t what, gint index)
{
  return unet_pd_md (pd, what, index);
}

static gboolean
reorder_again (dnnl_primitive_desc_t *out, const_dnnl_primitive_desc_t pd,
    const_dnnl_primitive_attr_t attr, dnnl_engine_t engine)
{
  return unet_pd_reorder (out, engine, md (pd, dnnl_query_src_md, 0),
      md (pd, dnnl_query_dst_md, 0), attr);
}

#if UNET_DNNL_V3

static gboolean
get_dims (
    const_dnnl_primitive_desc_t pd, dnnl_query_t what, guint n, dnnl_dim_t *out)
{
  const dnnl_dims_t *dims = NULL;

  if (dnnl_primitive_desc_query (pd, what, 0, &dims) != dnnl_success)
    return FALSE;
  memcpy (out, *dims, n * sizeof *out);
  return TRUE;
}

static gboolean
get_window (UnetDnnlWindow *w, const_dnnl_primitive_desc_t pd, gboolean pools)
{
  const gint64 *dims;
  dnnl_data_type_t dtype;

  w->n = unet_md_query (md (pd, dnnl_query_dst_md, 0), &dims, &dtype) - 2;
  if (!get_dims (pd, dnnl_query_strides, w->n, w->stride)
      || !get_dims (pd, dnnl_query_dilations, w->n, w->dilation)
      || !get_dims (pd, dnnl_query_padding_l, w->n, w->pad_begin)
      || !get_dims (pd, dnnl_query_padding_r, w->n, w->pad_end)
      || (pools && !get_dims (pd, dnnl_query_kernel, w->n, w->kernel)))
    return FALSE;
  for (guint i = 0; i < w->n; i++)
    w->dilation[i]++; /* oneDNN counts from 0 */
  return TRUE;
}

static gboolean
window_again (dnnl_primitive_desc_t *out, dnnl_primitive_kind_t kind,
    const_dnnl_primitive_desc_t pd, const_dnnl_primitive_attr_t attr,
    dnnl_engine_t engine)
{
  UnetConstMd src = md (pd, dnnl_query_src_md, 0);
  UnetConstMd weights = md (pd, dnnl_query_weights_md, 0);
  UnetConstMd bias = md (pd, dnnl_query_weights_md, 1);
  UnetConstMd dst = md (pd, dnnl_query_dst_md, 0);
  UnetDnnlWindow w = { 0 };
  dnnl_alg_kind_t alg;

  if (dnnl_primitive_desc_query (pd, dnnl_query_alg_kind, 0, &alg)
          != dnnl_success
      || !get_window (&w, pd, kind == dnnl_pooling))
    return FALSE;
  if (kind == dnnl_pooling)
    return unet_pd_pool (out, engine, alg, src, dst, &w, attr);
  if (kind == dnnl_deconvolution)
    return unet_pd_deconv (out, engine, src, weights, bias, dst, &w, attr);
  return unet_pd_conv (out, engine, alg, src, weights, bias, dst, &w, attr);
}

static gboolean
other_again (dnnl_primitive_desc_t *out, dnnl_primitive_kind_t kind,
    const_dnnl_primitive_desc_t pd, const_dnnl_primitive_attr_t attr,
    dnnl_engine_t engine)
{
  UnetConstMd src = md (pd, dnnl_query_src_md, 0);
  UnetConstMd dst = md (pd, dnnl_query_dst_md, 0);
  dnnl_alg_kind_t alg;
  gfloat alpha, beta;

  if (kind == dnnl_matmul)
    return unet_pd_matmul (out, engine, src, md (pd, dnnl_query_weights_md, 0),
        md (pd, dnnl_query_weights_md, 1), dst, attr);
  if (dnnl_primitive_desc_query (pd, dnnl_query_alg_kind, 0, &alg)
      != dnnl_success)
    return FALSE;
  if (kind == dnnl_binary)
    return unet_pd_binary (
        out, engine, alg, src, md (pd, dnnl_query_src_md, 1), dst, attr);
  return kind == dnnl_eltwise
      && dnnl_primitive_desc_query (pd, dnnl_query_alpha_f32, 0, &alpha)
      == dnnl_success
      && dnnl_primitive_desc_query (pd, dnnl_query_beta_f32, 0, &beta)
      == dnnl_success
      && unet_pd_eltwise (out, engine, alg, src, alpha, beta, attr);
}

static gboolean
operation_again (dnnl_primitive_desc_t *out, dnnl_primitive_kind_t kind,
    const_dnnl_primitive_desc_t pd, const_dnnl_primitive_attr_t attr,
    dnnl_engine_t engine)
{
  if (kind == dnnl_convolution || kind == dnnl_deconvolution
      || kind == dnnl_pooling)
    return window_again (out, kind, pd, attr, engine);
  return other_again (out, kind, pd, attr, engine);
}

#else

/* The descriptor that @pd was made from has all parameters. Of several
 * implementations this takes the one that has the name of @pd's. */
static gboolean
operation_again (dnnl_primitive_desc_t *out,
    G_GNUC_UNUSED dnnl_primitive_kind_t kind, const_dnnl_primitive_desc_t pd,
    const_dnnl_primitive_attr_t attr, dnnl_engine_t engine)
{
  const_dnnl_op_desc_t desc = NULL;
  dnnl_primitive_desc_iterator_t i = NULL;

  if (dnnl_primitive_desc_query (pd, dnnl_query_op_d, 0, &desc) != dnnl_success
      || dnnl_primitive_desc_iterator_create (&i, desc, attr, engine, NULL)
          != dnnl_success)
    return FALSE;
  do {
    *out = dnnl_primitive_desc_iterator_fetch (i);
    if (*out && g_str_equal (unet_pd_impl (*out), unet_pd_impl (pd)))
      break;
    g_clear_pointer (out, dnnl_primitive_desc_destroy);
  } while (dnnl_primitive_desc_iterator_next (i) == dnnl_success);
  dnnl_primitive_desc_iterator_destroy (i);
  return *out != NULL;
}

#endif

/* ---- the same memory ----------------------------------------------------- */

static gboolean
has_same (const_dnnl_primitive_desc_t a, const_dnnl_primitive_desc_t b,
    dnnl_query_t what, gint index)
{
  UnetConstMd x = md (a, what, index), y = md (b, what, index);

  return x == y || (x && y && unet_md_equal (x, y));
}

static gsize
scratch_size (const_dnnl_primitive_desc_t pd)
{
  UnetConstMd scratch = md (pd, dnnl_query_scratchpad_md, 0);

  return scratch ? unet_md_size (scratch) : 0;
}

/* The scratchpad may be smaller. A depthwise post-op has weights of its own. */
static gboolean
fits (const_dnnl_primitive_desc_t pd, const_dnnl_primitive_desc_t like)
{
  const gint depthwise = DNNL_ARG_ATTR_POST_OP_DW | DNNL_ARG_WEIGHTS;

  return g_str_equal (unet_pd_impl (pd), unet_pd_impl (like))
      && has_same (pd, like, dnnl_query_src_md, 0)
      && has_same (pd, like, dnnl_query_src_md, 1)
      && has_same (pd, like, dnnl_query_weights_md, 0)
      && has_same (pd, like, dnnl_query_weights_md, 1)
      && has_same (pd, like, dnnl_query_dst_md, 0)
      && has_same (pd, like, dnnl_query_exec_arg_md, depthwise)
      && scratch_size (pd) <= scratch_size (like);
}

/* A product of matrices (gemm) is divided along its sums, too, so its last
 * digits depend on the number of threads. */
static gboolean
depends_on_threads (const_dnnl_primitive_desc_t pd)
{
  return strstr (unet_pd_impl (pd), "gemm:") != NULL;
}

dnnl_primitive_desc_t
unet_pd_again (const_dnnl_primitive_desc_t pd, dnnl_engine_t engine)
{
  const_dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t again = NULL;
  dnnl_primitive_kind_t kind;
  gboolean ok;

  if (depends_on_threads (pd)
      || dnnl_primitive_desc_query (pd, dnnl_query_primitive_kind, 0, &kind)
          != dnnl_success
      || dnnl_primitive_desc_get_attr (pd, &attr) != dnnl_success)
    return NULL;
  ok = kind == dnnl_reorder ? reorder_again (&again, pd, attr, engine)
                            : operation_again (&again, kind, pd, attr, engine);
  if (ok && fits (again, pd))
    return again;
  if (again)
    dnnl_primitive_desc_destroy (again);
  return NULL;
}
