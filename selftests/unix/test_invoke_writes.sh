#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What functions write, and what their callers wait for, against a store of this test's own that is
# stopped and continued at will.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
work=$(mktemp -d /tmp/nexus-writes.XXXXXX)
trap '"$top/selftests/store/store" stop --dir "$work/store" >/dev/null; rm -rf "$work"' EXIT
"$top/selftests/store/store" start --dir "$work/store" --bucket nexus-test 2>/dev/null || tap_skip_all "no store"
WORK=$work TOP=$top BUILD=$build /usr/bin/python3 "$top/selftests/unix/invoke_writes.py"
