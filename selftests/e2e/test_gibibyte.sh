#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A gibibyte out of a guest of 128 MiB and back into it, through 1 MiB of arena: memory stays
# bounded on both sides. Without FULL=1 it is 128 MiB.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
size=$((FULL ? 1073741824 : 134217728))

# peak PID: the highest resident memory of a process so far, in KiB.
peak() {
	sed -n 's/^VmHWM:\s*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

host_start
config_write
# The machine's own load is not what is tested: its store may take long to answer the emulated host.
sed -i '/^\[endpoint store\]/a stall_timeout = 5m' "$state/config/nexus.conf"
backend_start || tap_ok 1 "the daemon starts"
before=$(peak "$backend")
guest_start e2e small <<-END
	. /tap.sh
	export NEXUS_ARENA_MAX=1048576
	# transfer NAME COMMAND...: runs it, and remembers the most memory that it had.
	transfer() {
		name=\$1
		shift
		"\$@" >/tmp/\$name &
		while kill -0 \$! 2>/dev/null; do
			sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' /proc/\$!/status >/tmp/now 2>/dev/null
			[ -s /tmp/now ] && cp /tmp/now /tmp/\$name.peak
			sleep 1
		done
		wait \$!
		tap_ok \$? "\$name of $size bytes"
		[ \$(cat /tmp/\$name.peak) -lt 6144 ]
		tap_ok \$? "\$name: the process had at most \$(cat /tmp/\$name.peak) KiB"
	}
	transfer put nx --size $size --pattern 5 --sum put nexus-test kvm/gibibyte
	transfer get nx --sum get nexus-test kvm/gibibyte
	tap_is "\$(cat /tmp/get)" "\$(cat /tmp/put)" "what came back is what was sent"
	tap_done
END
most=0
while guest_wait e2e --timeout 2 --for 'command exited' >/dev/null; [ $? = 124 ]; do
	pinned=$(vm_field "$vm" pinned_pages)
	[ "${pinned:-0}" -gt $most ] && most=$pinned
done
guest_wait e2e --timeout 60
guest_tap e2e
[ $most -gt 0 ] && [ $most -le 256 ]
tap_ok $? "at most 1 MiB was pinned ($most pages)"
after=$(peak "$backend")
[ $((after - before)) -lt 8192 ]
tap_ok $? "the daemon's memory grew by less than 8 MiB ($before KiB, then $after KiB)"
host_stop
tap_done
