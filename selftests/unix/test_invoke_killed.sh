#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Invocations whose instances are killed at random: 120 of them, with FULL=1 1000.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\n[function shaky]\ntenant = test\ntimeout = 30s\nstart_timeout = 30s\nconcurrency = 50\n' "$port"
	printf '[listen shaky]\npath = %s/shaky.sock\ntenant = test\nfunction = shaky\n' "$work"
}
unix_start
before=$(ls /proc/$backend/fd | wc -l)
tap_relay callers < <(/usr/bin/python3 "$top/selftests/unix/killed.py" "http://127.0.0.1:$port" "$build/guest-lib/nexus-runtime" \
	"unix:$work/shaky.sock" "$top/selftests/unix/runtime.sh" "$work" "$build/backend/nexusctl" --control "$work/control.sock")
sleep 0.5
for _ in $(seq 50); do
	after=$(ls /proc/$backend/fd | wc -l)
	[ "$after" -le $((before + 2)) ] && break
	sleep 0.1
done
[ "$after" -le $((before + 2)) ]
tap_ok $? "the daemon holds as many descriptors as before ($before, $after)"
unix_stop
tap_done
