#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The daemon, the function and the VMM are killed in the middle of their work.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"

# pinned_settles ID WANT: pinned pages come down to WANT within 10 s.
pinned_settles() {
	local i
	for i in $(seq 100); do
		[ "$(vm_field "$1" pinned_pages)" = "$2" ] && return 0
		sleep 0.1
	done
	echo "#   pinned pages: $(vm_field "$1" pinned_pages)"
	return 1
}

host_start
config_write
backend_start || tap_ok 1 "the daemon starts"

guest_start e2e test <<-'END'
	. /tap.sh
	# The daemon dies and comes back under this loop, of processes that come and go. What was
	# in the middle of a stream may end, as with a connection that dropped, but never wrong.
	nx --sum get nexus-test seed/mebibyte >/tmp/want
	echo LOOPING
	good=0
	for i in $(seq 30); do
		got=$(nx --sum get nexus-test seed/mebibyte 2>&1)
		case $got in
		"$(cat /tmp/want)" | *NexusConnectionLost*) good=$((good + 1)) ;;
		*) echo "# $got" ;;
		esac
	done
	tap_is $good 30 "30 streamed gets while the daemon is killed and started again"
	# One process, one channel, across the crash.
	echo ONE-CHANNEL
	nx bench get nexus-test seed/known 3000 >/tmp/bench 2>&1
	tap_ok $? "3000 gets of one process across another crash"
	sed 's/^/# /' /tmp/bench
	# A function dies in mid-transfer.
	nx --size 50000000 --pattern 1 put nexus-test crash/never &
	sleep 1
	kill -9 $!
	wait
	nx null
	tap_ok $? "after a function was killed in mid-transfer the next one is served"
	echo SETTLED
	sleep 4
	nx --size 4000000000 --pattern 1 put nexus-test crash/never &
	sleep 1
	nx --size 4000000 --pattern 5 --write-mode deferred put nexus-test crash/deferred
	tap_ok $? "a deferred put returns"
	(tap_done)
	echo TRANSFERRING
	sleep 60
END
guest_wait e2e --timeout 60 --for LOOPING
for _ in 1 2; do
	sleep 2
	kill -9 $backend
	wait $backend 2>/dev/null
	backend_start || tap_ok 1 "the daemon starts again"
done
tap_is "$(vm_field "$vm" id)" "$vm" "the new daemon holds the VM again"
guest_wait e2e --timeout 120 --for ONE-CHANNEL
sleep 2
kill -9 $backend
wait $backend 2>/dev/null
backend_start || tap_ok 1 "the daemon starts again"
guest_wait e2e --timeout 120 --for SETTLED
pinned_settles "$vm" 0
tap_ok $? "what a killed function had pinned is let go"
guest_wait e2e --timeout 60 --for TRANSFERRING
"$vhost/guest" kill --name e2e
for _ in $(seq 300); do
	[ "$(vm_field "$vm" id)" ] || break
	sleep 0.1
done
tap_is "$(vm_field "$vm" id)" "" "a VM killed in mid-transfer is let go"
# What it had deferred is stored from its pages; what it had not sent as a whole is not.
judge() {
	NEXUS_S3_URL=http://$host:$NEXUS_S3_PORT /usr/bin/python3 "$top/selftests/store/judge.py" "$@"
}
tap_is "$(judge keys crash/)" deferred "its deferred write arrives, its unfinished one does not"
judge get crash/deferred $state/deferred
tap_is "$(stat -c %s $state/deferred)" 4000000 "as a whole"
guest_tap e2e
host_stop
tap_done
