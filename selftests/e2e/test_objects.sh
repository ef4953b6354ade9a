#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Objects and bad input from an unprivileged process in a guest without a network device.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"

host_start
config_write
backend_start || tap_ok 1 "the daemon starts"

guest_start e2e test < <(
	cat <<-'END'
		. /tap.sh
		tap_is "$(ls /sys/class/net)" lo "there is no network device"
		export PREFIX=kvm TAP=/tap.sh BIG=67108864
	END
	sed 1,2d "$top/selftests/e2e/cases.sh"
)
tap_ok $? "the guest is adopted"
error=$(nexusctl vm adopt --pid "$vmm" --tenant test --function again 2>&1)
tap_is $? 1 "adopting it again fails"
tap_has "$error" adopted "and says why"
peak=0
while guest_wait e2e --timeout 1 --for 'command exited' >/dev/null; [ $? = 124 ]; do
	pinned=$(vm_field "$vm" pinned_pages)
	[ "${pinned:-0}" -gt "$peak" ] && peak=$pinned
done
guest_wait e2e --timeout 120
guest_tap e2e
[ "$peak" -gt 0 ] && [ "$peak" -le 16384 ]
tap_ok $? "at most the tenant's limit was pinned (peak $peak pages)"
grep nexus-other <"$NEXUS_S3_LOG" | grep -qv "PUT /nexus-other/secret "
tap_is $? 1 "no request for a denied bucket left the host"
host_stop
tap_done
