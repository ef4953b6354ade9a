#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Objects fetched ahead of need: what they save, that none is ever stale, and what bounds them.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

slow_start() {
	"$top/selftests/store/fault-proxy" --to "$NEXUS_S3_PORT" --listen slow=2000 --ports-to "$1" >/dev/null &
	proxy=$!
	while [ ! -e "$1" ]; do sleep 0.05; done
	slow_port=$(cut -d' ' -f1 "$1")
}

unix_config() {
	config_endpoint slow "$slow_port"
	config_tenant slow slow good 'buckets = nexus-test'
	config_tenant few hang good 'buckets = nexus-test' 'max_in_flight = 8'
	unix_listen slow few
}

ports=$(mktemp -u)
slow_start "$ports"
unix_start
trap 'kill $proxy; rm -f "$ports"; unix_cleanup' EXIT

tap_relay guest < <(NEXUS_TARGET="unix:$work/test.sock" SLOW="unix:$work/slow.sock" FEW="unix:$work/few.sock" \
	"$build/selftests/unix/prefetch" | tee "$work/facts")

counter() {
	nexusctl stats --json | /usr/bin/python3 -c "import json, sys; print(json.load(sys.stdin)['totals']['$1'])"
}
tap_is "$(counter prefetch_hits)" "$(sed -n 's/^# hits=//p' "$work/facts")" "the daemon counts the guests' hits"
[ "$(counter prefetch_useless)" -gt 17 ]
tap_ok $? "and what was useless"
[ "$(counter prefetches)" -gt "$(counter prefetch_hits)" ] && [ "$(counter prefetch_bytes)" -gt 131072 ]
tap_ok $? "prefetches, and their bytes"
unix_stop
tap_done
