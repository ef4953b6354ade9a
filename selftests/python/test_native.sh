#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The extension, counted copies, asyncio, errors of the host; and what a client weighs.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

unix_config() {
	config_tenant python store good 'buckets = nexus-test' 'max_pinned = 512M'
	unix_listen python
	# Nothing but Ctrl-C ends an upload to it.
	config_endpoint still "$NEXUS_FAULT_HANG" 'stall_timeout = 600s' 'max_attempts = 1'
	config_tenant still still good 'buckets = nexus-test' 'max_pinned = 512M'
	unix_listen still
}
unix_start
export NEXUS_TARGET=unix:$work/python.sock NEXUS_ARENA_MAX=160M
export NEXUSCTL=$build/backend/nexusctl NEXUS_CONTROL=$work/control.sock
tap_relay native < <(PYTHONPATH=$build/guest-lib/python /usr/bin/python3 -X faulthandler \
	"$top/selftests/python/native.py" "$work" 2>&1)

"$top/selftests/python/weigh" "$build/guest-lib/python" >"$work/weight"
sed 's/^/# /' "$work/weight"
awk '$1 == "boto3" && $2 == "ratio" { exit !($3 + 0 <= 0.1) }' "$work/weight"
tap_ok $? "a client takes a tenth of the genuine SDK's time at most"
awk '$1 == "boto3" && $2 == "shim" { exit !($4 + 0 <= 3072) }' "$work/weight"
tap_ok $? "and 3 MiB of memory at most"
awk '$1 == "grpc" && $2 == "ratio" { exit !($3 + 0 <= 0.1) }' "$work/weight"
tap_ok $? "a gRPC channel takes a tenth of the genuine package's time at most"
awk '$1 == "grpc" && $2 == "shim" { exit !($4 + 0 <= 2048) }' "$work/weight"
tap_ok $? "and 2 MiB of memory at most"
unix_stop
tap_done
