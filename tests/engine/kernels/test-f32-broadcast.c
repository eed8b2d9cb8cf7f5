/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel of f32-broadcast.c, for each operation. */

#include "engine/kernels/f32-broadcast.h"
#include "f32-tensor.h"

static gfloat
combine (UnetBroadcastOp op, gfloat a, gfloat b)
{
  switch (op) {
    case UNET_BROADCAST_ADD:
      return a + b;
    case UNET_BROADCAST_SUB:
      return a - b;
    case UNET_BROADCAST_MUL:
      return a * b;
    default:
      return a / b;
  }
}

/* Returns the index in a tensor of @dims, of which some are 1, for the
 * element @i of a tensor of @whole. */
static gint64
find_index (guint n_dims, const gint64 *whole, const gint64 *dims, gint64 i)
{
  gint64 index = 0, stride = 1;

  for (guint k = n_dims; k-- > 0;) {
    if (dims[k] > 1)
      index += i % whole[k] * stride;
    i /= whole[k];
    stride *= dims[k];
  }
  return index;
}

START_TEST (test_broadcast)
{
  for (guint round = 0; round < rounds (); round++) {
    const guint n_dims = range (1, UNET_BROADCAST_MAX_DIMS);
    gint64 dims[UNET_BROADCAST_MAX_DIMS], other[UNET_BROADCAST_MAX_DIMS];
    UnetVec v = { 1, 1, 1, 1, 1, 1 }, w = v;
    gfloat *a, *b, *out, *wanted;
    UnetBroadcast p;

    for (guint i = 0; i < n_dims; i++) {
      dims[i] = range (1, round % 4 ? 9 : 20);
      other[i] = range (0, 1) ? dims[i] : 1;
      v.w *= dims[i];
      w.w *= other[i];
    }
    a = new_random (&v);
    b = new_random (&w);
    out = new_output (&v);
    wanted = g_new (gfloat, v.w);
    for (gint64 i = 0; i < v.w; i++)
      wanted[i] = combine (_i, a[i], b[find_index (n_dims, dims, other, i)]);
    unet_broadcast_init (&p, _i, n_dims, dims, other);
    unet_kernel_broadcast (&p, (gpointer[]){ a, b, out }, threads ());
    check_guard (out, &v);
    ck_assert_mem_eq (out, wanted, v.w * sizeof (gfloat));
    unet_kernel_broadcast (&p, (gpointer[]){ a, b, a }, threads ());
    ck_assert_mem_eq (a, wanted, v.w * sizeof (gfloat));
    g_free (a);
    g_free (b);
    g_free (out);
    g_free (wanted);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_broadcast (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_broadcast (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  /* the masks of shifted windows */
  const gint64 dims[] = { 4, 64, 3, 49, 49 }, other[] = { 1, 64, 1, 49, 49 };
  UnetVec v = { 1, 1, 1, 4 * 64 * 3 * 49 * 49, 1, 1 };
  gfloat *a = new_random (&v), *b = new_random (&v), *out = new_output (&v);
  UnetBroadcast p;

  unet_broadcast_init (&p, UNET_BROADCAST_ADD, 5, dims, other);
  bench ("4x64x3x49x49 and 64x1x49x49", NULL, run_broadcast,
      (gpointer[]){ &p, a, b, out });
  g_free (a);
  g_free (b);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_broadcast, 4 },
  };

  return kernel_test_main (
      argc, argv, "f32-broadcast", tests, G_N_ELEMENTS (tests), bench_all);
}
