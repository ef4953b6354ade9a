#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a function's time line says of invocations, here of instances that somebody else started.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\n[function f]\ntenant = test\ntimeout = 60s\n' "$port"
	printf '[listen f]\npath = %s/f.sock\nmode = 0666\ntenant = test\nfunction = f\n' "$work"
}

# invoke KEY [MEMBER,]: one more is over, and in the time line.
count=0
invoke() {
	curl -s -m 60 -H "Nexus-Prefetch: s3://nexus-test/$1" -d "{${2:-}\"key\":\"$1\"}" "http://127.0.0.1:$port/function/f" >/dev/null
	count=$((count + 1))
}
# timeline EXPRESSION...: the value of each, of all, a, and the last, t: m its moments, f its first fetch.
timeline() {
	nexusctl --json function timeline f | /usr/bin/python3 -c 'import json, sys
a = json.load(sys.stdin)
t = a[-1] if a else {"moments": {}, "fetches": []}
m, f = t["moments"], (t["fetches"] + [{}])[0]
for e in sys.argv[1:]:
    print(eval(e))' "$@"
}
# An answer reaches its caller before the last of the daemon lets go of the invocation.
kept() {
	for _ in $(seq 600); do
		[ "$(nexusctl --json function timeline f | grep -o '"moments"' | wc -l)" = "$1" ] && return 0
		sleep 0.1
	done
	return 1
}
order='all(m[x] <= m[y] for x, y in zip(names, names[1:])) if (names := ["accepted", "taken", "first_request", "responded", "durable", "ended"]) else 0'

unix_start
tap_is "$(timeline 'len(a)')" 0 "no invocation, no time line"
NEXUS_TARGET="unix:$work/f.sock" "$build/selftests/unix/instance" 2>>"$work/runtime.log" &
instance=$!
invoke seed/known
kept 1
tap_ok $? "an invocation is kept"
tap_is "$(timeline 't["cold"]' 't["end"]' 't["vm"]' "$order" | xargs)" "False answered 0 True" "warm, answered, its moments in order"
tap_is "$(timeline 'f["object"]' 'f["bytes"]' 'f["status"]' 'm["taken"] <= f["started"] <= f["finished"] <= m["ended"]' | xargs)" \
	"nexus-test/seed/known 5 0 True" "with the object that was fetched for it"
tap_has "$(nexusctl function timeline f)" "nexus-test/seed/known: 5 bytes" "and in words"
invoke seed/none
kept 2
tap_is "$(timeline 'f["status"] < 0' 'f["bytes"]' | xargs)" "True 0" "an object that is not there was fetched in vain"
invoke timeline/written '"write":1,'
kept 3
tap_is "$(timeline "$order" 'm["durable"] > m["responded"]' | xargs)" "True True" "its write was durable after it had answered"
for _ in $(seq 15); do invoke seed/known; done
kept 16
tap_is "$(timeline 'len({x["id"] for x in a})')" 16 "the last 16 of 18 are kept"
kill $instance
unix_stop
tap_done
