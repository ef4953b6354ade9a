#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Large objects in parts, and what a function sees of a store that fails: over the unix transport, with a
# store and fault proxies of this test's own. boto3 judges what is stored.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
work=$(mktemp -d /tmp/nexus-bulk.XXXXXX)
trap '"$top/selftests/store/store" stop --dir "$work/store" >/dev/null; rm -rf "$work"' EXIT
"$top/selftests/store/store" start --dir "$work/store" --bucket nexus-test 2>/dev/null || tap_skip_all "no store"
WORK=$work TOP=$top BUILD=$build /usr/bin/python3 "$top/selftests/unix/bulk.py"
