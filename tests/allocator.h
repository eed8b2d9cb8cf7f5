/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* malloc() and its kin for a whole test program, which can be told to refuse.
 * It counts what the library, the plugin and the program itself ask for in
 * large blocks; smaller ones are GLib's, which ends the
 * process where it cannot have them. What GStreamer and oneDNN ask for on their
 * own account is left alone: they cannot do without either. */

#include <glib.h>

/* Before anything else; not thread safe. @large: bytes of the smallest block
 * that is large. */
void test_allocator_init (gsize large);
/* From now on the block of number @index, from 0, is refused. */
void test_allocator_arm (gint index);
/* Returns whether there was one. */
gboolean test_allocator_disarm (void);
/* Large blocks in use, whoever asked for them. */
gint test_allocator_count (void);
