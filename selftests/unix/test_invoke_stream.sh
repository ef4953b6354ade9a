#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Answers that reach their callers as they are made, over Lambda's InvokeWithResponseStream, whose messages botocore
# reads, and over plain HTTP.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(free_port)
functions="plain hasty mortal unrestored"
unix_config() {
	local f
	printf '[ingress]\nlisten = 127.0.0.1:%s\n' "$port"
	for f in $functions; do
		printf '[function %s]\ntenant = test\ntimeout = %s\n' $f "$([ $f = hasty ] && echo 2s || echo 5m)"
		printf '[listen f-%s]\npath = %s/f-%s.sock\ntenant = test\nfunction = %s\n' $f "$work" $f $f
	done
}
unix_start
mkdir "$work/marks"
pids=()
for f in $functions; do
	FUNCTION=$f "$build/guest-lib/nexus-runtime" --target "unix:$work/f-$f.sock" --port "$(free_port)" --gateway 0 -- \
		/usr/bin/python3 "$top/selftests/unix/streamer.py" "$work/marks" 2>>"$work/runtime.log" &
	pids+=($!)
done
trap 'kill "${pids[@]}"; unix_cleanup' EXIT
tap_relay caller < <(/usr/bin/python3 "$top/selftests/unix/invoke_stream.py" "127.0.0.1:$port" "$work/marks" "$backend" \
	"$build/backend/nexusctl" --control "$work/control.sock" 2>&1)
unix_stop
tap_done
