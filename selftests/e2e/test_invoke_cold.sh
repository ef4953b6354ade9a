#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The same functions as clones of snapshots; Debian's boto3 runs all the tests of the gateway in its guest.
. "$(dirname "$0")/invoke/lib.sh"

[ "${FULL:-}" ] || tap_skip_all "FULL=1 runs it: a snapshot of Debian's boto3 takes its time in an emulated host"
clients_configure
# For all of the gateway's tests (unix/invoke_gateway).
invoke_function echo shell 'concurrency = 1'
sed -i '/^\[tenant test\]/a http_hosts = 127.0.0.1:8081\nhttp_networks = 127.0.0.0/8' $state/config/nexus.conf
mkdir $state/web
echo "over plain HTTP" >$state/web/hello.txt
(cd $state/web && exec /usr/bin/python3 -m http.server --bind 127.0.0.1 8081) >/dev/null 2>&1 &
web=$!
backend_start
tap_ok $? "the daemon starts"
snapshot shell python
invoke_callers boto3 clients.py cloned "$build/backend/nexusctl" --control $state/control.sock
tap_is "$(curl -sS -m 280 -d '{"by":"curl"}' $url/function/shell)" '{"by":"curl"}' "curl: a clone answers"
kill $web
invoke_stop shell python echo
