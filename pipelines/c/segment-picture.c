/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* segment-picture IN.ppm OUT.pgm [MODEL.onnx]
 *
 * Finds the foreground of a picture without a pipeline: reads a binary PPM of 8
 * bits, runs the network (the built-in one for people, if none is named), and
 * writes the probability of each pixel as a PGM, 255 for certain foreground.
 * The picture is stretched to the network's input, whatever the model asks for.
 * Compile it with
 *   cc segment-picture.c $(pkg-config --cflags --libs unetseg-1.0) -lm */

#include <math.h>
#include <stdio.h>
#include <unetseg/unetseg.h>

/* ---- pictures ----------------------------------------------------------- */

/* Rows from the top, without padding; channels are next to each other. */
typedef struct {
  guint width, height, channels;
  guint8 *data;
} Picture;

/* Largest side that is read, in pixels. */
#define LARGEST 16384

/* Reads a number of the header, after white space and comments. */
static guint
read_number (FILE *file)
{
  guint number = 0;
  gint c = getc (file);

  while (c == '#' || g_ascii_isspace (c)) {
    while (c == '#' && (c = getc (file)) != EOF && c != '\n')
      ;
    c = getc (file);
  }
  for (; g_ascii_isdigit (c) && number <= LARGEST; c = getc (file))
    number = 10 * number + (c - '0');
  return number;
}

static gboolean
picture_read (Picture *picture, const gchar *path)
{
  FILE *file = fopen (path, "rb");
  gboolean ok = file != NULL && getc (file) == 'P' && getc (file) == '6';
  guint largest = 0;
  gsize size;

  picture->channels = 3;
  if (ok) {
    picture->width = read_number (file);
    picture->height = read_number (file);
    largest = read_number (file);
  }
  ok = ok && largest == 255 && picture->width - 1 < LARGEST
      && picture->height - 1 < LARGEST;
  if (ok) {
    size = (gsize) picture->width * picture->height * picture->channels;
    picture->data = g_malloc (size);
    ok = fread (picture->data, 1, size, file) == size;
  }
  if (file != NULL)
    fclose (file);
  if (!ok)
    g_printerr ("%s: not a binary PPM of 8 bits\n", path);
  return ok;
}

static gboolean
picture_write_gray (const Picture *picture, const gchar *path)
{
  gsize size = (gsize) picture->width * picture->height;
  FILE *file = fopen (path, "wb");
  gboolean ok = file != NULL;

  if (ok) {
    fprintf (file, "P5\n%u %u\n255\n", picture->width, picture->height);
    ok = fwrite (picture->data, 1, size, file) == size;
    ok = fclose (file) == 0 && ok;
  }
  if (!ok)
    g_printerr ("%s: cannot be written\n", path);
  return ok;
}

/* Returns the sample at a place in pixels, between the nearest four. */
static gdouble
picture_sample (const Picture *picture, gdouble x, gdouble y, guint channel)
{
  guint x0 = CLAMP (x, 0, picture->width - 1);
  guint y0 = CLAMP (y, 0, picture->height - 1);
  guint x1 = MIN (x0 + 1, picture->width - 1);
  guint y1 = MIN (y0 + 1, picture->height - 1);
  gdouble fx = CLAMP (x - x0, 0, 1), fy = CLAMP (y - y0, 0, 1);
  const guint8 *d = picture->data + channel;
  gsize w = picture->width, n = picture->channels;

  return (1 - fy)
      * ((1 - fx) * d[(y0 * w + x0) * n] + fx * d[(y0 * w + x1) * n])
      + fy * ((1 - fx) * d[(y1 * w + x0) * n] + fx * d[(y1 * w + x1) * n]);
}

/* ---- tensors ------------------------------------------------------------ */

/* A picture tensor: where the sample of a channel, row and column lies. */
typedef struct {
  guint channels, height, width;
  gboolean nhwc;
} Shape;

static Shape
shape_of (const UnetTensorInfo *info, gboolean nhwc)
{
  if (nhwc)
    return (Shape){ info->dims[3], info->dims[1], info->dims[2], TRUE };
  return (Shape){ info->dims[1], info->dims[2], info->dims[3], FALSE };
}

static gsize
offset_of (const Shape *s, guint channel, guint y, guint x)
{
  if (s->nhwc)
    return ((gsize) y * s->width + x) * s->channels + channel;
  return ((gsize) channel * s->height + y) * s->width + x;
}

/* Stretches the picture to the input and normalises it as the contract says. */
static void
fill_input (gfloat *input, const Shape *s, const Picture *picture,
    const UnetContract *contract)
{
  gdouble sx = picture->width / (gdouble) s->width;
  gdouble sy = picture->height / (gdouble) s->height;

  for (guint y = 0; y < s->height; y++)
    for (guint x = 0; x < s->width; x++)
      for (guint c = 0; c < s->channels; c++) {
        gboolean bgr = contract->color_order == UNET_COLOR_ORDER_BGR;
        guint rgb = bgr ? 2 - c : c;
        gdouble value = picture_sample (
            picture, (x + 0.5) * sx - 0.5, (y + 0.5) * sy - 0.5, rgb);

        value = (value * contract->scale - contract->mean[rgb])
            / contract->std[rgb];
        input[offset_of (s, c, y, x)] = value;
      }
}

/* Probability of a pixel that is not background. One channel is the foreground;
 * of several the first is the background. */
static gdouble
foreground (const gfloat *output, const Shape *s, UnetActivation activation,
    guint y, guint x)
{
  gdouble first = output[offset_of (s, 0, y, x)], sum = 0;

  if (activation == UNET_ACTIVATION_SOFTMAX) {
    for (guint c = 0; c < s->channels; c++)
      sum += exp (output[offset_of (s, c, y, x)] - first);
    return 1 - 1 / sum;
  }
  if (activation == UNET_ACTIVATION_SIGMOID)
    first = 1 / (1 + exp (-first));
  return s->channels == 1 ? first : 1 - first;
}

/* ---- the network -------------------------------------------------------- */

static UnetSession *
open_session (const gchar *path, const Picture *picture,
    UnetContract **contract, GError **error)
{
  g_autoptr (UnetModel) model = unet_model_load (path, error);
  guint width, height;

  if (model == NULL)
    return NULL;
  *contract = unet_model_get_contract (model, NULL, error);
  if (*contract == NULL)
    return NULL;
  unet_model_choose_size (
      model, *contract, picture->width, picture->height, &width, &height);
  return unet_session_new_for_size (
      model, *contract, width, height, NULL, error);
}

/* The index of the input or output called @name. */
static guint
find_tensor (UnetSession *session, const gchar *name, guint n,
    const UnetTensorInfo *(*get) (UnetSession *, guint))
{
  guint i = 0;

  while (i + 1 < n && g_strcmp0 (get (session, i)->name, name) != 0)
    i++;
  return i;
}

/* Checks that a tensor has f32, three colours and four dimensions: this example
 * fills and reads no other. */
static gboolean
check_shapes (const UnetTensorInfo *in, const UnetTensorInfo *out,
    gboolean nhwc, GError **error)
{
  if (in->dtype == UNET_DTYPE_F32 && out->dtype == UNET_DTYPE_F32
      && in->n_dims == 4 && out->n_dims == 4 && in->dims[nhwc ? 3 : 1] == 3)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
      "the network does not take RGB and give a mask, both as f32");
  return FALSE;
}

/* Makes a grey picture of the output, as large as @mask is. */
static void
enlarge (const gfloat *output, const Shape *s, UnetActivation activation,
    Picture *mask)
{
  Picture small = { s->width, s->height, 1, NULL };
  gdouble sx = s->width / (gdouble) mask->width;
  gdouble sy = s->height / (gdouble) mask->height;

  small.data = g_malloc ((gsize) s->width * s->height);
  for (guint y = 0; y < s->height; y++)
    for (guint x = 0; x < s->width; x++)
      small.data[(gsize) y * s->width + x] =
          lrint (255 * foreground (output, s, activation, y, x));
  for (guint y = 0; y < mask->height; y++)
    for (guint x = 0; x < mask->width; x++)
      mask->data[(gsize) y * mask->width + x] = lrint (picture_sample (
          &small, (x + 0.5) * sx - 0.5, (y + 0.5) * sy - 0.5, 0));
  g_free (small.data);
}

/* Runs the network once. @mask has its size and memory. */
static gboolean
run (UnetSession *session, const UnetContract *contract, const Picture *picture,
    Picture *mask, GError **error)
{
  UnetModel *model = unet_session_get_model (session);
  guint in = find_tensor (session, contract->input,
      unet_model_get_n_inputs (model), unet_session_get_input_info);
  guint out = find_tensor (session, contract->output,
      unet_model_get_n_outputs (model), unet_session_get_output_info);
  gboolean nhwc = contract->layout == UNET_LAYOUT_NHWC;
  const UnetTensorInfo *in_info = unet_session_get_input_info (session, in);
  const UnetTensorInfo *out_info = unet_session_get_output_info (session, out);
  Shape from = shape_of (in_info, nhwc), to = shape_of (out_info, nhwc);

  if (!check_shapes (in_info, out_info, nhwc, error))
    return FALSE;
  fill_input (
      unet_session_get_input_data (session, in), &from, picture, contract);
  if (!unet_session_run (session, error))
    return FALSE;
  enlarge (unet_session_get_output_data (session, out), &to,
      contract->activation, mask);
  return TRUE;
}

int
main (int argc, char **argv)
{
  Picture picture = { 0 }, mask = { 0 };
  g_autoptr (UnetContract) contract = NULL;
  g_autoptr (UnetSession) session = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  if (argc < 3 || argc > 4) {
    g_printerr ("usage: segment-picture IN.ppm OUT.pgm [MODEL.onnx]\n");
    return 2;
  }
  if (!picture_read (&picture, argv[1]))
    return 1;
  mask = (Picture){ picture.width, picture.height, 1,
    g_malloc ((gsize) picture.width * picture.height) };
  session =
      open_session (argc > 3 ? argv[3] : NULL, &picture, &contract, &error);
  ok = session != NULL && run (session, contract, &picture, &mask, &error);
  if (!ok)
    g_printerr ("%s\n", error->message);
  ok = ok && picture_write_gray (&mask, argv[2]);
  g_free (picture.data);
  g_free (mask.data);
  return ok ? 0 : 1;
}
