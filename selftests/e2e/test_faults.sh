#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Stores that misbehave, as guests see them: clear errors, and all else goes on.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"

host_start
config_write
backend_start || tap_ok 1 "the daemon starts"
for fault in wrong hang cut down; do
	guest_start e2e $fault < <(
		echo "export FAULT=$fault TAP=/tap.sh"
		cat "$top/selftests/e2e/faults.sh"
	)
	guest_wait e2e --timeout 120
	guest_tap e2e
done
kill -0 "$backend"
tap_ok $? "the daemon runs through it all"
host_stop
tap_done
