#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Names in lists, of stores that encode them, or do not, or say so late.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
work=$(mktemp -d /tmp/nexus-lists.XXXXXX)
trap '"$top/selftests/store/store" stop --dir "$work/store" >/dev/null; rm -rf "$work"' EXIT
"$top/selftests/store/store" start --dir "$work/store" --bucket nexus-test 2>/dev/null || tap_skip_all "no store"
WORK=$work BUILD=$build /usr/bin/python3 "$top/selftests/unix/lists.py"
