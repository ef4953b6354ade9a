#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What Prometheus would scrape, read by its own parser.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
config_backend="metrics_listen = 127.0.0.1:$port
"
unix_config() {
	printf '[function idle]\ntenant = test\n'
}
unix_start
sample() {
	/usr/bin/python3 - "$1" "$work/metrics" <<-'END'
		import sys
		from prometheus_client.parser import text_string_to_metric_families
		families = list(text_string_to_metric_families(open(sys.argv[2]).read()))
		assert all(f.documentation and f.type in ("counter", "gauge") for f in families)
		found = [s.value for f in families for s in f.samples
		         if sys.argv[1] in (s.name, s.name + "".join(f"/{v}" for v in s.labels.values()))]
		print(*(int(v) for v in found) if found else ["none"])
	END
}
scrape() {
	curl -sS -o "$work/metrics" -w '%{http_code} %{content_type}' "$@" "http://127.0.0.1:$port/metrics"
}

tap_is "$(scrape)" "200 text/plain; version=0.0.4; charset=utf-8" "GET /metrics"
tap_is "$(sample nexus_requests_total)" 0 "nothing was asked for"
head -c 100000 /dev/urandom >"$work/object"
NEXUS_TARGET=unix:$work/test.sock "$work/bin/nx" put nexus-test metrics/object "$work/object"
scrape >/dev/null
tap_is "$(sample nexus_requests_total)" 1 "an operation"
tap_is "$(sample nexus_bytes_to_store_total)" 100000 "its payload"
tap_is "$(sample nexus_journal_records)" 0 "the journal"
tap_is "$(sample nexus_breakers_open)" 0 "no endpoint is given up"
tap_is "$(sample nexus_function_invocations_total/idle/test)" 0 "a function and its tenant"
tap_is "$(sample nexus_function_microvms/idle/test)" 0 "and its microVMs"
tap_is "$(sample nexus_function_started_vmms/idle/test)" 0 "and what is started ahead"
tap_is "$(scrape -X POST -d x)" "405 text/plain" "POST is refused"
tap_is "$(curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/")" 404 "other paths are not there"
for i in 1 2 3 4 5 6 7 8; do scrape -o /dev/null >"$work/scrape.$i" & scrapes+=($!); done
wait "${scrapes[@]}"
tap_is "$(cat "$work"/scrape.? | grep -o '200 text' | wc -l)" 8 "eight at once"
unix_stop
tap_done
