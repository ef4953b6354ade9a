#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The start queue: how many VMMs start at the same time, whose turn is next, and what becomes of one that nobody wants
# any more. The VMM here is a program that starts for ever, until it is killed.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

dir=$(mktemp -d)
printf '#!/bin/sh\nexec sleep 1000\n' >"$dir/vmm"
chmod 755 "$dir/vmm"
touch "$dir/kernel" "$dir/image"
port=$(free_port) metrics_port=$(free_port)
config_backend="metrics_listen = 127.0.0.1:$metrics_port
vmm = $dir/vmm
snapshot_dir = $dir/snapshots
max_starts = 2
"
# shellcheck disable=SC2317
unix_config() {
	local name
	printf '[ingress]\nlisten = 127.0.0.1:%s\n' "$port"
	for name in stuck:300s brief:1s; do
		printf '[function %s]\ntenant = test\nkernel = %s/kernel\nimage = %s/image\nconcurrency = 5\nstart_timeout = %s\n' \
			"${name%:*}" "$dir" "$dir" "${name#*:}"
	done
}
metric() { curl -s "http://127.0.0.1:$metrics_port/metrics" | sed -n "s/^nexus_$1 //p"; }
states() { nexusctl function show "$1" | sed -n 's/^ *"state": "\(.*\)",/\1/p' | sort | uniq -c | xargs; }
vmms() { pgrep -P $backend | wc -l; }
until_is() { for _ in $(seq 600); do [ "$("${@:2}")" = "$1" ] && return; sleep 0.1; done; return 1; }
call() { curl -s -m 300 -o "$dir/$2" -w '%{http_code}' -d '{}' "http://127.0.0.1:$port/function/$1" >"$dir/$2.status" & }

unix_start
for i in 1 2 3 4 5; do call stuck $i; done
until_is "3 queued 2 starting" states stuck
tap_ok $? "five callers at once, max_starts = 2: two VMMs start, three microVMs wait for their turn"
tap_is "$(vmms)" 2 "there are two processes"
tap_is "$(metric vmms_starting) $(metric vmm_starts_waiting) $(metric vmm_starts_total)" "2 3 2" "and the metrics say so"

call brief brief
until_is "1 queued" states brief
tap_ok $? "another function's waits behind them"
until_is 502 cat "$dir/brief.status"
tap_ok $? "its caller hears after start_timeout that there was none"

victim=$(pgrep -P $backend | head -n 1)
kill -9 "$victim"
until_is 3 metric vmm_starts_total
tap_ok $? "when one of the two ends, the next one starts"
[ "$(vmms)" -le 2 ]
tap_ok $? "never more than two"
nexusctl function stop stuck >/dev/null
until_is "" states brief
tap_ok $? "the other function's turn comes"
grep -q "function brief, process 0, has ended: no event waits for it any more" "$work/backend.log"
tap_ok $? "and it is not started: its event is gone" || sed 's/^/# /' "$work/backend.log"
left=$(pgrep -P $backend)
unix_stop
wait
for pid in $left; do [ ! -d "/proc/$pid" ] || tap_ok 1 "VMM $pid has ended with the daemon"; done
rm -rf "$dir"
tap_done
