#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kill -9 of the daemon under instances that wait, and under one that works: they are served on by the next daemon.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(free_port)
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\n' "$port"
	for f in waits works; do
		printf '[function %s]\ntenant = test\ntimeout = 20s\n[listen f-%s]\npath = %s/f-%s.sock\ntenant = test\nfunction = %s\n' \
			$f $f "$work" $f $f
	done
}
unix_start
pids=()
for f in waits works; do
	"$build/guest-lib/nexus-runtime" --target "unix:$work/f-$f.sock" --port "$(free_port)" --gateway 0 -- \
		"$top/selftests/unix/runtime.sh" "$work" 2>>"$work/runtime.log" &
	pids+=($!)
done
trap 'kill "${pids[@]}"; unix_cleanup' EXIT

invoke() { curl -sS -m 30 -o "$work/answer" -w '%{http_code}' -d "$2" "http://127.0.0.1:$port/2015-03-31/functions/$1/invocations"; }

# daemon_next: kill the daemon, and start another.
daemon_next() {
	kill -9 $backend
	wait $backend 2>/dev/null
	"$build/backend/nexus-backend" --config "$work/config" 2>>"$work/backend.log" &
	backend=$!
	for _ in $(seq 100); do
		nexusctl version >/dev/null 2>&1 && return
		sleep 0.05
	done
}

tap_is "$(invoke waits '{"a":1}')" 200 "an event before"
for i in 1 2 3; do
	daemon_next
	tap_is "$(invoke waits "{\"n\":$i}") $(cat "$work/answer")" "200 {\"n\":$i}" "an instance that waited takes the next daemon's event ($i)"
done

# In the middle of an event: the caller's connection breaks; the answer, which nobody waits for, does no harm.
invoke works '"sleep"' >"$work/code" 2>/dev/null &
caller=$!
sleep 0.2
daemon_next
wait $caller
tap_is "$(cat "$work/code")" 000 "a caller whose daemon dies loses his connection"
tap_is "$(invoke works '{"b":2}') $(cat "$work/answer")" '200 {"b":2}' "the instance that worked for him takes the next event"
kill -0 "${pids[@]}"
tap_ok $? "both are the processes that they were"
unix_stop
tap_done
