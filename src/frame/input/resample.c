/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/input/resample.h"

#include <math.h>

static void
map_interval (gdouble *start, gdouble *size, guint sub, gboolean cosited)
{
  const gdouble from = unet_chroma_position (*start, sub, cosited);

  *size = unet_chroma_position (*start + *size, sub, cosited) - from;
  *start = from;
}

static void
init_rows (UnetRowAxis *rows, const GstVideoInfo *info,
    const UnetPixelLayout *layout, const UnetLayoutComponent *component,
    const UnetPlacement *placement)
{
  gdouble start = placement->src_y, size = placement->src_h;

  map_interval (&start, &size, component->h_sub,
      component->h_sub > 0 && unet_chroma_cosited_v (info));
  unet_row_axis_init (rows, start, size,
      GST_VIDEO_SUB_SCALE (component->h_sub, (guint) info->height),
      placement->dst_h, placement->src_w / placement->dst_w,
      ((1u << layout->depth) - 1) << layout->shift);
}

static void
init_scan (UnetScan *scan, const GstVideoInfo *info,
    const UnetLayoutComponent *component, const UnetPlacement *placement)
{
  gdouble start = placement->src_x, size = placement->src_w;

  map_interval (&start, &size, component->w_sub,
      component->w_sub > 0 && unet_chroma_cosited_h (info));
  unet_column_axis_init (&scan->columns, start, size,
      GST_VIDEO_SUB_SCALE (component->w_sub, (guint) info->width),
      placement->dst_w);
  scan->step = component->step;
  scan->start = scan->columns.first * scan->step;
}

static UnetPlanePass *
find_pass (UnetResampler *self, const GstVideoInfo *info,
    const UnetPixelLayout *layout, const UnetLayoutComponent *component,
    const UnetPlacement *placement)
{
  UnetPlanePass *pass;

  for (guint i = 0; i < self->n_passes; i++)
    if (self->pass[i].plane == component->plane)
      return &self->pass[i];
  pass = &self->pass[self->n_passes++];
  pass->plane = component->plane;
  init_rows (&pass->rows, info, layout, component, placement);
  return pass;
}

static UnetScan *
find_scan (UnetPlanePass *pass, const GstVideoInfo *info,
    const UnetLayoutComponent *component, const UnetPlacement *placement)
{
  UnetScan *scan;

  for (guint i = 0; i < pass->n_scans; i++)
    if (pass->scan[i].step == component->step)
      return &pass->scan[i];
  scan = &pass->scan[pass->n_scans++];
  init_scan (scan, info, component, placement);
  return scan;
}

/* From the first sample to the last that any component needs: never beyond a
 * row's last colour sample, which may be the last byte of the memory. */
static void
set_extent (UnetPlanePass *pass)
{
  guint end = 0;

  pass->start = G_MAXUINT;
  for (guint i = 0; i < pass->n_scans; i++) {
    UnetScan *scan = &pass->scan[i];
    guint offset = 0;

    for (guint j = 0; j < scan->n_components; j++)
      offset = MAX (offset, scan->offset[j]);
    scan->n =
        (scan->columns.last - scan->columns.first) * scan->step + offset + 1;
    pass->start = MIN (pass->start, scan->start);
    end = MAX (end, scan->start + scan->n);
  }
  pass->n = end - pass->start;
}

void
unet_resampler_init (UnetResampler *self, const GstVideoInfo *info,
    const UnetPixelLayout *layout, guint n_components,
    const UnetPlacement *placement)
{
  guint longest = 0;

  memset (self, 0, sizeof *self);
  self->bytes = layout->bytes;
  for (guint i = 0; i < n_components; i++) {
    const UnetLayoutComponent *component = &layout->component[i];
    UnetPlanePass *pass = find_pass (self, info, layout, component, placement);
    UnetScan *scan = find_scan (pass, info, component, placement);

    scan->offset[scan->n_components] = component->offset;
    scan->component[scan->n_components++] = i;
  }
  for (guint i = 0; i < self->n_passes; i++) {
    set_extent (&self->pass[i]);
    longest = MAX (longest, self->pass[i].n);
  }
  self->sum = g_new (guint32, longest);
  self->sum16 = g_new (guint16, longest);
  self->running = g_new (guint32, longest + 8);
  self->scratch = g_new (guint32, 2 * (placement->dst_w + 1));
}

void
unet_resampler_clear (UnetResampler *self)
{
  for (guint i = 0; i < self->n_passes; i++) {
    for (guint j = 0; j < self->pass[i].n_scans; j++)
      unet_column_axis_clear (&self->pass[i].scan[j].columns);
    unet_row_axis_clear (&self->pass[i].rows);
  }
  g_clear_pointer (&self->sum, g_free);
  g_clear_pointer (&self->sum16, g_free);
  g_clear_pointer (&self->running, g_free);
  g_clear_pointer (&self->scratch, g_free);
  self->n_passes = 0;
}

static void
run_scan (UnetResampler *self, const UnetScan *scan, const guint32 *sum,
    gfloat inv_weight, gfloat *const components[3])
{
  if (!scan->columns.linear)
    unet_running_sum (self->running, sum, scan->n, scan->step);
  for (guint i = 0; i < scan->n_components; i++) {
    gfloat *dst = components[scan->component[i]];

    if (scan->columns.linear)
      unet_lerps (
          dst, sum + scan->offset[i], scan->step, &scan->columns, inv_weight);
    else
      unet_boxes (dst, self->running + scan->offset[i], scan->step,
          &scan->columns, inv_weight, self->scratch);
  }
}

void
unet_resampler_row (UnetResampler *self, const GstVideoFrame *frame, guint y,
    gfloat *const components[3])
{
  for (guint i = 0; i < self->n_passes; i++) {
    const UnetPlanePass *pass = &self->pass[i];
    const UnetRowSpan *span = &pass->rows.spans[y];
    const gssize stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, pass->plane);
    const guint8 *src = GST_VIDEO_FRAME_PLANE_DATA (frame, pass->plane);

    src += pass->start * self->bytes;
    if (self->bytes == 1)
      unet_sum_rows_u8 (
          self->sum, self->sum16, src, stride, span, pass->rows.shift, pass->n);
    else
      unet_sum_rows_u16 (
          self->sum, src, stride, span, pass->rows.shift, pass->n);
    for (guint j = 0; j < pass->n_scans; j++)
      run_scan (self, &pass->scan[j],
          self->sum + pass->scan[j].start - pass->start, span->inv_weight,
          components);
  }
}
