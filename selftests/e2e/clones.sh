# SPDX-License-Identifier: GPL-2.0-only
# A function whose microVMs are cloned, and what its callers and its timeline say.
# shellcheck shell=bash

port=8080

# clones_configure NAME WINDOW [LINE...]: function NAME of clone.c, with clone_memory; and where callers reach it.
clones_configure() {
	local dir=$state/root-$1
	grep -q '^\[ingress\]' $state/config/nexus.conf ||
		printf '[ingress]\nlisten = 127.0.0.1:%s\n' $port >>$state/config/nexus.conf
	mkdir -p "$dir/usr/bin" "$dir/etc"
	cp "$build/selftests/e2e/clone" "$dir/usr/bin/"
	printf '%s\n' --uid 1000 -- /usr/bin/clone "$2" >"$dir/etc/nexus-init.args"
	(cd "$dir" && find . -mindepth 1 | cpio --quiet -o -H newc) >"$dir.cpio"
	cat "$build/guest.cpio" "$dir.cpio" >"$dir.image"
	function_config "$1" "$dir.image" "memory = ${clone_memory:-96M}" 'timeout = 60s' 'start_timeout = 120s' "${@:3}"
}

# clones_snapshot NAME
clones_snapshot() {
	timeout 200 "$build/backend/nexusctl" --control $state/control.sock function snapshot "$1"
}

# invoke NAME KEY [MEMBER,]: the answer of one invocation.
invoke() {
	curl -s -m "${invoke_limit:-200}" -H "Nexus-Prefetch: s3://nexus-test/$2" -H 'Content-Type: application/json' \
		-d "{${3:-}\"key\":\"$2\"}" "http://127.0.0.1:$port/function/$1"
	echo
}

# field NAME: of the JSON on standard input.
field() { sed -n "s/.*\"$1\":\"\?\([^,\"}]*\).*/\1/p"; }

# members NAME instances|pool FIELD: of each microVM in that list, one a line.
members() {
	nexusctl function show "$1" | awk -F'[:,]' -v list="\"$2\"" -v field="\"$3\"" '
		/"[a-z]*": \[/ { within = index($0, list) }
		within && index($0, field ":") { gsub(/[ "]/, "", $2); print $2 }'
}
instances() { members "$1" instances pid | grep -c .; }
pool() { members "$1" pool state | grep -c pooled; }
has_instances() { [ "$(instances "$1")" = "$2" ]; }
has_pool() { [ "$(pool "$1")" = "$2" ]; }
gone() { for pid; do [ ! -d "/proc/$pid" ] || return 1; done; }

# timeline NAME EXPRESSION...: the value of each, of t, the last invocation: s its start, m its moments, f its fetches.
timeline() {
	nexusctl --json function timeline "$1" | /usr/bin/python3 -SEc 'import json, sys
t = json.load(sys.stdin)[-1]
s, m, f = t.get("start", {}), t["moments"], t["fetches"]
for e in sys.argv[1:]:
    print(eval(e))' "${@:2}"
}
# kept NAME COUNT: so many invocations are over, by its timeline.
kept() { [ "$(nexusctl --json function timeline "$1" | grep -o '"moments"' | wc -l)" -ge "$2" ]; }

# stop NAME: its instances, until they are gone.
stop() {
	nexusctl function stop "$1" >/dev/null
	until_true 60 has_instances "$1" 0
}
