#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pipelines/cluster/parallel.sh HOSTS N OUT INPUT… [-- OPTION…]
#
# A batch in N shards over several machines by GNU parallel and ssh. HOSTS is
# parallel's list, such as `1/alpha,1/beta` (one shard at a time on each), or
# `1/:` for this machine alone. OUT and the inputs have the same paths on all
# of them. A shard whose worker dies is started again, on whichever machine is
# free, and goes on where it was.
set -euo pipefail

hosts=$1 n=$2 out=$3
shift 3
inputs=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  inputs+=("$(readlink -f "$1")")
  shift
done
[ $# -eq 0 ] || shift
mkdir -p "$out"
out=$(readlink -f "$out")

# Bad recordings (status 1) are named and no reason to try again. Words are
# quoted once for the shell there.
command=$(printf '%q ' "${UNETSEG:-unetseg}" batch "${inputs[@]}" -o "$out" "$@")
[ -z "${GST_PLUGIN_PATH:-}" ] ||
  command="GST_PLUGIN_PATH=$(printf %q "$GST_PLUGIN_PATH") $command"
parallel --sshlogin "$hosts" --retries 5 --line-buffer --tagstring 'shard {}' \
  "$command --shard {}/$n; status=\$?; [ \$status -le 1 ]" ::: $(seq "$n")
