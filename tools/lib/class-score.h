/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Counts of the pixels of each class, found and true. */

#include "lib/json.h"

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* The number of a true mask that counts for no class. */
#define TOOL_CLASS_UNKNOWN 255

typedef struct _ToolClassScore ToolClassScore;

ToolClassScore *tool_class_score_new (void);
/* @self: (nullable) */
void tool_class_score_free (ToolClassScore *self);

/* Counts @n pixels: @found has classes of the mask and @truth numbers of the
 * model's channels. */
void tool_class_score_add (ToolClassScore *self, const guint8 *found,
    const guint8 *truth, gsize n, const UnetContract *contract);

/* Prints the mean IoU of the classes that the truth has, the share of wrong
 * pixels, and the IoU of each. */
void tool_class_score_print (
    const ToolClassScore *self, const UnetContract *contract);
/* Adds the same to the object at hand. */
void tool_class_score_add_json (const ToolClassScore *self,
    JsonBuilder *builder, const UnetContract *contract);

G_END_DECLS
