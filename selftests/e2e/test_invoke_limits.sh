#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Many callers at once: of a function that may have a microVM for each (20), then twenty of one whose
# concurrency is four, and of one for which the daemon has room for four.
. "$(dirname "$0")/invoke/lib.sh"

[ "${FULL:-}" ] || tap_skip_all "FULL=1 runs it: 28 microVMs take their time in an emulated host"
clones=20
invoke_start $((clones + 4))
invoke_function many shell "concurrency = $clones"
sed -i 's/^keep_alive = .*/keep_alive = 2h/' $state/config/functions.d/many.conf
invoke_function few shell 'concurrency = 4'
invoke_function queued shell 'concurrency = 20'
backend_start
tap_ok $? "the daemon starts"
snapshot_shared many few queued
invoke_callers boto3 limits.py $clones "$build/backend/nexusctl" --control $state/control.sock
invoke_stop many few queued
