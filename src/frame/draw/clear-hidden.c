/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/clear-hidden.h"

#include "base/simd.h"
#include "frame/format/pixel-layout.h"

#include <string.h>

/* A count of neighbours for a sample that is seen. */
#define SEEN 255

struct _UnetClearHidden {
  UnetPixelLayout layout;
  guint width, height;
  gboolean spreads; /* next to what is seen, to its mean */
  guint16 black[3]; /* as stored */

  /* The place of alpha, in samples. */
  guint plane, offset, step, bytes, mask;

  /* 1 for each sample that is seen, in three rows with a 0 at both ends. */
  guint8 *seen[3];
  guint8 *pixels; /* a row of them */
  guint8 *count;  /* seen neighbours of each sample of the row, or SEEN */
};

/* A row of a component, and those around it. */
typedef struct {
  guint8 *above, *row, *below; /* the component's first sample */
  guint step, shift, black, n;
} Row;

/* ---- setting up ------------------------------------------------------- */

static void
set_black (UnetClearHidden *self, const GstVideoInfo *info)
{
  const UnetPixelLayout *layout = &self->layout;
  const gboolean full = info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;

  if (!GST_VIDEO_INFO_IS_YUV (info))
    return;
  if (!full)
    self->black[0] = (guint16) (16u << (layout->depth - 8) << layout->shift);
  for (guint i = 1; i < 3; i++)
    self->black[i] = (guint16) (1u << (layout->depth - 1) << layout->shift);
}

UnetClearHidden *
unet_clear_hidden_new (const GstVideoInfo *info)
{
  const GstVideoFormatInfo *finfo = info->finfo;
  UnetClearHidden *self;
  UnetPixelLayout layout;

  if (finfo->n_components != 4 || !unet_pixel_layout_init (&layout, info))
    return NULL;
  self = g_new0 (UnetClearHidden, 1);
  self->layout = layout;
  self->width = (guint) info->width;
  self->height = (guint) info->height;
  self->spreads =
      !(GST_VIDEO_INFO_FLAGS (info) & GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA);
  set_black (self, info);
  self->bytes = finfo->depth[3] + finfo->shift[3] > 8 ? 2 : 1;
  self->mask = ((1u << finfo->depth[3]) - 1) << finfo->shift[3];
  self->plane = finfo->plane[3];
  self->offset = finfo->poffset[3] / self->bytes;
  self->step = finfo->pixel_stride[3] / self->bytes;
  for (guint i = 0; i < 3; i++)
    self->seen[i] = g_new0 (guint8, self->width + 2);
  self->pixels = g_new0 (guint8, self->width);
  self->count = g_new0 (guint8, self->width);
  return self;
}

void
unet_clear_hidden_free (UnetClearHidden *self)
{
  if (!self)
    return;
  for (guint i = 0; i < 3; i++)
    g_free (self->seen[i]);
  g_free (self->pixels);
  g_free (self->count);
  g_free (self);
}

/* ---- what is seen ----------------------------------------------------- */

static guint8 *
row_pointer (const GstVideoFrame *frame, guint plane, guint y)
{
  return (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, plane)
      + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
}

/* Fills @seen, of a row of pixels. @step is a constant where this is
 * inlined. */
static inline void
read_bytes (const guint8 *row, guint step, guint n, guint8 *seen)
{
  for (guint x = 0; x < n; x++)
    seen[x] = row[(gsize) x * step] != 0;
}

UNET_SIMD static void
read_hiding_alpha (const UnetClearHidden *self, const GstVideoFrame *frame,
    guint y, guint8 *seen)
{
  const guint8 *row = row_pointer (frame, self->plane, y);
  const UnetSample16 *row16 = (const UnetSample16 *) row + self->offset;
  const guint step = self->step, mask = self->mask;

  row += self->offset;
  if (self->bytes == 2)
    for (guint x = 0; x < self->width; x++)
      seen[x] = (row16[(gsize) x * step] & mask) != 0;
  else if (step == 1)
    read_bytes (row, 1, self->width, seen);
  else
    read_bytes (row, 4, self->width, seen);
}

/* Adds a row of pixels to samples that cover two of them each. */
UNET_SIMD static void
add_seen_pairs (const guint8 *pixels, guint n, guint8 *seen)
{
  for (guint x = 0; x < n / 2; x++)
    seen[x] |= pixels[2 * x] | pixels[2 * x + 1];
  if (n % 2 != 0)
    seen[n / 2] |= pixels[n - 1];
}

/* Fills @seen, a row of samples with a 0 on either side. */
static void
find_seen (const UnetClearHidden *self, const GstVideoFrame *frame, guint y,
    const UnetLayoutComponent *component, guint8 *seen)
{
  const guint first = y << component->h_sub;

  if (component->w_sub == 0 && component->h_sub == 0) {
    read_hiding_alpha (self, frame, y, seen + 1);
    return;
  }
  memset (seen, 0, self->width + 2);
  for (guint i = 0; i < 1u << component->h_sub; i++)
    if (first + i < self->height) {
      read_hiding_alpha (self, frame, first + i, self->pixels);
      add_seen_pairs (self->pixels, self->width, seen + 1);
    }
}

/* The neighbours of each sample that are seen. Returns whether there is one. */
UNET_SIMD static gboolean
count_seen_neighbours (const UnetClearHidden *self, const guint8 *above,
    const guint8 *row, const guint8 *below, guint n)
{
  guint8 *count = self->count;
  guint8 any = 0;

  for (guint x = 0; x < n; x++) {
    const guint8 sum = (guint8) (above[x] + above[x + 1] + above[x + 2] + row[x]
        + row[x + 2] + below[x] + below[x + 1] + below[x + 2]);

    count[x] = row[x + 1] ? SEEN : sum;
    any |= count[x];
  }
  return any != 0;
}

/* ---- colours ---------------------------------------------------------- */

/* Samples of 1 or 2 bytes; @bytes is a constant where this is inlined. */
static inline guint
get (const guint8 *row, gssize i, guint bytes)
{
  return bytes == 1 ? row[i] : ((const UnetSample16 *) row)[i];
}

static inline void
set (guint8 *row, gsize i, guint bytes, guint value)
{
  if (bytes == 1)
    row[i] = (guint8) value;
  else
    ((UnetSample16 *) row)[i] = (guint16) value;
}

/* The mean of the neighbours that are seen. These never change, so that rows
 * can be worked on in place. */
static inline guint
mean (const Row *row, guint8 *const seen[3], guint x, guint bytes)
{
  const guint8 *const rows[3] = { row->above, row->row, row->below };
  guint sum = 0, n = 0;

  for (guint j = 0; j < 3; j++)
    for (guint i = 0; i < 3; i++)
      if (seen[j][x + i]) {
        const gssize at = ((gssize) x + i - 1) * row->step;

        sum += get (rows[j], at, bytes) >> row->shift;
        n++;
      }
  return (sum + n / 2) / n << row->shift;
}

static inline void
fill (const Row *row, guint from, guint to, guint bytes)
{
  if (bytes == 1 && row->step == 1)
    memset (row->row + from, (gint) row->black, to - from);
  else
    for (guint x = from; x < to; x++)
      set (row->row, (gsize) x * row->step, bytes, row->black);
}

/* The first sample from @x on whose count is not @value. */
static guint
find_other (const guint8 *count, guint x, guint n, guint8 value)
{
  const guint64 all = value * G_GUINT64_CONSTANT (0x0101010101010101);
  guint64 word;

  for (; x + 8 <= n; x += 8) {
    memcpy (&word, count + x, sizeof word);
    if (word != all)
      break;
  }
  while (x < n && count[x] == value)
    x++;
  return x;
}

static inline void
clear_samples (const UnetClearHidden *self, const Row *row,
    guint8 *const seen[3], gboolean spreads, guint bytes)
{
  const guint8 *count = self->count;
  guint x = 0;

  while (x < row->n) {
    const guint from = x;

    if (count[x] == SEEN) {
      x = find_other (count, x, row->n, SEEN);
    } else if (count[x] == 0) {
      x = find_other (count, x, row->n, 0);
      fill (row, from, x, bytes);
    } else {
      set (row->row, (gsize) x * row->step, bytes,
          spreads ? mean (row, seen, x, bytes) : row->black);
      x++;
    }
  }
}

static void
clear_row (UnetClearHidden *self, GstVideoFrame *frame, guint index, guint y,
    guint rows, guint8 *const seen[3], gboolean any)
{
  const UnetLayoutComponent *component = &self->layout.component[index];
  const guint offset = component->offset * self->layout.bytes;
  /* Rows beyond the frame are not seen, and not read. */
  const Row row = {
    .above = row_pointer (frame, component->plane, y > 0 ? y - 1 : y) + offset,
    .row = row_pointer (frame, component->plane, y) + offset,
    .below = row_pointer (frame, component->plane, y + 1 < rows ? y + 1 : y)
        + offset,
    .step = component->step,
    .shift = self->layout.shift,
    .black = self->black[index],
    .n = GST_VIDEO_SUB_SCALE (component->w_sub, self->width)
  };
  const gboolean spreads = any && self->spreads;

  if (self->layout.bytes == 1)
    clear_samples (self, &row, seen, spreads, 1);
  else
    clear_samples (self, &row, seen, spreads, 2);
}

/* Clears components @from to @to, which are subsampled alike. */
static void
clear_components (
    UnetClearHidden *self, GstVideoFrame *frame, guint from, guint to)
{
  const UnetLayoutComponent *component = &self->layout.component[from];
  const guint rows = GST_VIDEO_SUB_SCALE (component->h_sub, self->height);
  const guint n = GST_VIDEO_SUB_SCALE (component->w_sub, self->width);
  guint8 *seen[3] = { self->seen[0], self->seen[1], self->seen[2] };

  memset (seen[0], 0, self->width + 2);
  find_seen (self, frame, 0, component, seen[1]);
  for (guint y = 0; y < rows; y++) {
    guint8 *first = seen[0];
    gboolean any;

    if (y + 1 < rows)
      find_seen (self, frame, y + 1, component, seen[2]);
    else
      memset (seen[2], 0, self->width + 2);
    any = count_seen_neighbours (self, seen[0], seen[1], seen[2], n);
    for (guint i = from; i <= to; i++)
      clear_row (self, frame, i, y, rows, seen, any);
    seen[0] = seen[1];
    seen[1] = seen[2];
    seen[2] = first;
  }
}

void
unet_clear_hidden_run (UnetClearHidden *self, GstVideoFrame *frame)
{
  const UnetLayoutComponent *component = self->layout.component;

  if (component[0].w_sub == component[1].w_sub
      && component[0].h_sub == component[1].h_sub) {
    clear_components (self, frame, 0, 2);
  } else {
    clear_components (self, frame, 0, 0);
    clear_components (self, frame, 1, 2);
  }
}
