/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the OpenMP workers wait between parallel regions.
 *
 * libgomp's workers spin for a while after each region, which makes short
 * regions fast on an idle machine. Next to other busy threads the same
 * spinning is ruinous: a thread that spins keeps from the processor the very
 * thread that it waits for. And between the frames of a live stream it burns
 * time for nothing. libgomp reads its environment once, when it is loaded;
 * what it also heeds is how many threads it manages: beyond the number of
 * processors its waits are short. So one parked thread with a team of its own
 * makes all waits of the process short, and is sent away while a session runs
 * back to back on a machine that has nothing else to do. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _UnetTeam UnetTeam;

/* One for each session of more than one thread. */
UnetTeam *unet_team_new (void);
void unet_team_free (UnetTeam *team);
/* Round each run, in the thread that runs it. */
void unet_team_begin (UnetTeam *team);
void unet_team_end (UnetTeam *team);
/* Are waits long at present? For tests and logs. */
gboolean unet_team_spins (void);

G_END_DECLS
