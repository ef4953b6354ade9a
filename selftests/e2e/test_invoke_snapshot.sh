#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# From a caller to a microVM that was not there before: booted, then cloned from a snapshot, its
# input fetched into its memory while the VMM still loads it; kept, and ended when it is idle.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"

port=8080
# invoke NAME KEY [MORE]: the answer of one invocation; its HTTP status is in $state/status, the seconds in $state/took.
invoke() {
	local answer=$state/answer.$BASHPID
	curl -s -m 120 -o "$answer" -w '%{http_code} %{time_total}' -H "Nexus-Prefetch: s3://nexus-test/$2" \
		-H 'Content-Type: application/json' -d "{${3:-}\"key\":\"$2\"}" "http://127.0.0.1:$port/function/$1" >$state/curl
	cut -d' ' -f1 $state/curl >$state/status
	cut -d' ' -f2 $state/curl >$state/took
	cat "$answer"
	echo
}
# field NAME: of the JSON on standard input.
field() { sed -n "s/.*\"$1\":\"\?\([^,\"}]*\).*/\1/p"; }
running() { nexusctl function show "$1" | grep -c '"pid"'; }
some_idle() { [ "$(running "$1")" = "$2" ]; }
working() { [ -n "$(instance "$1" running_ms)" ] && [ "$(instance "$1" running_ms)" != 0 ]; }

# hypercalls: of the only microVM.
hypercalls() { nexusctl vm list | awk 'NR == 2 { print $NF }'; }
# cpu_ms PID SECONDS: what the process took of so many seconds.
cpu_ms() {
	local before
	before=$(awk '{ print $14 + $15 }' "/proc/$1/stat")
	sleep "$2"
	awk -v before="$before" '{ print ($14 + $15 - before) * 10 }' "/proc/$1/stat"
}

host_start
functions_configure 8
printf '[ingress]\nlisten = 127.0.0.1:%s\n' $port >>$state/config/nexus.conf
mkdir -p $state/native/usr/bin $state/native/etc
cp "$build/selftests/unix/instance" $state/native/usr/bin/
printf '%s\n' --uid 1000 -- /usr/bin/instance >$state/native/etc/nexus-init.args
(cd $state/native && find . -mindepth 1 | cpio --quiet -o -H newc) >$state/native.cpio
cat "$build/guest.cpio" $state/native.cpio >$state/native.image
function_config native $state/native.image 'memory = 96M' 'timeout = 30s' 'start_timeout = 90s' 'keep_alive = 20s' \
	'concurrency = 4'
# beside NAME COMMAND: function NAME, in whose guests a shell's COMMAND runs beside the instance.
beside() {
	mkdir -p $state/"$1"/etc
	printf '%s\n' --uid 1000 -- /bin/sh -c "$2 & exec /usr/bin/instance" >$state/"$1"/etc/nexus-init.args
	(cd $state/"$1" && find . -mindepth 1 | cpio --quiet -o -H newc) >$state/"$1".cpio
	cat $state/native.image $state/"$1".cpio >$state/"$1".image
	function_config "$1" $state/"$1".image 'memory = 96M' 'timeout = 30s' 'start_timeout = 90s' 'concurrency = 1'
}
beside busy 'while :; do :; done'
beside pair /usr/bin/instance
function_config hasty $state/native.image 'memory = 96M' 'timeout = 100ms' 'start_timeout = 90s' 'concurrency = 1'
backend_start
tap_ok $? "the daemon starts"

answer=$(invoke native seed/known)
tap_is "$(cat $state/status)" 200 "an invocation without any instance boots one"
tap_has "$answer" '"n":' "and is answered"
tap_is "$(running native)" 1 "there is one microVM"
answer=$(invoke native seed/known)
tap_is "$(running native)" 1 "the next invocation is its, too"
tap_is "$(field hits <<<"$answer")" 1 "its input was prefetched"
booted=$(field generation <<<"$answer")
sleep 1
calls=$(hypercalls)
sleep 4
calls=$(($(hypercalls) - calls))
[ "$calls" -lt 40 ]
tap_ok $? "an instance at rest is not woken by its timer ($calls hypercalls in 4 s)"
tap_has "$(invoke native seed/known)" '"n":' "and is by an event"

nexusctl function stop native >/dev/null
until_true 20 some_idle native 0
timeout 150 "$build/backend/nexusctl" --control $state/control.sock function snapshot native
tap_ok $? "function snapshot"
tap_is "$(nexusctl function list --json | grep -c '"snapshot": true')" 1 "there is a snapshot"
ls -l $state/snapshots/native | sed 's/^/# /'
before=$(cksum <$state/snapshots/native/ram)

answer=$(invoke native seed/known)
tap_is "$(cat $state/status)" 200 "an invocation clones one"
tap_is "$(instance native restored)" true "that was restored"
tap_is "$(field n <<<"$answer")" "$(invoke native seed/known | field n)" "and reads what it should"
tap_is "$(field hits <<<"$answer")" 1 "its input was in its memory"
[ "$(field generation <<<"$answer")" != "$booted" ]
tap_ok $? "it knows that it is another one (restore generation)"
echo "# ms since it was asked for: VM $(($(instance native ready_ms) - $(instance native start_ms)))," \
	"adopted $(($(instance native adopted_ms) - $(instance native start_ms)))," \
	"running $(($(instance native running_ms) - $(instance native start_ms)))"

for i in 1 2 3; do (invoke native seed/known >$state/clone.$i) & clones[i]=$!; done
wait "${clones[@]}"
cat $state/clone.[123] | sed 's/^/# /'
tap_is "$(cat $state/clone.[123] | grep -c '"n":')" 3 "three at once are answered"
tap_is "$(for i in 1 2 3; do field entropy <$state/clone.$i; echo; done | sort -u | grep -c .)" 3 \
	"each with entropy of its own"
tap_is "$(cksum <$state/snapshots/native/ram)" "$before" "the snapshot is unchanged"

until_true 60 some_idle native 0
tap_ok $? "idle ones end: down to none"
logged "it was idle for keep_alive"
tap_ok $? "by keep_alive" || grep -F microVM $state/backend.log | tail -n 8 | sed 's/^/# /'

tap_has "$(invoke busy seed/known)" '"n":' "a function that left a process running answers"
sleep 1
calls=$(hypercalls)
took=$(cpu_ms "$(instance busy pid)" 4)
calls=$(($(hypercalls) - calls))
[ "$took" -gt 1000 ] && [ "$calls" -gt 100 ]
tap_ok $? "which goes on between events ($took ms of 4 s): the machine is not at rest ($calls hypercalls)"
tap_has "$(invoke busy seed/known)" '"n":' "the next event comes to it all the same"
nexusctl function stop busy >/dev/null
until_true 20 some_idle busy 0

tap_has "$(invoke pair seed/known)" '"n":' "two processes of one guest wait for events"
answered=0 took=()
for i in 1 2 3 4 5 6; do
	sleep 1.2
	invoke pair seed/known >$state/paired
	grep -q '"n":' $state/paired && answered=$((answered + 1))
	took+=("$(cat $state/took)")
done
tap_is $answered 6 "when nothing happened for a while, either hears of its event"
late=$(printf '%s\n' "${took[@]}" | awk '$1 > 0.5' | grep -c .)
[ "$late" -lt 2 ]
tap_ok $? "at once: neither takes the other for a guest at rest (${took[*]} s)"
nexusctl function stop pair >/dev/null
until_true 20 some_idle pair 0

invoke hasty seed/known >$state/hasty
tap_has "$(cat $state/hasty)" "timed out after 0.10 seconds" "an invocation past its deadline is an error"
until_true 20 some_idle hasty 0
tap_ok $? "and its microVM is ended"
logged "passed the deadline"
tap_ok $? "for that"

(invoke native seed/known '"slow":1,' >$state/killed) &
killed=$!
until_true 60 working native
pid=$(instance native pid)
kill -9 "$pid"
wait $killed
tap_has "$(cat $state/killed)" "ExitError" "the caller of a VMM that is killed hears at once"
nexusctl function remove native
tap_ok $? "function remove"
[ ! -e $state/snapshots/native ]
tap_ok $? "removes the files"
host_stop
tap_done
