#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Invocations whose microVMs are killed at random: 16 of them, with FULL=1 1,000.
. "$(dirname "$0")/invoke/lib.sh"

descriptors() { ls /proc/$backend/fd | wc -l; }
as_before() { [ "$(descriptors)" -le "$before" ]; }

invoke_start 8
invoke_function shaky shell 'concurrency = 4'
backend_start
tap_ok $? "the daemon starts"
snapshot shaky
before=$(descriptors)
sum=$(cksum <$state/snapshots/shaky/ram)
tap_relay callers < <(PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$top/selftests/e2e/invoke/killed.py" $url \
	"$build/backend/nexusctl" --control $state/control.sock 2>&1)
nexusctl function stop shaky >/dev/null
until_true 60 none_left shaky
# The sweep of HTTP connections and of VMs may take its time.
until_true 60 as_before
tap_ok $? "the daemon holds as many descriptors as before ($before, $(descriptors))"
tap_is "$(cksum <$state/snapshots/shaky/ram)" "$sum" "the snapshot is unchanged"
invoke_stop shaky
