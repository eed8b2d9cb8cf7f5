/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/webm-alpha.h"

#include "batch/ebml.h"
#include "batch/error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

/* Elements of Matroska (RFC 9559). */
enum {
  ID_EBML = 0x1a45dfa3,
  ID_VOID = 0xec,
  ID_SEGMENT = 0x18538067,
  ID_SEEK_HEAD = 0x114d9b74,
  ID_SEEK = 0x4dbb,
  ID_SEEK_ID = 0x53ab,
  ID_SEEK_POSITION = 0x53ac,
  ID_INFO = 0x1549a966,
  ID_TRACKS = 0x1654ae6b,
  ID_TRACK_ENTRY = 0xae,
  ID_TRACK_NUMBER = 0xd7,
  ID_TRACK_TYPE = 0x83,
  ID_MAX_ADDITION = 0x55ee,
  ID_VIDEO = 0xe0,
  ID_ALPHA_MODE = 0x53c0,
  ID_CLUSTER = 0x1f43b675,
  ID_POSITION = 0xa7,
  ID_PREV_SIZE = 0xab,
  ID_TIMESTAMP = 0xe7,
  ID_SIMPLE_BLOCK = 0xa3,
  ID_BLOCK_GROUP = 0xa0,
  ID_BLOCK = 0xa1,
  ID_REFERENCE = 0xfb,
  ID_ADDITIONS = 0x75a1,
  ID_MORE = 0xa6,
  ID_ADD_ID = 0xee,
  ID_ADDITIONAL = 0xa5,
  ID_CUES = 0x1c53bb6b,
  ID_CUE_POINT = 0xbb,
  ID_CUE_TRACK_POSITIONS = 0xb7,
  ID_CUE_CLUSTER = 0xf1,
  ID_CUE_RELATIVE = 0xf0,
};

#define TRACK_TYPE_VIDEO 1
/* Bytes at the start of the segment for three entries of a seek head. */
#define SEEK_ROOM 96

struct _BatchAlphaStore {
  gchar *webm, *path;
  FILE *file;
  gint code; /* atomic: errno of the first error, 0: none */
  guint n_frames;
};

/* The file on its way from the muxer's to the one with alpha. */
typedef struct {
  EbmlReader frames; /* of alpha: a size in 4 bytes, then the frame */
  FILE *out;
  guint64 written;
  guint64 segment; /* position of its content in the output */
  guint64 track;   /* number of the video */
  gint64 last;     /* time of the video's last frame, in the file's unit */
  GHashTable
      *clusters; /* old position -> new one, from the segment's content */
  guint64 info, tracks, cues; /* positions in the same way */
  gboolean wrong;             /* the file is not as expected */
} Rewrite;

/* ---- the store -------------------------------------------------------- */

BatchAlphaStore *
batch_alpha_store_new (const gchar *webm, GError **error)
{
  BatchAlphaStore *self = g_new0 (BatchAlphaStore, 1);

  self->webm = g_strdup (webm);
  self->path = g_strconcat (webm, ".alpha", NULL);
  self->file = g_fopen (self->path, "wbe");
  if (self->file != NULL)
    return self;
  batch_fail_errno (error, self->path);
  batch_alpha_store_free (self);
  return NULL;
}

void
batch_alpha_store_free (BatchAlphaStore *self)
{
  if (self == NULL)
    return;
  if (self->file != NULL)
    fclose (self->file);
  g_unlink (self->path);
  g_free (self->webm);
  g_free (self->path);
  g_free (self);
}

void
batch_alpha_store_add (BatchAlphaStore *self, GstBuffer *frame)
{
  GstMapInfo map;
  guint32 size;

  if (g_atomic_int_get (&self->code) != 0
      || !gst_buffer_map (frame, &map, GST_MAP_READ))
    return;
  size = GUINT32_TO_BE ((guint32) map.size);
  if (fwrite (&size, sizeof size, 1, self->file) != 1
      || fwrite (map.data, 1, map.size, self->file) != map.size)
    g_atomic_int_set (&self->code, errno);
  self->n_frames++;
  gst_buffer_unmap (frame, &map);
}

gint
batch_alpha_store_get_error (BatchAlphaStore *self)
{
  return g_atomic_int_get (&self->code);
}

/* ---- output ----------------------------------------------------------- */

static guint64
position (const Rewrite *self)
{
  return self->written - self->segment;
}

static gboolean
put (Rewrite *self, const guint8 *data, gsize size)
{
  self->written += size;
  return size == 0 || fwrite (data, 1, size, self->out) == size;
}

static gboolean
put_array (Rewrite *self, GByteArray *array)
{
  return put (self, array->data, array->len);
}

static gboolean
put_element (Rewrite *self, const EbmlElement *element)
{
  g_autoptr (GByteArray) head = g_byte_array_new ();

  ebml_write_id (head, element->id);
  ebml_write_size (head, element->size);
  return put_array (self, head) && put (self, element->data, element->size);
}

static gboolean
put_new (Rewrite *self, guint32 id, const GByteArray *content)
{
  const EbmlElement element = { id, content->data, content->len };

  return put_element (self, &element);
}

/* ---- tracks ----------------------------------------------------------- */

static void
write_video_track (GByteArray *to, const EbmlElement *track)
{
  g_autoptr (GByteArray) entry = g_byte_array_new ();
  EbmlReader reader = ebml_enter (track);
  EbmlElement child;

  while (ebml_read (&reader, &child)) {
    if (child.id == ID_VIDEO) {
      g_autoptr (GByteArray) video = g_byte_array_new ();

      g_byte_array_append (video, child.data, child.size);
      ebml_write_uint (video, ID_ALPHA_MODE, 1);
      ebml_write (entry, ID_VIDEO, video->data, video->len);
    } else {
      ebml_write (entry, child.id, child.data, child.size);
    }
  }
  ebml_write_uint (entry, ID_MAX_ADDITION, 1);
  ebml_write (to, ID_TRACK_ENTRY, entry->data, entry->len);
}

static gboolean
rewrite_tracks (Rewrite *self, const EbmlElement *tracks)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  EbmlReader reader = ebml_enter (tracks);
  EbmlElement track, type, number;

  while (ebml_read (&reader, &track)) {
    if (track.id == ID_TRACK_ENTRY && self->track == 0
        && ebml_find (ebml_enter (&track), ID_TRACK_TYPE, &type)
        && ebml_get_uint (&type) == TRACK_TYPE_VIDEO
        && ebml_find (ebml_enter (&track), ID_TRACK_NUMBER, &number)) {
      self->track = ebml_get_uint (&number);
      write_video_track (content, &track);
    } else {
      ebml_write (content, track.id, track.data, track.size);
    }
  }
  return put_new (self, ID_TRACKS, content);
}

/* ---- frames ----------------------------------------------------------- */

/* A block begins with its track, a time relative to the cluster's, and flags.
 * Tracks of GStreamer's muxer have numbers of one byte. */
static gboolean
is_video (const Rewrite *self, const EbmlElement *block)
{
  return block->size > 4 && block->data[0] == (self->track | 0x80);
}

static gint64
block_time (const EbmlElement *block, gint64 cluster)
{
  return cluster + (gint16) (block->data[1] << 8 | block->data[2]);
}

static void
write_alpha (Rewrite *self, GByteArray *group)
{
  g_autoptr (GByteArray) more = g_byte_array_new ();
  g_autoptr (GByteArray) additions = g_byte_array_new ();
  EbmlReader *frames = &self->frames;
  guint32 size;

  if (frames->end - frames->at < 4) {
    self->wrong = TRUE;
    return;
  }
  memcpy (&size, frames->at, sizeof size);
  size = GUINT32_FROM_BE (size);
  frames->at += 4;
  if ((gsize) (frames->end - frames->at) < size) {
    self->wrong = TRUE;
    return;
  }
  ebml_write_uint (more, ID_ADD_ID, 1);
  ebml_write (more, ID_ADDITIONAL, frames->at, size);
  frames->at += size;
  ebml_write (additions, ID_MORE, more->data, more->len);
  ebml_write (group, ID_ADDITIONS, additions->data, additions->len);
}

/* A block in a group is a key frame if it refers to no other. */
static void
write_simple_block (
    Rewrite *self, GByteArray *to, const EbmlElement *block, gint64 cluster)
{
  g_autoptr (GByteArray) group = g_byte_array_new ();
  g_autofree guint8 *copy = g_memdup2 (block->data, block->size);
  gint64 time = block_time (block, cluster);
  gboolean key = (copy[3] & 0x80) != 0;

  copy[3] &= 0x0e; /* key and discardable exist in simple blocks only */
  ebml_write (group, ID_BLOCK, copy, block->size);
  write_alpha (self, group);
  if (!key)
    ebml_write_int (group, ID_REFERENCE, self->last - time);
  self->last = time;
  ebml_write (to, ID_BLOCK_GROUP, group->data, group->len);
}

static void
write_group (Rewrite *self, GByteArray *to, const EbmlElement *old,
    const EbmlElement *block, gint64 cluster)
{
  g_autoptr (GByteArray) group = g_byte_array_new ();

  g_byte_array_append (group, old->data, old->size);
  write_alpha (self, group);
  self->last = block_time (block, cluster);
  ebml_write (to, ID_BLOCK_GROUP, group->data, group->len);
}

static gboolean
rewrite_cluster (Rewrite *self, const EbmlElement *cluster, guint64 old)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  EbmlReader reader = ebml_enter (cluster);
  EbmlElement child, block;
  gint64 time = 0;

  while (ebml_read (&reader, &child)) {
    if (child.id == ID_TIMESTAMP)
      time = (gint64) ebml_get_uint (&child);
    if (child.id == ID_SIMPLE_BLOCK && is_video (self, &child))
      write_simple_block (self, content, &child, time);
    else if (child.id == ID_BLOCK_GROUP
        && ebml_find (ebml_enter (&child), ID_BLOCK, &block)
        && is_video (self, &block))
      write_group (self, content, &child, &block, time);
    else if (child.id != ID_POSITION && child.id != ID_PREV_SIZE)
      ebml_write (content, child.id, child.data, child.size);
  }
  g_hash_table_insert (self->clusters, GSIZE_TO_POINTER (old),
      GSIZE_TO_POINTER (position (self)));
  return put_new (self, ID_CLUSTER, content);
}

/* ---- cues and seek head ----------------------------------------------- */

static void
write_cue_positions (
    const Rewrite *self, GByteArray *to, const EbmlElement *positions)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  EbmlReader reader = ebml_enter (positions);
  EbmlElement child;

  while (ebml_read (&reader, &child)) {
    guint64 at = ebml_get_uint (&child);

    if (child.id == ID_CUE_CLUSTER)
      ebml_write_uint (content, ID_CUE_CLUSTER,
          GPOINTER_TO_SIZE (
              g_hash_table_lookup (self->clusters, GSIZE_TO_POINTER (at))));
    else if (child.id != ID_CUE_RELATIVE) /* blocks have moved in clusters */
      ebml_write (content, child.id, child.data, child.size);
  }
  ebml_write (to, ID_CUE_TRACK_POSITIONS, content->data, content->len);
}

static gboolean
rewrite_cues (Rewrite *self, const EbmlElement *cues)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  EbmlReader points = ebml_enter (cues);
  EbmlElement point, child;

  while (ebml_read (&points, &point)) {
    g_autoptr (GByteArray) cue = g_byte_array_new ();
    EbmlReader reader = ebml_enter (&point);

    while (ebml_read (&reader, &child)) {
      if (child.id == ID_CUE_TRACK_POSITIONS)
        write_cue_positions (self, cue, &child);
      else
        ebml_write (cue, child.id, child.data, child.size);
    }
    ebml_write (content, ID_CUE_POINT, cue->data, cue->len);
  }
  return put_new (self, ID_CUES, content);
}

static void
write_seek (GByteArray *to, guint32 id, guint64 at)
{
  g_autoptr (GByteArray) seek = g_byte_array_new ();
  g_autoptr (GByteArray) name = g_byte_array_new ();

  if (at == 0)
    return;
  ebml_write_id (name, id);
  ebml_write (seek, ID_SEEK_ID, name->data, name->len);
  ebml_write_uint (seek, ID_SEEK_POSITION, at);
  ebml_write (to, ID_SEEK, seek->data, seek->len);
}

/* Sets the segment's size and, in the room at its start, the seek head. */
static gboolean
finish_segment (Rewrite *self)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autoptr (GByteArray) seeks = g_byte_array_new ();
  guint8 nothing[SEEK_ROOM] = { 0 };

  ebml_write_size (all, position (self));
  write_seek (seeks, ID_INFO, self->info);
  write_seek (seeks, ID_TRACKS, self->tracks);
  write_seek (seeks, ID_CUES, self->cues);
  ebml_write (all, ID_SEEK_HEAD, seeks->data, seeks->len);
  /* 8 bytes of size before it, and 2 bytes of the void's own head. */
  ebml_write (all, ID_VOID, nothing, 8 + SEEK_ROOM - all->len - 2);
  return fseeko (self->out, (off_t) self->segment - 8, SEEK_SET) == 0
      && fwrite (all->data, 1, all->len, self->out) == all->len;
}

/* ---- the whole file --------------------------------------------------- */

static gboolean
rewrite_part (Rewrite *self, const EbmlElement *part, guint64 old)
{
  switch (part->id) {
    case ID_SEEK_HEAD:
    case ID_VOID:
      return TRUE;
    case ID_INFO:
      self->info = position (self);
      return put_element (self, part);
    case ID_TRACKS:
      self->tracks = position (self);
      return rewrite_tracks (self, part);
    case ID_CLUSTER:
      return rewrite_cluster (self, part, old);
    case ID_CUES:
      self->cues = position (self);
      return rewrite_cues (self, part);
    default:
      return put_element (self, part);
  }
}

static gboolean
rewrite (Rewrite *self, EbmlReader file)
{
  g_autoptr (GByteArray) head = g_byte_array_new ();
  guint8 room[SEEK_ROOM] = { 0 };
  EbmlElement element;
  EbmlReader reader;
  gboolean ok;

  if (!ebml_read (&file, &element) || element.id != ID_EBML) {
    self->wrong = TRUE;
    return TRUE;
  }
  ebml_write (head, ID_EBML, element.data, element.size);
  if (!ebml_read (&file, &element) || element.id != ID_SEGMENT) {
    self->wrong = TRUE;
    return TRUE;
  }
  ebml_write_id (head, ID_SEGMENT);
  ebml_write_size (head, 0);
  ok = put_array (self, head);
  self->segment = self->written;
  ok = ok && put (self, room, sizeof room);
  reader = ebml_enter (&element);
  while (ok) {
    guint64 old = (guint64) (reader.at - element.data);
    EbmlElement part;

    if (!ebml_read (&reader, &part))
      break;
    ok = rewrite_part (self, &part, old);
  }
  self->wrong = self->wrong || reader.at != reader.end
      || self->frames.at != self->frames.end;
  return ok && finish_segment (self);
}

static gboolean
write_file (BatchAlphaStore *self, GMappedFile *webm, GMappedFile *frames,
    const gchar *path, GError **error)
{
  const guint8 *data = (const guint8 *) g_mapped_file_get_contents (webm);
  const guint8 *alpha = (const guint8 *) g_mapped_file_get_contents (frames);
  Rewrite job = { .frames = { alpha,
                      alpha + g_mapped_file_get_length (frames) },
    .clusters = g_hash_table_new (NULL, NULL) };
  gboolean ok;

  job.out = g_fopen (path, "wbe");
  ok = job.out != NULL
      && rewrite (
          &job, (EbmlReader){ data, data + g_mapped_file_get_length (webm) });
  if (job.out != NULL && fclose (job.out) != 0)
    ok = FALSE;
  g_hash_table_unref (job.clusters);
  if (!ok)
    return batch_fail_errno (error, path);
  if (!job.wrong)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT,
      "%s: the muxer's file does not have a frame for each of %u frames of "
      "alpha",
      self->webm, self->n_frames);
  return FALSE;
}

gboolean
batch_alpha_store_finish (BatchAlphaStore *self, GError **error)
{
  g_autoptr (GMappedFile) webm = NULL, frames = NULL;
  g_autofree gchar *path = g_strconcat (self->webm, ".new", NULL);
  gboolean ok;

  if (fclose (self->file) != 0 && self->code == 0)
    self->code = errno;
  self->file = NULL;
  errno = self->code;
  if (self->code != 0)
    return batch_fail_errno (error, self->path);
  if (self->n_frames == 0) {
    g_unlink (self->path);
    return TRUE;
  }
  webm = g_mapped_file_new (self->webm, FALSE, error);
  frames = webm ? g_mapped_file_new (self->path, FALSE, error) : NULL;
  if (frames == NULL)
    return FALSE;
  ok = write_file (self, webm, frames, path, error);
  if (ok && g_rename (path, self->webm) != 0)
    ok = batch_fail_errno (error, self->webm);
  g_unlink (ok ? self->path : path);
  return ok;
}
