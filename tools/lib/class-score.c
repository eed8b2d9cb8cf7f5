/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/class-score.h"

#define N_CLASSES 256

struct _ToolClassScore {
  guint64 pixels[N_CLASSES][N_CLASSES]; /* of a true and a found class */
};

typedef struct {
  guint64 truth, found, both; /* pixels */
} Count;

ToolClassScore *
tool_class_score_new (void)
{
  return g_new0 (ToolClassScore, 1);
}

void
tool_class_score_free (ToolClassScore *self)
{
  g_free (self);
}

/* Class 0 of a mask is the background; other channels follow in order. */
static guint
class_of_channel (const UnetContract *contract, guint channel)
{
  const gint background = contract->background;

  if ((gint) channel == background)
    return 0;
  return channel
      + (background == UNET_BACKGROUND_NONE || (gint) channel < background);
}

void
tool_class_score_add (ToolClassScore *self, const guint8 *found,
    const guint8 *truth, gsize n, const UnetContract *contract)
{
  for (gsize i = 0; i < n; i++) {
    const guint class = class_of_channel (contract, truth[i]);

    if (truth[i] != TOOL_CLASS_UNKNOWN && class < N_CLASSES)
      self->pixels[class][found[i]]++;
  }
}

static Count
count_class (const ToolClassScore *self, guint id)
{
  Count count = { .both = self->pixels[id][id] };

  for (guint i = 0; i < N_CLASSES; i++) {
    count.truth += self->pixels[id][i];
    count.found += self->pixels[i][id];
  }
  return count;
}

static gdouble
overlap (const Count *count)
{
  return (gdouble) count->both / (count->truth + count->found - count->both);
}

static gdouble
find_means (const ToolClassScore *self, gdouble *wrong)
{
  guint64 pixels = 0, right = 0;
  gdouble sum = 0;
  guint n = 0;

  for (guint id = 0; id < N_CLASSES; id++) {
    const Count count = count_class (self, id);

    if (count.truth == 0)
      continue;
    sum += overlap (&count);
    n++;
    pixels += count.truth;
    right += count.both;
  }
  *wrong = pixels ? (gdouble) (pixels - right) / pixels : 0;
  return n ? sum / n : 0;
}

static const gchar *
label_of (const UnetContract *contract, guint id)
{
  const guint n = contract->labels ? g_strv_length (contract->labels) : 0;

  return id < n ? contract->labels[id] : "";
}

void
tool_class_score_print (
    const ToolClassScore *self, const UnetContract *contract)
{
  gdouble wrong, mean = find_means (self, &wrong);

  for (guint id = 0; id < N_CLASSES; id++) {
    const Count count = count_class (self, id);

    if (count.truth > 0)
      g_print ("class %-3u         IoU %.4f  %s\n", id, overlap (&count),
          label_of (contract, id));
  }
  g_print ("miou              %.4f\n", mean);
  g_print ("pixel_error       %.4f\n", wrong);
}

void
tool_class_score_add_json (const ToolClassScore *self, JsonBuilder *builder,
    const UnetContract *contract)
{
  gdouble wrong, mean = find_means (self, &wrong);

  tool_json_double (builder, "miou", mean);
  tool_json_double (builder, "pixel_error", wrong);
  json_builder_set_member_name (builder, "classes");
  json_builder_begin_array (builder);
  for (guint id = 0; id < N_CLASSES; id++) {
    const Count count = count_class (self, id);

    if (count.truth == 0)
      continue;
    json_builder_begin_object (builder);
    tool_json_int (builder, "class", id);
    tool_json_string (builder, "label", label_of (contract, id));
    tool_json_double (builder, "iou", overlap (&count));
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}
