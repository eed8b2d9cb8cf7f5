#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sbatch --array=1-N pipelines/cluster/slurm.sh OUT INPUT… [-- OPTION…]
#
# A batch as a Slurm job array: task K of the array does shard K of N. OUT and
# the inputs lie on a file system that all nodes see. A task whose node dies,
# or that is killed, is put into the queue again and goes on where it was.
#
#   job=$(sbatch --parsable --array=1-8 slurm.sh out tapes -- --segment 60)
#   sbatch --dependency=afterany:"$job" --wrap "unetseg join out"
#SBATCH --job-name=unetseg
#SBATCH --requeue
#SBATCH --open-mode=append
set -uo pipefail

out=$1
shift
inputs=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  inputs+=("$1")
  shift
done
[ $# -eq 0 ] || shift

# Which processors are ours is known from the affinity that Slurm has set.
"${UNETSEG:-unetseg}" batch "${inputs[@]}" -o "$out" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" "$@"
status=$?

# 1: some recordings are bad, and named; trying again would not help. Killed,
# or stopped from outside: somebody else goes on.
case $status in
  0 | 1 | 2 | 3) exit "$status" ;;
  *) scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" || exit "$status" ;;
esac
