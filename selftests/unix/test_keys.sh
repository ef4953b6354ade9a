#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Credentials and rules that change while the daemon runs: files, metadata services, reloads; against a
# store that checks signatures, over the unix transport.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
work=$(mktemp -d /tmp/nexus-keys.XXXXXX)
trap '"$top/selftests/store/store" stop --dir "$work/store" >/dev/null; rm -rf "$work"' EXIT
"$top/selftests/store/store" start --dir "$work/store" --bucket nexus-test 2>/dev/null || tap_skip_all "no store"
WORK=$work TOP=$top BUILD=$build /usr/bin/python3 "$top/selftests/unix/keys.py"
