#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One program, twice: on Debian's genuine boto3 against the services, and on the shim through the daemon, which
# speaks to the same ones. What both saw has to be equal, or is listed in Documentation/python.rst.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"
. "$top/selftests/python/lib.sh"

parts=(sessions objects details bodies crowds lists transfers resources subresources dynamodb services web)
logs=$(mktemp -d /tmp/nexus-sdk.XXXXXX)
trap 'kill $services 2>/dev/null; rm -rf "$logs"' EXIT
services_start "$logs" || tap_ok 1 "the services start"

unix_config() {
	services_config "$work"
}
unix_start
trap 'unix_cleanup; kill $services; rm -rf "$logs"' EXIT

# Another spelling of 127.0.0.1: what is plainly this machine's own stays on sockets.
# Sets in the same order in both.
export PYTHONHASHSEED=0
export NEXUS_WEB_HOST=2130706433 NEXUS_TEST_ENDPOINT=$NEXUS_S3_URL NEXUS_TARGET=unix:$work/python.sock

for part in "${parts[@]}"; do
	timeout 600 /usr/bin/python3 "$top/selftests/python/program.py" "$part" >>"$logs/genuine" 2>"$logs/error" || {
		tap_ok 1 "$part runs to its end on the genuine SDK"
		sed 's/^/# /' "$logs/error"
	}
	PYTHONPATH=$build/guest-lib/python timeout 600 /usr/bin/python3 "$top/selftests/python/program.py" "$part" \
		>>"$logs/shim" 2>"$logs/error" || {
		tap_ok 1 "$part runs to its end on the shim"
		sed 's/^/# /' "$logs/error"
	}
done
tap_relay sdk < <(/usr/bin/python3 "$top/selftests/python/compare.py" "$logs/genuine" "$logs/shim" \
	"$top/Documentation/python.rst")
tap_done
