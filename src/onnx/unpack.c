/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/unpack.h"
#include <unetseg/unet-types.h>
#include <stdlib.h>
#include <string.h>

/* protobuf-c recurses into nested messages without a limit and allocates a
 * structure of a hundred bytes for a message that takes two in the file. So
 * the wire format is walked first, for depth and soundness
 * (https://protobuf.dev/programming-guides/encoding/), and memory is counted
 * while unpacking. */

#define MAX_DEPTH       48
#define SPARE_MEMORY    (64u << 20)
#define MEMORY_PER_BYTE 4

typedef struct {
  const guint8 *at, *end;
} Cursor;

static gboolean
read_varint (Cursor *cursor, guint64 *value)
{
  *value = 0;
  for (guint shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
    guint8 byte = *cursor->at++;
    *value |= (guint64) (byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return TRUE;
  }
  return FALSE;
}

static gboolean
skip (Cursor *cursor, guint64 n)
{
  if (n > (guint64) (cursor->end - cursor->at))
    return FALSE;
  cursor->at += n;
  return TRUE;
}

static gboolean scan_message (
    Cursor cursor, const ProtobufCMessageDescriptor *descriptor, guint depth);

static gboolean
scan_field (
    Cursor *cursor, const ProtobufCMessageDescriptor *descriptor, guint depth)
{
  const ProtobufCFieldDescriptor *field;
  const guint8 *start;
  guint64 tag, length;

  if (!read_varint (cursor, &tag) || tag >> 3 == 0 || tag > G_MAXUINT32)
    return FALSE;
  switch (tag & 7) {
    case 0:
      return read_varint (cursor, &length);
    case 1:
      return skip (cursor, 8);
    case 5:
      return skip (cursor, 4);
    case 2:
      break;
    default:
      return FALSE;
  }
  if (!read_varint (cursor, &length))
    return FALSE;
  start = cursor->at;
  if (!skip (cursor, length))
    return FALSE;
  field =
      protobuf_c_message_descriptor_get_field (descriptor, (guint) (tag >> 3));
  if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE)
    return TRUE;
  return scan_message (
      (Cursor){ start, cursor->at }, field->descriptor, depth + 1);
}

static gboolean
scan_message (
    Cursor cursor, const ProtobufCMessageDescriptor *descriptor, guint depth)
{
  if (depth > MAX_DEPTH)
    return FALSE;
  while (cursor.at < cursor.end)
    if (!scan_field (&cursor, descriptor, depth))
      return FALSE;
  return TRUE;
}

typedef struct {
  gsize left;
  gboolean exceeded;
} Budget;

static void *
budget_alloc (void *data, size_t size)
{
  Budget *budget = data;

  if (size > budget->left) {
    budget->exceeded = TRUE;
    return NULL;
  }
  budget->left -= size;
  return malloc (size);
}

static void
budget_free (void *data, void *pointer)
{
  free (pointer);
}

/* Files that downloads leave in place of a model. */
static const struct {
  const gchar *start, *what;
} impostors[] = {
  { "version https://git-lfs.github.com/spec/",
      "a Git LFS pointer, not the model itself; 'git lfs pull' in its "
      "repository fetches the model" },
  { "<!DOCTYPE", "a web page, not a model; download the file itself" },
  { "<!doctype", "a web page, not a model; download the file itself" },
  { "<html", "a web page, not a model; download the file itself" },
};

/* Returns what a file is that is no model. */
static const gchar *
name_impostor (const guint8 *data, gsize size)
{
  for (guint i = 0; i < G_N_ELEMENTS (impostors); i++) {
    const gsize n = strlen (impostors[i].start);

    if (size >= n && !memcmp (data, impostors[i].start, n))
      return impostors[i].what;
  }
  return "not an ONNX model, or cut short";
}

Onnx__ModelProto *
unet_onnx_unpack (GBytes *bytes, const gchar *name, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  Budget budget = { SPARE_MEMORY, FALSE };
  ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };
  Onnx__ModelProto *model;

  if (size == 0) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE, "%s: empty file", name);
    return NULL;
  }
  if (!scan_message (
          (Cursor){ data, data + size }, &onnx__model_proto__descriptor, 0)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE, "%s: %s", name,
        name_impostor (data, size));
    return NULL;
  }
  budget.left += MIN (size, (G_MAXSIZE - SPARE_MEMORY) / MEMORY_PER_BYTE)
      * MEMORY_PER_BYTE;
  model = onnx__model_proto__unpack (&allocator, size, data);
  if (!model && budget.exceeded)
    g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
        "%s: unpacks to more than %d times its size", name, MEMORY_PER_BYTE);
  else if (!model)
    g_set_error (
        error, UNET_ERROR, UNET_ERROR_PARSE, "%s: not an ONNX model", name);
  return model;
}
