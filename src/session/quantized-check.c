/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/quantized-check.h"
#include "base/sample-type.h"
#include "base/tensor-info.h"
#include "model/hash.h"
#include "model/model.h"
#include "model/tensors.h"
#include "session/mask-agreement.h"
#include <math.h>
#include <string.h>

/* The same mean difference of probabilities as a calibration allows. Masks may
 * overlap less than there (0.99): noise shows the network nothing that it
 * knows, and many of its pixels lie near the threshold, where one step of
 * rounding turns them. int8 that is wrong overlaps by a half and less. A few
 * such pixels are most of a mask that is nearly empty, so the share of
 * STRAY pixels of all does not count. */
#define MAX_DIFFERENCE 0.01
#define MIN_IOU        0.95
#define STRAY          0.002
#define TRIALS         2 /* noise, a picture */

/* ---- what is shown ------------------------------------------------------- */

/* Shades that pass into each other, and two discs: 0 to 255. */
static gdouble
picture_at (gdouble x, gdouble y, guint channel)
{
  gdouble disc = hypot (x - 0.4, y - 0.45), other = hypot (x - 0.8, y - 0.7);

  if (disc < 0.25)
    return 200 - 40.0 * channel;
  if (other < 0.12)
    return 20 + 60.0 * channel;
  return 255 * (0.3 + 0.4 * (channel == 1 ? y : x) + 0.1 * sin (40 * x * y));
}

static gdouble
to_input (const UnetContract *c, gdouble pixel, guint channel)
{
  guint k = MIN (channel, 2);

  if (!c)
    return pixel / 255;
  return (pixel * c->scale - c->mean[k]) / (c->std[k] != 0 ? c->std[k] : 1);
}

/* @trial: 0 noise, 1 a picture */
static void
fill_input (const UnetTensorInfo *info, const UnetContract *contract,
    guint trial, gchar *data)
{
  const gsize size = unet_dtype_size (info->dtype);
  gboolean nhwc = contract && contract->layout == UNET_LAYOUT_NHWC;
  gint64 c = nhwc ? info->dims[3] : info->dims[1];
  gint64 h = info->dims[nhwc ? 1 : 2], w = info->dims[nhwc ? 2 : 3];
  gsize n = unet_tensor_info_count (info);
  guint32 state = 12345;

  for (gsize i = 0; i < n; i++) {
    gint64 k = nhwc ? (gint64) i % c : (gint64) i / (h * w) % c;
    gint64 pixel = nhwc ? (gint64) i / c % (h * w) : (gint64) i % (h * w);
    gfloat sample;

    state = state * 1664525u + 1013904223u;
    sample = (gfloat) to_input (contract,
        trial == 0 ? state >> 24
                   : picture_at ((pixel % w + 0.5) / w, (pixel / w + 0.5) / h,
                       (guint) MIN (k, 2)),
        (guint) MIN (k, 2));
    unet_samples_convert (data + i * size, info->dtype, &sample, 1);
  }
}

static guint
count_inputs (UnetSession *session)
{
  return unet_session_get_graph (session)->inputs->len;
}

static void
fill_inputs (UnetSession *session, const UnetContract *contract, guint trial)
{
  for (guint i = 0; i < count_inputs (session); i++) {
    const UnetTensorInfo *info = unet_session_get_input_info (session, i);
    gpointer data = unet_session_get_input_data (session, i);

    if (unet_samples_have_type (info->dtype) && info->n_dims == 4
        && trial < TRIALS
        && (!contract || g_strcmp0 (info->name, contract->input) == 0))
      fill_input (info, contract, trial, data);
    else
      memset (data, 0, unet_tensor_info_size (info));
  }
}

/* ---- comparison ---------------------------------------------------------- */

static guint
output_index (UnetSession *session, const UnetContract *contract)
{
  gint index = contract ? unet_model_find_output_index (
                   unet_session_get_model (session), contract->output)
                        : 0;

  return (guint) MAX (index, 0);
}

static gboolean
compare (UnetSession *session, UnetSession *f32, const UnetContract *contract,
    UnetAgreement *agreement)
{
  guint output = output_index (session, contract);

  for (guint trial = 0; trial < TRIALS; trial++) {
    fill_inputs (session, contract, trial);
    fill_inputs (f32, contract, trial);
    if (!unet_session_run (session, NULL) || !unet_session_run (f32, NULL))
      return FALSE;
    unet_agreement_add (agreement,
        unet_session_get_output_info (session, output), contract,
        unet_session_get_output_data (f32, output),
        unet_session_get_output_data (session, output));
  }
  fill_inputs (session, contract, TRIALS);
  return TRUE;
}

static gboolean
masks_agree (const UnetAgreement *a)
{
  return a->either - a->both <= (1 - MIN_IOU) * a->either + STRAY * a->pixels;
}

/* The figures where masks differ, "" where they do not. */
static gchar *
find_note (UnetSession *session, UnetSession *f32, const UnetContract *contract)
{
  UnetAgreement a = { 0 };
  gdouble difference, iou;

  if (!compare (session, f32, contract, &a))
    return g_strdup ("");
  difference = unet_agreement_difference (&a);
  iou = unet_agreement_iou (&a);
  if (difference <= MAX_DIFFERENCE && masks_agree (&a))
    return g_strdup ("");
  return g_strdup_printf (
      "masks of the file's int8 differ from f32 on noise and a picture: "
      "probabilities by %.4f on average (%.4f at most), intersection over "
      "union %.4f (%.4f at least)",
      difference, MAX_DIFFERENCE, iou, MIN_IOU);
}

/* ---- once in a process --------------------------------------------------- */

static GMutex lock;
static GHashTable *notes; /* key -> note */

static gchar *
make_key (UnetSession *session, const UnetContract *contract,
    const UnetSessionOptions *options)
{
  GString *key =
      g_string_new (unet_model_get_hash (unet_session_get_model (session)));

  for (guint i = 0; i < count_inputs (session); i++) {
    const UnetTensorInfo *info = unet_session_get_input_info (session, i);

    g_string_append_c (key, ' ');
    for (guint d = 0; d < info->n_dims; d++)
      g_string_append_printf (key, "%" G_GINT64_FORMAT ",", info->dims[d]);
  }
  g_string_append_printf (key, " t%u u%d o%u a%d f%d", options->threads,
      options->tuning, output_index (session, contract),
      contract ? contract->activation : -1,
      contract ? contract->foreground_class : -1);
  return g_string_free (key, FALSE);
}

static gchar *
recall (const gchar *key)
{
  gchar *note;

  g_mutex_lock (&lock);
  note = notes ? g_strdup (g_hash_table_lookup (notes, key)) : NULL;
  g_mutex_unlock (&lock);
  return note;
}

/* Takes over @key. */
static void
remember (gchar *key, const gchar *note)
{
  g_mutex_lock (&lock);
  if (!notes)
    notes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_replace (notes, key, g_strdup (note));
  g_mutex_unlock (&lock);
}

gboolean
unet_quantized_check (UnetSession *session, const UnetContract *contract,
    const UnetTensorInfo *shapes, guint n_shapes,
    const UnetSessionOptions *options, gchar **note)
{
  UnetSessionOptions wide = *options;
  UnetSessionPurpose purpose = { NULL, NULL };
  gchar *key = make_key (session, contract, options);
  UnetSession *f32;

  *note = recall (key);
  if (*note) {
    g_free (key);
  } else {
    wide.precision = UNET_PRECISION_F32;
    wide.tuning = UNET_TUNING_STATIC;
    wide.profile = FALSE;
    f32 = unet_session_compile (unet_session_get_model (session), contract,
        shapes, n_shapes, &wide, &purpose, NULL);
    *note = f32 ? find_note (session, f32, contract) : g_strdup ("");
    g_clear_pointer (&f32, unet_session_unref);
    remember (key, *note);
  }
  if (**note)
    return FALSE;
  g_clear_pointer (note, g_free);
  return TRUE;
}
