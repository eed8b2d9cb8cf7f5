/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/densify.h"
#include "graph/ops/strided.h"

/* Sparse weights are stored as a tree: one level for each axis, and further
 * levels for axes inside of blocks. A level is dense, or lists for each parent
 * which of its children are there (the TACO format,
 * https://arxiv.org/abs/1703.06870). */

/* Fields of SparsityParameters and DimensionMetadata. */
enum { TRAVERSAL, BLOCK_MAP, LEVELS };
enum { FORMAT, DENSE_SIZE, SEGMENTS_TYPE, SEGMENTS, INDICES_TYPE, INDICES };

#define MAX_LEVELS (2 * UNET_MAX_DIMS)

/* Integers of one of three widths. */
typedef struct {
  UnetFlatVector vector;
  guint width; /* bytes */
} Numbers;

typedef struct {
  gboolean sparse;
  guint axis;   /* of the dense tensor */
  gint64 scale; /* steps along that axis for each step here */
  gint64 size;
  Numbers segments, indices;
} Level;

typedef struct {
  const UnetLitertTensor *tensor;
  Level levels[MAX_LEVELS];
  guint n_levels;
  gint64 strides[UNET_MAX_DIMS];
  gint64 index[UNET_MAX_DIMS];
  gsize *places;
  gsize n, count;
  gsize visits_left; /* a node for each element and level at most */
} Walk;

static gboolean
read_numbers (
    const UnetFlatTable *meta, guint type_field, guint field, Numbers *out)
{
  static const guint widths[] = { 0, 4, 2, 1 };
  const guint64 type = unet_flat_uint8 (meta, type_field, 0);
  UnetFlatTable table;

  if (type < 1 || type > 3 || !unet_flat_table (meta, field, &table))
    return FALSE;
  out->width = widths[type];
  unet_flat_vector (&table, 0, out->width, &out->vector);
  return TRUE;
}

static gint64
number_at (const Numbers *numbers, gsize i)
{
  if (numbers->width == 4)
    return unet_flat_int32_at (&numbers->vector, i);
  if (numbers->width == 2)
    return (gint64) unet_flat_uint16_at (&numbers->vector, i);
  return numbers->vector.flat->data[numbers->vector.at + i];
}

static gboolean
read_level (const UnetFlatTable *meta, Level *level)
{
  level->sparse = unet_flat_int8 (meta, FORMAT, 0) != 0;
  level->size = unet_flat_int32 (meta, DENSE_SIZE, 0);
  if (level->sparse)
    return read_numbers (meta, SEGMENTS_TYPE, SEGMENTS, &level->segments)
        && read_numbers (meta, INDICES_TYPE, INDICES, &level->indices);
  return level->size > 0;
}

/* Levels from the rank on are axes inside of blocks. */
static gboolean
read_levels (Walk *walk)
{
  const UnetFlatTable *sparsity = &walk->tensor->sparsity;
  const guint rank = walk->tensor->n_dims;
  UnetFlatVector traversal, blocks, metas;
  UnetFlatTable meta;
  guint mask = 0, block_mask = 0;

  unet_flat_vector (sparsity, TRAVERSAL, 4, &traversal);
  unet_flat_vector (sparsity, BLOCK_MAP, 4, &blocks);
  unet_flat_vector (sparsity, LEVELS, 4, &metas);
  if (traversal.n != metas.n || traversal.n != rank + blocks.n
      || traversal.n > MAX_LEVELS)
    return FALSE;
  walk->n_levels = (guint) traversal.n;
  for (guint i = 0; i < walk->n_levels; i++) {
    const gint64 axis = unet_flat_int32_at (&traversal, i);
    Level *level = &walk->levels[i];
    gint64 own = axis;

    if (axis < 0 || axis >= (gint64) walk->n_levels
        || !unet_flat_table_at (&metas, i, &meta) || !read_level (&meta, level))
      return FALSE;
    if (axis >= rank)
      own = unet_flat_int32_at (&blocks, (gsize) axis - rank);
    if (own < 0 || own >= rank || (mask & 1u << axis)
        || (axis >= rank && (block_mask & 1u << own)))
      return FALSE;
    mask |= 1u << axis;
    block_mask |= axis >= rank ? 1u << own : 0;
    level->axis = (guint) own;
    level->scale = 1;
  }
  /* An axis that has blocks steps by their size. */
  for (guint i = 0; i < walk->n_levels; i++)
    for (gsize b = 0; b < blocks.n; b++)
      if (unet_flat_int32_at (&traversal, i) < rank
          && unet_flat_int32_at (&blocks, b) == walk->levels[i].axis)
        for (guint k = 0; k < walk->n_levels; k++)
          if (unet_flat_int32_at (&traversal, k) == (gint64) (rank + b))
            walk->levels[i].scale = walk->levels[k].size;
  return TRUE;
}

static gboolean visit (Walk *walk, guint at, gsize parent);

static gboolean
visit_child (Walk *walk, guint at, gint64 index, gsize place)
{
  const Level *level = &walk->levels[at];
  gint64 *own = &walk->index[level->axis];
  const gint64 before = *own;
  gboolean ok;

  if (index < 0 || index > G_MAXINT32 || level->scale < 1
      || level->scale > G_MAXINT32)
    return FALSE;
  *own += index * level->scale;
  ok = *own < walk->tensor->dims[level->axis] && visit (walk, at + 1, place);
  *own = before;
  return ok;
}

static gboolean
visit_sparse (Walk *walk, guint at, gsize parent)
{
  const Level *level = &walk->levels[at];
  gint64 begin, end;

  if (parent + 1 >= level->segments.vector.n)
    return FALSE;
  begin = number_at (&level->segments, parent);
  end = number_at (&level->segments, parent + 1);
  if (begin < 0 || end < begin || (gsize) end > level->indices.vector.n)
    return FALSE;
  for (gint64 i = begin; i < end; i++)
    if (!visit_child (
            walk, at, number_at (&level->indices, (gsize) i), (gsize) i))
      return FALSE;
  return TRUE;
}

/* @parent: number of the node on the level above */
static gboolean
visit (Walk *walk, guint at, gsize parent)
{
  const Level *level = &walk->levels[at];
  gsize place = 0;

  if (walk->visits_left-- == 0)
    return FALSE;
  if (at == walk->n_levels) {
    for (guint i = 0; i < walk->tensor->n_dims; i++)
      place += (gsize) (walk->index[i] * walk->strides[i]);
    /* Leaves come in the order in which they are stored. */
    if (walk->n >= walk->count || parent != walk->n)
      return FALSE;
    walk->places[walk->n++] = place;
    return TRUE;
  }
  if (level->sparse)
    return visit_sparse (walk, at, parent);
  for (gint64 i = 0; i < level->size; i++)
    if (!visit_child (walk, at, i, parent * (gsize) level->size + (gsize) i))
      return FALSE;
  return TRUE;
}

gsize *
unet_litert_sparse_places (
    const UnetLitertTensor *tensor, gsize count, gsize *n)
{
  Walk walk = { tensor, .count = count };
  gboolean ok;

  unet_strides (tensor->n_dims, tensor->dims, walk.strides);
  walk.visits_left = (count + 1) * (MAX_LEVELS + 1);
  walk.places = g_try_new (gsize, MAX (count, 1));
  ok = walk.places && read_levels (&walk) && visit (&walk, 0, 0);
  if (!ok)
    g_clear_pointer (&walk.places, g_free);
  *n = walk.n;
  return walk.places;
}
