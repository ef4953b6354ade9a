#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# VMMs that are started ahead of need: a cold invocation then pays the load of its clone only.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"
. "$top/selftests/e2e/clones.sh"

ended() { logged "has ended: $1"; }
pids() { members "$1" pool pid | xargs; }

host_start
functions_configure 1
clones_configure pool 65536 'concurrency = 1' 'keep_alive = 1s' 'vmm_pool = 2'
backend_start
tap_ok $? "the daemon starts"
sleep 2
tap_is "$(pool pool)" 0 "without a snapshot nothing is started ahead"
clones_snapshot pool
tap_ok $? "function snapshot"
until_true 60 has_pool pool 2
tap_ok $? "two VMMs are started for its snapshot, beyond max_instances"
for pid in $(pids pool); do
	echo "# a started VMM: $(awk '/^(Rss|Pss|Private_Dirty|Anonymous):/ { printf "%s %s kB  ", $1, $2 }' "/proc/$pid/smaps_rollup")"
done
tap_is "$(invoke pool seed/known | field n)" 5 "an invocation is answered"
until_true 20 kept pool 1
tap_is "$(timeline pool 's["pooled"] and s["spawned"] < 0')" True \
	"by a clone whose VMM was there before the event"
nexusctl function timeline pool | sed 's/^/# /'
until_true 60 has_pool pool 2
tap_ok $? "another one takes its place"
most=0
for i in 1 2; do
	invoke pool seed/known >/dev/null
	now=$(members pool pool pid | grep -c .)
	most=$((now > most ? now : most))
	until_true 60 has_instances pool 0
done
[ $most -le 2 ]
tap_ok $? "never more than vmm_pool ($most)"
has_pool pool 2 || until_true 60 has_pool pool 2
tap_ok $? "they outlive the last instance: the next cold start is theirs"

victim=$(pids pool | cut -d' ' -f1)
kill -9 "$victim"
until_true 60 logged "process $victim, has ended"
tap_ok $? "one that is killed is missed"
until_true 60 has_pool pool 2
tap_ok $? "and replaced"
old=$(pids pool)
clones_snapshot pool
tap_ok $? "a new snapshot"
# shellcheck disable=SC2086
until_true 60 gone $old
tap_ok $? "ends those that were started for the old one"
until_true 60 has_pool pool 2
tap_is "$(invoke pool seed/known | field n)" 5 "and an invocation meets the new one"
old=$(pids pool)
backend_stop
# shellcheck disable=SC2086
until_true 20 gone $old
tap_ok $? "the daemon's end is theirs"
! ended "the function had nothing to do for vmm_pool_idle"
tap_ok $? "none has ended for want of work so far"

sed -i 's/^vmm_pool = 2/vmm_pool = 1\nvmm_pool_idle = 3s/' $state/config/functions.d/pool.conf
backend_start
until_true 60 ended "the function had nothing to do for vmm_pool_idle"
tap_ok $? "a daemon starts them ahead of the first event, and ends them after vmm_pool_idle without an instance"
sed -i 's/^vmm_pool_idle = .*/vmm_pool_idle = 1h/' $state/config/functions.d/pool.conf
backend_stop
backend_start
until_true 60 has_pool pool 1
old=$(pids pool)
nexusctl function remove pool
# shellcheck disable=SC2086
until_true 60 gone $old
tap_ok $? "without a snapshot they end"
tap_is "$(pool pool)" 0 "and no other is started"

# While its VMM does not come to run, a function's time does not pass. One that was started and then stopped does not.
sed -i 's/^vmm_pool = .*/vmm_pool = 1/; s/^timeout = .*/timeout = 10s/; s/^start_timeout = .*/start_timeout = 120s/' \
	$state/config/functions.d/pool.conf
stopped() {
	until_true 60 has_pool pool 1
	pid=$(pids pool)
	kill -STOP "$pid"
}
taken() { nexusctl function show pool | grep -q '"running": 1'; }
backend_stop
backend_start
clones_snapshot pool
stopped
invoke pool seed/known >$state/late &
caller=$!
until_true 60 taken
tap_ok $? "an event is taken by a clone that does not run yet"
sleep 12
kill -CONT "$pid"
wait $caller
tap_is "$(field n <$state/late)" 5 "beyond the function's time-out it begins to run, and answers: the time ran from then on"
stop pool
sed -i 's/^start_timeout = .*/start_timeout = 5s/' $state/config/functions.d/pool.conf
backend_stop
backend_start
stopped
tap_is "$(curl -s -m 200 -o /dev/null -w '%{http_code}' -d '{}' http://127.0.0.1:$port/function/pool)" 502 \
	"one that does not begin in start_timeout was none"
# shellcheck disable=SC2086
until_true 60 gone $pid
tap_ok $? "and is ended"
host_stop
tap_done
