#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kill -9 of the daemon at random moments under a mixed load, 8 times (FULL=1: 200). Every
# acknowledged write must be in the store as its mode promised, and no reader may see a key go backwards.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
work=$(mktemp -d /tmp/nexus-crash.XXXXXX)
trap '"$top/selftests/store/store" stop --dir "$work/store" >/dev/null; rm -rf "$work"' EXIT
"$top/selftests/store/store" start --dir "$work/store" --bucket nexus-test 2>/dev/null || tap_skip_all "no store"
WORK=$work BUILD=$build KILLS=${KILLS:-${FULL:+200}} /usr/bin/python3 "$top/selftests/unix/crash.py"
