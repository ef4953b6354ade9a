#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A call that the shim lacks is the genuine boto3's, through the host, if it is there; else an error that names it.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"
. "$top/selftests/python/lib.sh"

logs=$(mktemp -d /tmp/nexus-fallback.XXXXXX)
trap 'kill $services 2>/dev/null; rm -rf "$logs"' EXIT
services_start "$logs" || tap_ok 1 "the services start"
unix_config() {
	services_config "$work"
}
unix_start
trap 'unix_cleanup; kill $services; rm -rf "$logs"' EXIT
export NEXUS_TARGET=unix:$work/python.sock PYTHONPATH=$build/guest-lib/python AWS_DEFAULT_REGION=us-east-1
tap_relay fallback < <(/usr/bin/python3 "$top/selftests/python/fallback.py" with 2>&1)
# -S: nothing but the shim and the standard library.
tap_relay fallback < <(/usr/bin/python3 -S "$top/selftests/python/fallback.py" without 2>&1)
tap_done
