#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Services that the shim has no model of: names of operations, members of answers and pages, beside the genuine models.
# S3's rarer operations: requests and answers, beside the genuine ones.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"

tap_relay models < <(PYTHONPATH=$build/guest-lib/python timeout 250 /usr/bin/python3 "$top/selftests/python/models.py" 2>&1)
tap_relay rest < <(PYTHONPATH=$build/guest-lib/python timeout 250 /usr/bin/python3 "$top/selftests/python/rest.py" 2>&1)
tap_done
