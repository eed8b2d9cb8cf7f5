/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/picture-files.h"

#include <errno.h>

struct _BatchPictureFiles {
  const BatchSetup *setup;
  GstBin *pipeline; /* (transfer none), after connect */
  guint n_sinks;
  gint n_had; /* atomic: sinks that have had the picture */
  gint error; /* atomic: errno of a file */
};

BatchPictureFiles *
batch_picture_files_new (const BatchSetup *setup)
{
  BatchPictureFiles *self = g_new0 (BatchPictureFiles, 1);

  self->setup = setup;
  return self;
}

void
batch_picture_files_free (BatchPictureFiles *self)
{
  g_free (self);
}

void
batch_picture_files_reset (BatchPictureFiles *self)
{
  g_atomic_int_set (&self->n_had, 0);
  g_atomic_int_set (&self->error, 0);
}

gint
batch_picture_files_get_error (BatchPictureFiles *self)
{
  return g_atomic_int_get (&self->error);
}

gchar *
batch_picture_files_describe (const gchar *kind)
{
  return g_strdup_printf ("fakesink name=%s-file async=false sync=false "
                          "signal-handoffs=true",
      kind);
}

/* ---- frames ------------------------------------------------------------- */

static void
write_picture (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchPictureFiles *self)
{
  const gchar *kind = g_object_get_data (G_OBJECT (sink), "kind");
  g_autofree gchar *name = g_strconcat (kind, ".png", NULL);
  g_autofree gchar *path = g_build_filename (self->setup->folder, name, NULL);
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  errno = 0;
  if (!g_file_set_contents_full (path, (const gchar *) map.data, map.size,
          G_FILE_SET_CONTENTS_NONE, 0666, NULL))
    g_atomic_int_set (&self->error, errno != 0 ? errno : EIO);
  gst_buffer_unmap (buffer, &map);
}

static void
count_sink (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchPictureFiles *self)
{
  GstStructure *ended;

  if (g_atomic_int_add (&self->n_had, 1) + 1 != (gint) self->n_sinks)
    return;
  ended = gst_structure_new_empty (BATCH_PICTURE_ENDED);
  gst_element_post_message (GST_ELEMENT (self->pipeline),
      gst_message_new_application (GST_OBJECT (self->pipeline), ended));
}

/* ---- connection --------------------------------------------------------- */

static void
connect_file (BatchPictureFiles *self, const gchar *kind)
{
  g_autofree gchar *name = g_strconcat (kind, "-file", NULL);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (self->pipeline, name);

  if (sink == NULL)
    return;
  g_object_set_data (G_OBJECT (sink), "kind", (gpointer) kind);
  g_signal_connect (sink, "handoff", G_CALLBACK (write_picture), self);
}

static void
connect_sink (const GValue *item, gpointer data)
{
  BatchPictureFiles *self = data;
  GstElement *sink = g_value_get_object (item);

  self->n_sinks++;
  g_signal_connect (sink, "handoff", G_CALLBACK (count_sink), self);
}

void
batch_picture_files_connect (BatchPictureFiles *self, GstBin *pipeline)
{
  static const gchar *const kinds[] = { "overlay", "cutout", "mask" };
  GstIterator *sinks = gst_bin_iterate_sinks (pipeline);

  self->pipeline = pipeline;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    connect_file (self, kinds[i]);
  gst_iterator_foreach (sinks, connect_sink, self);
  gst_iterator_free (sinks);
}
