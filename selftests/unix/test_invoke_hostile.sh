#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Callers that break HTTP, are slow, leave early, or are too many; then the daemon's end while one waits for his answer.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(free_port)
connections=12
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\nmax_connections = %s\nidle_timeout = 5s\n' "$port" $connections
	printf '[function echo]\ntenant = test\ntimeout = 5m\nstart_timeout = 2m\n'
	printf '[function held]\ntenant = test\ntimeout = 5m\nstart_timeout = 2m\nconcurrency = 2\n'
	printf '[listen f-%s]\npath = %s/%s.sock\ntenant = test\nfunction = %s\n' echo "$work" echo echo held "$work" held held
	sed -i 's/^\[backend\]/&\nmax_invocations = 3/' "$work/config/nexus.conf"
}
unix_start
mkdir "$work/marks"
pids=()
for f in echo held held; do
	"$build/guest-lib/nexus-runtime" --target "unix:$work/$f.sock" --port "$(free_port)" --gateway 0 -- \
		"$top/selftests/unix/runtime.sh" "$work/marks" 2>>"$work/runtime.log" &
	pids+=($!)
done
trap 'kill "${pids[@]}"; unix_cleanup' EXIT
for idle in 'echo 1' 'held 2'; do
	until nexusctl function show "${idle% *}" | grep -q "\"idle\": ${idle#* }"; do sleep 0.05; done
done
before=$(ls /proc/$backend/fd | wc -l)
tap_relay caller < <(/usr/bin/python3 "$top/selftests/unix/invoke_hostile.py" "127.0.0.1:$port" $connections "$work/marks" \
	"$build/backend/nexusctl" --control "$work/control.sock" 2>&1)
for _ in $(seq 600); do
	after=$(ls /proc/$backend/fd | wc -l)
	[ "$after" -le "$before" ] && break
	sleep 0.1
done
tap_ok $((after > before)) "no connection is left ($before descriptors before, $after after)"

# ---- the daemon's end ----

running() { nexusctl function show echo | sed -n 's/.*"running": \([0-9]*\).*/\1/p'; }
url=http://127.0.0.1:$port
curl -sS -o "$work/answer" -w '%{http_code}' -d '"hold end"' "$url/function/echo" >"$work/status" &
caller=$!
until [ "$(running)" = 1 ]; do sleep 0.05; done
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n' >&3
read -r -t 60 line <&3
tap_has "$line" "200" "it is ready"
while read -r -t 60 line <&3 && [ "${line:0:5}" != ready ]; do :; done
kill $backend
until grep -q 'finishes what is under way' "$work/backend.log"; do sleep 0.05; done
printf 'GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n' >&3
read -r -t 60 line <&3
tap_has "$line" "503" "as it ends it says that it is not, to who is connected"
curl -sS -o /dev/null "$url/healthz" 2>/dev/null
tap_is $? 7 "takes no new callers"
touch "$work/marks/end"
wait $caller
tap_is "$(cat "$work/status" "$work/answer")" '200"held"' "and finishes the invocation that is under way"
wait $backend
tap_is $? 0 "then it ends well"
exec 3>&-
tap_done
