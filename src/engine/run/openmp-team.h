/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the OpenMP workers wait between parallel regions.
 *
 * libgomp's workers spin for a while after each region, which makes short
 * regions fast on an idle machine. Next to other busy threads spinning is slow:
 * a spinning thread keeps the processor from the thread that it waits for.
 * Between the frames of a live stream it only burns time. libgomp reads its
 * environment once, when it is loaded, but its waits are short while it manages
 * more threads than there are processors. So one parked thread with a team of
 * its own makes all waits of the process short. It ends while a session runs
 * without gaps on a machine that has nothing else to do. */

#include <glib.h>

G_BEGIN_DECLS

/* The waits that one session of more than one thread wants. */
typedef struct _UnetOpenmpTeam UnetOpenmpTeam;

UnetOpenmpTeam *unet_openmp_team_new (void);

/* Frees @team (nullable). */
void unet_openmp_team_free (UnetOpenmpTeam *team);

/* Call these before and after each run, in the thread that runs it. */
void unet_openmp_team_begin (UnetOpenmpTeam *team);
void unet_openmp_team_end (UnetOpenmpTeam *team);

G_END_DECLS
