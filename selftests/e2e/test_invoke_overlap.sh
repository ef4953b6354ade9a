#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A cold invocation: the clone's state and the event's input are on their way at the same time, by
# the daemon's own account of when what happened.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"
. "$top/selftests/e2e/clones.sh"

host_start
functions_configure 4
clones_configure clone 65536 'concurrency = 4' 'keep_alive = 10m'
backend_start
tap_ok $? "the daemon starts"
clones_snapshot clone
tap_ok $? "function snapshot"

# The emulation decides whether the load or the store is faster: where that matters, once of some times is enough.
early=0 count=0
while [ $early = 0 ] && [ $count -lt 5 ]; do
	[ $count = 0 ] || stop clone
	invoke clone seed/known >$state/cold
	count=$((count + 1))
	until_true 20 kept clone $count
	nexusctl function timeline clone | tail -n 3 | sed 's/^/# /'
	mapfile -t seen < <(timeline clone 't["cold"] and s["restored"]' \
		'[s["wanted"], s["ready"], m["taken"], f[0]["started"], s["continued"], s["running"]]' \
		'sorted([s["wanted"], s["ready"], m["taken"], f[0]["started"], s["continued"], s["running"]])' \
		's["overlap"] > 0' 'm["taken"] <= m["first_request"] <= m["responded"] <= m["durable"] <= m["ended"]' \
		'f[0]["finished"] <= s["continued"] and f[0]["bytes"] == 5')
	[ "${seen[1]}" = "${seen[2]}" ] || break
	[ "${seen[5]}" != True ] || early=1
done
tap_is "$(field n <$state/cold)" 5 "an invocation is answered"
tap_is "$(field hits <$state/cold)" 1 "whose input the guest did not have to ask for"
tap_is "${seen[0]}" True "its microVM was cloned for it"
tap_is "${seen[1]}" "${seen[2]}" "wanted, VM there, event taken, fetch begun: all before its first instruction"
tap_is $early 1 "and all of the small object is in the clone's memory before it"
tap_is "${seen[3]}" True "load and fetch went on at the same time"
tap_is "${seen[4]}" True "then the function's first request, its answer, its writes, the end"

invoke clone seed/known >$state/warm
until_true 20 kept clone $((count + 1))
mapfile -t seen < <(timeline clone 't["cold"]' 't["end"]' 'f[0]["object"]' 'f[0]["bytes"]')
tap_is "${seen[*]}" "False answered nexus-test/seed/known 5" "the next invocation is warm, and its input fetched ahead, too"
error=$(nexusctl function timeline nobody 2>&1)
tap_has "$error" "no function nobody is configured" "an unknown function"
host_stop
tap_done
