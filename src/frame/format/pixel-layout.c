/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/pixel-layout.h"

static gboolean
is_native (const GstVideoFormatInfo *finfo)
{
  const guint odd = GST_VIDEO_FORMAT_FLAG_COMPLEX
      | GST_VIDEO_FORMAT_FLAG_PALETTE | GST_VIDEO_FORMAT_FLAG_TILED;
  const gboolean little = finfo->flags & GST_VIDEO_FORMAT_FLAG_LE
      || finfo->format == GST_VIDEO_FORMAT_v216; /* which has no such flag */

  if (finfo->flags & odd || finfo->n_components == 0)
    return FALSE;
  if (finfo->depth[0] == 8)
    return TRUE;
  return finfo->depth[0] > 8 && little == (G_BYTE_ORDER == G_LITTLE_ENDIAN);
}

static gboolean
is_apart (const UnetPixelLayout *layout)
{
  for (guint i = 0; i < layout->n_components; i++) {
    const UnetLayoutComponent *a = &layout->component[i];

    if (a->step == 0)
      return FALSE;
    for (guint j = 0; j < i; j++) {
      const UnetLayoutComponent *b = &layout->component[j];

      if (a->plane == b->plane && a->offset == b->offset)
        return FALSE;
    }
  }
  return TRUE;
}

/* Rows of GStreamer's table that do not say what its packers do. */
static void
fix_offsets (UnetPixelLayout *layout, const GstVideoFormatInfo *finfo)
{
  if (finfo->format == GST_VIDEO_FORMAT_VYUY) {
    layout->component[1].offset = 2;
    layout->component[2].offset = 0;
  }
  /* P010 and its kin give the second chroma sample's offset in samples. */
  if (layout->bytes == 2 && finfo->n_planes == 2 && finfo->poffset[2] == 1)
    layout->component[2].offset = 1;
}

gboolean
unet_pixel_layout_init (UnetPixelLayout *layout, const GstVideoInfo *info)
{
  const GstVideoFormatInfo *finfo = info->finfo;

  memset (layout, 0, sizeof *layout);
  if (!is_native (finfo))
    return FALSE;
  layout->n_components = finfo->n_components >= 3 ? 3 : 1;
  layout->depth = finfo->depth[0];
  layout->shift = finfo->shift[0];
  layout->bytes = layout->depth + layout->shift > 8 ? 2 : 1;
  for (guint i = 0; i < layout->n_components; i++) {
    UnetLayoutComponent *component = &layout->component[i];

    if (finfo->depth[i] != layout->depth || finfo->shift[i] != layout->shift)
      return FALSE;
    component->plane = finfo->plane[i];
    component->offset = finfo->poffset[i] / layout->bytes;
    component->step = finfo->pixel_stride[i] / layout->bytes;
    component->w_sub = finfo->w_sub[i];
    component->h_sub = finfo->h_sub[i];
    layout->n_planes = MAX (layout->n_planes, component->plane + 1);
  }
  fix_offsets (layout, finfo);
  return is_apart (layout);
}

/* A cosited sample's centre is that of the first pixel of its group, else it
 * is the group's. */
gdouble
unet_chroma_position (gdouble x, guint sub, gboolean cosited)
{
  const gdouble factor = 1 << sub;

  return (cosited ? x - 0.5 + factor / 2 : x) / factor;
}

/* Chroma sites that caps leave open are those of GStreamer 1.22: MPEG-2's for
 * HD, JPEG's below. */
gboolean
unet_chroma_cosited_h (const GstVideoInfo *info)
{
  if (info->chroma_site == GST_VIDEO_CHROMA_SITE_UNKNOWN)
    return info->height > 576;
  return (info->chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0;
}

gboolean
unet_chroma_cosited_v (const GstVideoInfo *info)
{
  return (info->chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED) != 0;
}
