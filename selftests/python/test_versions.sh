#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# S3's rarer operations against a store of another make, OpenStack Swift, which has parts, uploads and versions to tell of:
# what the genuine boto3 sees there has to be what the shim sees.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

/usr/bin/python3 -c 'import swift' 2>/dev/null || tap_skip_all "python3-swift is not installed: run selftests/setup"
state=$(mktemp -d /tmp/nexus-versions.XXXXXX)
"$top/selftests/store/versions" "$state/store" nexus-test 2>"$state/log" &
store=$!
versions_cleanup() {
	kill $store
	rm -rf "$state"
	[ -z "${work-}" ] || unix_cleanup
}
trap versions_cleanup EXIT
until [ -e "$state/store/env" ]; do
	kill -0 $store 2>/dev/null || { cat "$state/log"; tap_ok 1 "the store starts"; tap_done; }
	sleep 0.05
done
. "$state/store/env"
export NEXUS_S3_PORT=${NEXUS_S3_URL##*:} NEXUS_AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID \
	NEXUS_AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY NEXUS_S3_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

unix_config() {
	config_tenant python store good 'buckets = nexus-test nexus-none' 'operations = * s3:*' 'max_pinned = 64M'
	unix_listen python
}
unix_start
trap versions_cleanup EXIT

export PYTHONHASHSEED=0 NEXUS_TEST_ENDPOINT=$NEXUS_S3_URL NEXUS_TARGET=unix:$work/python.sock NEXUS_TEST_SIDE=swift
timeout 250 /usr/bin/python3 "$top/selftests/python/program.py" subresources >"$state/genuine" 2>"$state/error" || {
	tap_ok 1 "it runs to its end on the genuine SDK"
	sed 's/^/# /' "$state/error"
}
PYTHONPATH=$build/guest-lib/python timeout 250 /usr/bin/python3 "$top/selftests/python/program.py" subresources \
	>"$state/shim" 2>"$state/error" || {
	tap_ok 1 "it runs to its end on the shim"
	sed 's/^/# /' "$state/error"
}
tap_relay swift < <(/usr/bin/python3 "$top/selftests/python/compare.py" "$state/genuine" "$state/shim" \
	"$top/Documentation/python.rst" swift)
unix_stop
tap_done
