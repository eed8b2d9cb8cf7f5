/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --jobs auto: the number of files at a time and the threads of each. */

#include "batch/jobs.h"

G_BEGIN_DECLS

/* Sets jobs->n and jobs->threads, and pins the threads in the plan, or takes
 * those that the plan has. May run parts of the inputs for seconds to measure
 * the speed. */
gboolean batch_job_split_choose (BatchJobs *jobs, GError **error);

G_END_DECLS
