/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The input of one task and the choices for it. task.c fills it in; everything
 * else only reads it. */

#include "batch/item.h"
#include "batch/options.h"
#include "batch/probe.h"

G_BEGIN_DECLS

typedef struct {
  const BatchOptions *options;
  const BatchItem *item;
  BatchProbe probe;
  gchar *folder;     /* of the outputs while they are made */
  guint threads;     /* of an inference */
  gboolean rehearse; /* measure the speed, write nothing */
  gboolean seek;     /* to the segment, instead of decoding up to it */
} BatchSetup;

G_END_DECLS
