#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The daemon is killed: the next one knows its microVMs again, as those of their function.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"
. "$top/selftests/e2e/clones.sh"

# crash [KEY=VALUE...]: the daemon is killed, and the next one reads this of the function instead.
crash() {
	local set
	kill -9 $backend
	wait $backend 2>/dev/null
	for set; do
		sed -i "s/^${set%%=*} = .*/${set%%=*} = ${set#*=}/" $state/config/functions.d/kept.conf
	done
	backend_start
}
pid_of() { members "$1" instances pid | xargs; }
# idle NAME: one waits for an event; working NAME: one has an event.
idle() { nexusctl function show "$1" | grep -q '"idle": 1,'; }
working() { nexusctl function show "$1" | grep -q '"running": 1,'; }

host_start
functions_configure 6
clones_configure kept 65536 'concurrency = 3' 'keep_alive = 1h' 'vmm_pool = 1'
backend_start
tap_ok $? "the daemon starts"
clones_snapshot kept
tap_ok $? "function snapshot"
until_true 60 has_pool kept 1
tap_is "$(invoke kept seed/known | field n)" 5 "an invocation is answered"
vmm=$(pid_of kept)
until_true 60 has_pool kept 1
started=$(members kept pool pid)

crash
tap_ok $? "the daemon is killed; another one starts"
! gone "$vmm"
tap_ok $? "the microVM runs on"
tap_is "$(pid_of kept)" "$vmm" "and is its function's again"
tap_is "$(members kept instances survivor) $(members kept instances restored)" "true true" "as a clone that survived"
gone "$started"
tap_ok $? "a VMM that was only started ahead is ended"
until_true 60 idle kept
tap_is "$(invoke kept seed/known | field n)" 5 "an invocation is answered"
tap_is "$(pid_of kept)" "$vmm" "by the survivor: none was started"

# It works on an event whose caller went with the daemon, and never ends.
(invoke kept seed/known '"hang":1,' >/dev/null) &
caller=$!
until_true 60 working kept
crash
wait $caller
tap_is "$(pid_of kept)" "$vmm" "one that is at work when the daemon is killed survives, too"
tap_is "$(invoke kept seed/known | field n)" 5 "another invocation does not wait for it"
tap_is "$(instances kept)" 2 "but is another one's"
crash timeout=2s
until_true 60 has_instances kept 1
tap_ok $? "at the deadline of what it works on it is ended"
gone "$vmm"
tap_ok $? "and gone"
logged "what it did for an earlier daemon passed the deadline"
tap_ok $? "for that"
next=$(pid_of kept)
crash timeout=60s keep_alive=1s
until_true 60 gone "$next"
tap_ok $? "one that is idle ends after keep_alive"
crash keep_alive=1h
tap_is "$(invoke kept seed/known | field n)" 5 "an invocation is answered"
next=$(pid_of kept)
crash
backend_stop
until_true 20 gone "$next"
tap_ok $? "the daemon's orderly end is that of survivors, too"
backend=
[ ! -e $state/control.sock.vmms ]
tap_ok $? "and nothing of them is left behind"
[ "$tap_failures" -eq 0 ] || tail -n 60 $state/backend.log | sed 's/^/# /'
host_stop
tap_done
