/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/choose-output.h"
#include "model/model.h"
#include <math.h>
#include <string.h>

/* Points of an output. Half the rows and columns cost as much as MARGIN, so
 * that a mask of twice the size is preferred to an inner feature. */
#define FOR_HALVING   4 /* of rows and columns */
#define FOR_NAME      4
#define FOR_LABELS    6 /* as many channels as the labels ask for */
#define FOR_CHANNELS  3 /* more than a mask has as a rule */
#define MANY_CHANNELS 32
/* An output must be so much better than the first to be preferred. */
#define MARGIN 4

typedef struct {
  gboolean is_picture;
  UnetOutputShape shape;
  gdouble points;
} Rating;

static gboolean
has_word (const gchar *name, const gchar *const *words)
{
  g_autofree gchar *lower = g_ascii_strdown (name, -1);

  for (; *words; words++)
    if (strstr (lower, *words))
      return TRUE;
  return FALSE;
}

static gdouble
rate_name (const gchar *name)
{
  static const gchar *const inner[] = { "feat", "aux", "side", "edge", "bound",
    "embed", "hidden", "inner", "stage", "depth", NULL };
  static const gchar *const mask[] = { "mask", "seg", "matte", "alpha", "pha",
    "prob", NULL };

  if (has_word (name, inner))
    return -FOR_NAME;
  return has_word (name, mask) ? FOR_NAME : 0;
}

static gdouble
rate_channels (guint channels, const UnetContract *contract)
{
  const guint n = contract->labels ? g_strv_length (contract->labels) : 0;

  if (n > 0)
    return channels == n || channels + 1 == n ? FOR_LABELS : 0;
  return channels > MANY_CHANNELS ? -FOR_CHANNELS : 0;
}

static Rating
rate (const UnetTrial *trial, const UnetContract *contract, guint index)
{
  const UnetTensorInfo info = unet_trial_get_output (trial, index);
  Rating rating = { FALSE };
  const gchar *why;
  gdouble share;

  rating.is_picture = unet_trial_find_shape (trial, index, &rating.shape, &why);
  if (!rating.is_picture)
    return rating;
  share = (gdouble) rating.shape.width * rating.shape.height
      / ((gdouble) trial->width * trial->height);
  rating.points = rate_name (info.name)
      + rate_channels (rating.shape.channels, contract)
      + FOR_HALVING / 2. * log2 (MIN (share, 1));
  return rating;
}

static gchar *
describe (const Rating *rating)
{
  if (!rating->is_picture)
    return g_strdup ("no picture");
  return g_strdup_printf ("%ux%u pixels, %u channel%s", rating->shape.width,
      rating->shape.height, rating->shape.channels,
      rating->shape.channels == 1 ? "" : "s");
}

static void
note_choice (const UnetModel *model, guint index, const Rating *best,
    const Rating *first, GPtrArray *notes)
{
  g_autofree gchar *chosen = describe (best), *other = describe (first);

  unet_notes_add (notes, FALSE,
      "%s: output '%s' (%s) looks more like the mask by size, channels and "
      "name than the first, '%s' (%s); output-name says otherwise",
      model->name, model->outputs[index].name, chosen, model->outputs[0].name,
      other);
}

guint
unet_output_choose (const UnetModel *model, const UnetContract *contract,
    const UnetTrial *trial, GPtrArray *notes)
{
  const guint n = model->graph->outputs->len;
  Rating first, best;
  guint index = 0;

  if (!trial || n < 2)
    return 0;
  first = best = rate (trial, contract, 0);
  for (guint i = 1; i < n; i++) {
    const Rating rating = rate (trial, contract, i);

    if (!rating.is_picture || (best.is_picture && rating.points <= best.points))
      continue;
    best = rating;
    index = i;
  }
  if (index == 0 || (first.is_picture && best.points < first.points + MARGIN))
    return 0;
  note_choice (model, index, &best, &first, notes);
  return index;
}
