/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/pull-wrap.h"

typedef struct {
  GstPadGetRangeFunction before;
  UnetPullFunction function;
  gpointer data;
  GDestroyNotify free_data; /* (nullable) */
} Wrap;

static void
wrap_free (gpointer user_data)
{
  Wrap *wrap = user_data;

  if (wrap->free_data != NULL)
    wrap->free_data (wrap->data);
  g_free (wrap);
}

static GstFlowReturn
pull (GstPad *pad, GstObject *parent, guint64 offset, guint length,
    GstBuffer **buffer)
{
  const Wrap *wrap = pad->getrangedata;

  return wrap->function (pad, parent, offset, length, buffer, wrap->data);
}

void
unet_pull_wrap (GstPad *pad, UnetPullFunction function, gpointer data,
    GDestroyNotify free_data)
{
  Wrap *wrap;

  /* The functions of elements do without data of their own. */
  if (GST_PAD_GETRANGEFUNC (pad) == NULL || pad->getrangedata != NULL) {
    if (free_data != NULL)
      free_data (data);
    return;
  }
  wrap = g_new (Wrap, 1);
  *wrap = (Wrap){ GST_PAD_GETRANGEFUNC (pad), function, data, free_data };
  gst_pad_set_getrange_function_full (pad, pull, wrap, wrap_free);
}

GstFlowReturn
unet_pull_pass (GstPad *pad, GstObject *parent, guint64 offset, guint length,
    GstBuffer **buffer)
{
  const Wrap *wrap = pad->getrangedata;

  return wrap->before (pad, parent, offset, length, buffer);
}
