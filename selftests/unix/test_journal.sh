#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The journal after a crash at any byte: files cut off or with a flipped bit at every kind of place are
# given to a new daemon. Records that are whole reach the store, the others do not.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
work=$(mktemp -d /tmp/nexus-journal.XXXXXX)
trap '"$top/selftests/store/store" stop --dir "$work/store" >/dev/null; rm -rf "$work"' EXIT
"$top/selftests/store/store" start --dir "$work/store" --bucket nexus-test 2>/dev/null || tap_skip_all "no store"
WORK=$work BUILD=$build /usr/bin/python3 "$top/selftests/unix/journal.py"
