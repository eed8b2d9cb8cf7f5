/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/symmetries.h"

#include "base/tensor-info.h"
#include "model/output-shape.h"
#include "model/tensors.h"

#include <math.h>
#include <string.h>

/* The symmetries of the square, in bits. */
#define FLIP_X    1
#define FLIP_Y    2
#define TRANSPOSE 4

/* A tensor as blocks of rows of columns of cells. */
typedef struct {
  guint blocks, height, width;
  guint cell; /* elements */
} Shape;

struct _UnetSymmetries {
  guint input, output; /* indices */
  guint n;
  Shape in, out;
  gsize size;      /* bytes of an element of the input */
  gchar *picture;  /* the input */
  gdouble *sum;    /* of outputs: their order does not matter, since sums of
                    * eight floats of like size are exact in doubles */
  gfloat *average; /* what get_output() gives */
};

static gboolean
fail (GError **error, UnetSession *session, const gchar *why)
{
  g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT, "%s: tta: %s",
      unet_model_get_name (unet_session_get_model (session)), why);
  return FALSE;
}

/* ---- shapes ------------------------------------------------------------ */

static gboolean
find_tensors (UnetSymmetries *self, UnetSession *session,
    const UnetContract *contract, GError **error)
{
  UnetModel *model = unet_session_get_model (session);
  const gint input = unet_model_find_input_index (model, contract->input);
  const gint output = unet_model_find_output_index (model, contract->output);

  if (input < 0 || output < 0)
    return fail (error, session, "no such input or output");
  self->input = (guint) input;
  self->output = (guint) output;
  if (unet_session_has_state (session))
    return fail (error, session, "a network with a memory sees one picture");
  if (unet_session_get_output_info (session, self->output)->dtype
          != UNET_DTYPE_F32
      || contract->activation == UNET_ACTIVATION_ARGMAX)
    return fail (error, session, "numbers of classes have no mean");
  return TRUE;
}

static void
find_input_shape (
    UnetSymmetries *self, UnetSession *session, const UnetContract *contract)
{
  const UnetTensorInfo *info =
      unet_session_get_input_info (session, self->input);
  const gboolean nhwc = contract->layout == UNET_LAYOUT_NHWC;
  const gint64 *dims = info->dims;

  self->size = unet_dtype_size (info->dtype);
  self->in = nhwc
      ? (Shape){ 1, (guint) dims[1], (guint) dims[2], (guint) dims[3] }
      : (Shape){ (guint) dims[1], (guint) dims[2], (guint) dims[3], 1 };
}

/* Strides leave half an output pixel between the two sides of some networks. */
static gboolean
is_centred (gdouble start, gdouble size, guint input, guint output)
{
  return fabs (2 * start + size - input) <= size / output;
}

static gboolean
find_output_shape (UnetSymmetries *self, UnetSession *session,
    const UnetContract *contract, GError **error)
{
  UnetTensorInfo info = *unet_session_get_output_info (session, self->output);
  UnetOutputWindow window = { self->in.width, self->in.height, self->in.width,
    self->in.height, contract->layout };
  gdouble x = 0, y = 0;
  UnetOutputShape found;
  const gchar *why;

  unet_output_take_first (
      &info, unet_session_get_input_info (session, self->input)->dims[0]);
  if (!unet_session_get_output_window (
          session, self->output, &x, &y, &window.width, &window.height)) {
    x = y = 0;
    window.width = self->in.width;
    window.height = self->in.height;
  }
  if (!unet_output_shape_find (&found, &info, &window, &why))
    return fail (error, session, why);
  if (!is_centred (x, window.width, self->in.width, found.width)
      || !is_centred (y, window.height, self->in.height, found.height))
    return fail (error, session, "the output does not lie in the middle");
  self->out = (Shape){ found.interleaved ? 1 : found.channels, found.height,
    found.width, found.interleaved ? found.channels : 1 };
  return TRUE;
}

static gsize
count (const Shape *shape)
{
  return (gsize) shape->blocks * shape->height * shape->width * shape->cell;
}

UnetSymmetries *
unet_symmetries_new (
    UnetSession *session, const UnetContract *contract, GError **error)
{
  UnetSymmetries *self = g_new0 (UnetSymmetries, 1);

  if (!find_tensors (self, session, contract, error))
    goto failed;
  find_input_shape (self, session, contract);
  if (!find_output_shape (self, session, contract, error))
    goto failed;
  self->n = self->in.width == self->in.height
          && self->out.width == self->out.height
      ? 8
      : 4;
  self->picture = g_try_malloc (count (&self->in) * self->size);
  self->sum = g_try_new (gdouble, count (&self->out));
  self->average = g_try_new0 (gfloat, count (&self->out));
  if (self->picture && self->sum && self->average)
    return self;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "%s: tta: no memory for %ux%u pixels",
      unet_model_get_name (unet_session_get_model (session)), self->in.width,
      self->in.height);

failed:
  unet_symmetries_free (self);
  return NULL;
}

void
unet_symmetries_free (UnetSymmetries *self)
{
  if (self == NULL)
    return;
  g_free (self->picture);
  g_free (self->sum);
  g_free (self->average);
  g_free (self);
}

guint
unet_symmetries_get_n (const UnetSymmetries *self)
{
  return self->n;
}

/* ---- pixels ------------------------------------------------------------ */

/* Returns the pixel that variant @k has at @x, @y. */
static gsize
source (const Shape *shape, guint k, guint x, guint y)
{
  const guint from_x = k & TRANSPOSE ? y : x, from_y = k & TRANSPOSE ? x : y;

  return (gsize) (k & FLIP_Y ? shape->height - 1 - from_y : from_y)
      * shape->width
      + (k & FLIP_X ? shape->width - 1 - from_x : from_x);
}

static void
write_variant (const UnetSymmetries *self, guint k, gchar *to)
{
  const Shape *s = &self->in;
  const gsize cell = s->cell * self->size;
  const gsize block = (gsize) s->height * s->width * cell;

  for (guint b = 0; b < s->blocks; b++)
    for (guint y = 0; y < s->height; y++)
      for (guint x = 0; x < s->width; x++, to += cell)
        memcpy (
            to, self->picture + b * block + source (s, k, x, y) * cell, cell);
}

static void
add_variant (UnetSymmetries *self, guint k, const gfloat *from)
{
  const Shape *s = &self->out;
  const gsize block = (gsize) s->height * s->width * s->cell;

  for (guint b = 0; b < s->blocks; b++)
    for (guint y = 0; y < s->height; y++)
      for (guint x = 0; x < s->width; x++, from += s->cell) {
        gdouble *sum = self->sum + b * block + source (s, k, x, y) * s->cell;

        for (guint c = 0; c < s->cell; c++)
          sum[c] += (gdouble) from[c];
      }
}

gboolean
unet_symmetries_run (UnetSymmetries *self, UnetSession *session, GError **error)
{
  gchar *input = unet_session_get_input_data (session, self->input);
  const gsize n = count (&self->out);

  memcpy (self->picture, input, count (&self->in) * self->size);
  memset (self->sum, 0, n * sizeof (self->sum[0]));
  for (guint k = self->n; k-- > 0;) {
    write_variant (self, k, input);
    if (!unet_session_run (session, error))
      return FALSE;
    add_variant (self, k, unet_session_get_output_data (session, self->output));
  }
  for (gsize i = 0; i < n; i++)
    self->average[i] = (gfloat) (self->sum[i] / self->n);
  return TRUE;
}

gconstpointer
unet_symmetries_get_output (const UnetSymmetries *self)
{
  return self->average;
}
