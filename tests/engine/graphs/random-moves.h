/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Adds random operators that move elements, and Softmax. Each reads values of
 * the pool and adds its result to it. */

#include "engine/graphs/graph-builder.h"

void random_concat (UnetTestGraph *b);
void random_concat_other (UnetTestGraph *b);
void random_split (UnetTestGraph *b);
void random_slice (UnetTestGraph *b);
void random_pad (UnetTestGraph *b);
void random_transpose (UnetTestGraph *b);
void random_resize (UnetTestGraph *b);
void random_softmax (UnetTestGraph *b);
void random_reshape (UnetTestGraph *b);
void random_identity (UnetTestGraph *b);
