#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The operator calls functions with nexusctl, and reads what they print in a journal: systemd's own
# journald, in a mount namespace of this test.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
journald=/lib/systemd/systemd-journald
if [ -z "$NEXUS_JOURNAL" ] && [ -x $journald ] && unshare -m true 2>/dev/null; then
	NEXUS_JOURNAL=1 exec unshare -m "$0" "$@"
fi
. "$top/selftests/unix/lib.sh"

unix_config() {
	printf '[function echo]\ntenant = test\nconcurrency = 1\n[function silent]\ntenant = test\nstart_timeout = 500ms\nmax_events = 0\n'
	printf '[listen echo]\npath = %s/echo.sock\ntenant = test\nfunction = echo\n' "$work"
}
if [ "$NEXUS_JOURNAL" ]; then
	# Where journals are kept, and where journald listens.
	for dir in /run /var/log; do mount -t tmpfs tmpfs $dir; done
	mkdir -p /run/systemd/journal
	$journald 2>/run/journald.log &
	journal=$!
	while [ ! -S /run/systemd/journal/stdout ]; do sleep 0.05; done
	# As systemd starts a unit.
	# shellcheck disable=SC2016	# the inner shell's
	unix_run=(systemd-cat --identifier=nexus-backend
		sh -c 'JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec "$@"' sh)
fi
unix_start
"$build/guest-lib/nexus-runtime" --target "unix:$work/echo.sock" --port "$(free_port)" --gateway 0 -- \
	"$top/selftests/unix/runtime.sh" "$work" 2>>"$work/runtime.log" &
runtime=$!
trap 'kill $runtime $journal $follower 2>/dev/null; unix_cleanup' EXIT
cd "$work" || exit 1
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)'"$1"')' 2>&1; }

# ---- invoke ----

tap_is "$(nexusctl function invoke echo)" '{}' "no payload is an empty object"
tap_is "$(echo '{"a": 1}' | nexusctl function invoke echo --payload -)" '{"a": 1}' "a payload from standard input"
head -c 6291454 /dev/zero | tr '\0' x | sed 's/.*/"&"/' | tr -d '\n' >large
nexusctl function invoke --payload=large echo >back
cmp -s large back
tap_ok $? "6 MiB from a file, and back"
echo >>large
tap_is "$(nexusctl function invoke --payload large echo 2>&1)" "nexusctl: the payload: it has at most 6 MiB" "a byte more"
printf '"fail"' >fail
nexusctl function invoke echo --payload fail >out 2>err
tap_is $? 4 "a function that fails has an exit status of its own"
tap_is "$(field '["errorType"]' <out)" Example.Error "its error is on standard output"
tap_is "$(sed 's/request .*/request/' err)" "nexusctl: function echo failed, request" "and the failure on standard error"
printf '"print"' >print
nexusctl function invoke echo --payload print --log >out 2>err
tap_is "$(cat out)" '"printed"' "with --log: the answer"
grep -q '^printed by' err && grep -q '^REPORT' err
tap_ok $? "and the log on standard error"
nexusctl function invoke echo --payload print --log --json >out
id=$(field '["request_id"]' <out)
tap_is "$(field '["answer"]' <out)" printed "with --json: the answer"
field '["log"]' <out | grep -qx "printed by $id"
tap_ok $? "and the log, with the request's id"
printf '"bytes"' >bytes
tap_is "$(nexusctl function invoke echo --payload bytes | od -An -tx1)" " 00 ff 0a" "an answer of any bytes"
tap_is "$(nexusctl function invoke echo --payload bytes --json | field '["answer"]')" None "which JSON cannot say"
printf '"mark"' >mark
id=$(nexusctl function invoke echo --payload mark --async --json | field '["request_id"]')
until [ -s marks ]; do sleep 0.05; done
tap_is "$(cat marks)" "$id" "with --async it runs, by its request's id, when nobody waits any more"
tap_is "$(nexusctl function invoke silent 2>&1)" \
	"nexusctl: no instance of function silent took the event within 500 ms (start_timeout)" "a function without an instance"
tap_is "$(nexusctl function invoke silent --async 2>&1)" \
	"nexusctl: function silent has as many asynchronous events as it may (max_events = 0)" "no room for an event"
printf '"hang"' >hang
nexusctl function invoke echo --payload hang >out 2>/dev/null &
until [ "$(nexusctl function show echo | field '["calls"]["running"]')" = 1 ]; do sleep 0.05; done
tap_is "$(nexusctl function invoke echo 2>&1)" "nexusctl: function echo has as many invocations as it may (concurrency = 1)" \
	"one more than may run"
wait $!
tap_is "$? $(field '["errorType"]' <out)" "4 Sandbox.Timedout" "a time-out"
tap_is "$(nexusctl function invoke nobody 2>&1)" "nexusctl: no function nobody is configured: see nexusctl function list" \
	"a function that is none"
nexusctl function invoke echo --payload nowhere 2>err
tap_is "$? $(cat err)" "1 nexusctl: nowhere: No such file or directory" "a file that is not there"
for bad in '' 'echo more' 'echo --payload' 'echo --odd' 'echo --async --log'; do
	# shellcheck disable=SC2086	# several words
	nexusctl function invoke $bad 2>/dev/null
	tap_is $? 2 "wrong usage: function invoke $bad"
done
"$build/backend/nexusctl" --control "$work/nothing.sock" function invoke echo 2>/dev/null
tap_is $? 3 "no daemon"

# ---- logs ----

# Lines are in the journal, or in the log, by when a later one is.
printf '"flood"' >flood
tap_is "$(nexusctl function invoke echo --payload flood)" '"flooded"' "a function that prints 5000 lines at once"
dropped=$(nexusctl function show echo | field '["calls"]["log_dropped"]')
[ "$dropped" -gt 0 ]
tap_ok $? "some are dropped, and counted ($dropped)"
if [ -z "$NEXUS_JOURNAL" ]; then
	tap_is "$((dropped + $(grep -c '> *function echo: .* flood [0-9]*$' "$work/backend.log")))" 5000 "none is lost otherwise"
	tap_has "$(grep -v ' flood ' "$work/backend.log")" "function echo: more than 1000 lines in 10 s: the next ones are dropped" \
		"the log says so"
	nexusctl function logs echo 2>err
	tap_is $? 1 "without a journal nexusctl says where the lines are: $(cat err)"
else
	journalctl --sync
	tap_is "$((dropped + $(nexusctl function logs echo -n 10000 | grep -c ' flood [0-9]*$')))" 5000 "none is lost otherwise"
	tap_is "$(nexusctl function logs -n 10000 echo | grep -c ' - more than 1000 lines in 10 s: the next ones are dropped$')" 1 \
		"the journal says so, once"
	tap_is "$(nexusctl function logs echo -n 100000 | grep 'printed by' | awk '$2 == $5' | wc -l)" 2 \
		"each line has its request's id"
	tap_is "$(nexusctl function logs echo -n 3 | wc -l)" 3 "-n: the last ones"
	tap_is "$(nexusctl function logs echo -n 100000 --json | grep 'printed by' | tail -n 1 | field '["tenant"]')" test "--json: an object a line"
	tap_is "$(journalctl -q -o cat NEXUS_TENANT=test NEXUS_FUNCTION=echo | grep -c '^printed by')" 2 "journalctl finds them by their fields"
	tap_is "$(nexusctl function logs silent 2>&1)" "nexusctl: the journal holds no line of function silent" "a function that printed nothing"
	"$build/backend/nexusctl" function logs echo --follow -n 0 >followed &
	follower=$!
	# The limit holds for 10 s; until then lines are dropped, and the journal gets the follower's first one later.
	until grep -q 'printed by' followed; do nexusctl function invoke echo --payload print >/dev/null && journalctl --sync; done
	kill $follower
	tap_ok 0 "--follow prints what comes"
	tap_is "$(grep -c ' - [0-9]* lines were dropped$' followed)" 1 "how many were dropped comes with the next line"
	unset NEXUS_JOURNAL
	rm -rf /run/log/journal
	nexusctl function logs echo 2>err
	tap_is $? 1 "without a journal nexusctl fails: $(cut -c 1-50 err)"
fi
for bad in '' 'echo more' 'echo -n' 'echo -n x' 'echo --odd'; do
	# shellcheck disable=SC2086	# several words
	nexusctl function logs $bad 2>/dev/null
	tap_is $? 2 "wrong usage: function logs $bad"
done
unix_stop
tap_done
