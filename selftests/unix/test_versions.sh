#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Versions of objects, and whatever else functions do with a store, against a second store: OpenStack Swift
# with its S3 interface. boto3 judges what is stored.
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
	NEXUS_AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY NEXUS_S3_URL

unix_config() {
	config_tenant present store good 'buckets = nexus-test' 'operations = s3:GetObject s3:PutObject s3:DeleteObject'
	config_endpoint parts "$NEXUS_S3_PORT" 'multipart_threshold = 5M' 'part_size = 5M'
	config_tenant parts parts good 'buckets = nexus-test' 'max_pinned = 64M'
	unix_listen present parts
}
unix_start
trap versions_cleanup EXIT

printf 'known' >"$work/known"
judge put seed/known "$work/known"
tap_relay cases < <(env PREFIX=versions BIG=16777216 TAP="$work/tap.sh" PATH="$work/bin:$PATH" \
	NEXUS_TARGET="unix:$work/test.sock" setpriv --reuid 65534 --regid 65534 --clear-groups sh "$work/cases.sh")
WORK=$work BUILD=$build NX=$work/bin/nx /usr/bin/python3 "$top/selftests/unix/versions.py" >"$work/versions.tap" 2>&1
tap_relay versions <"$work/versions.tap"
sed -n "/^[^on1#]/s/^/# /p" "$work/versions.tap"
unix_stop
tap_done
