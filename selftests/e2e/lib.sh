# SPDX-License-Identifier: GPL-2.0-only
# For scripts that run in the virtual host: the module, the daemon, guests.
# shellcheck shell=bash

top=$(dirname "$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")")
build=${NEXUS_BUILD:-$top/build}
series=$(uname -r)
case $series in
6.1.*) series=6.1 ;;
6.12.*) series=6.12 ;;
*) series=7 ;;
esac
vhost=$top/selftests/vhost
# The overlay of the virtual host is memory, as /run is; sockets and logs go here.
state=/run/nexus-e2e

host=10.0.2.2
. "$top/selftests/config.sh"

nexusctl() {
	"$build/backend/nexusctl" --control $state/control.sock "$@"
}

# host_start: a fresh state directory, the module loaded.
host_start() {
	rm -rf $state
	mkdir -p $state/config
	[ -e /dev/nexus ] || insmod "$build/kmod/$series/kmod/nexus_kvm.ko"
}

# backend_start: the daemon on $state/config, ready to adopt.
backend_start() {
	"$build/backend/nexus-backend" --config $state/config >>$state/backend.log 2>&1 &
	backend=$!
	for _ in $(seq 100); do
		nexusctl version >/dev/null 2>&1 && return 0
		kill -0 $backend 2>/dev/null || break
		sleep 0.1
	done
	echo "# nexus-backend does not answer:"
	tail -n 20 $state/backend.log | sed 's/^/#   /'
	return 1
}

backend_stop() {
	kill "$backend" 2>/dev/null
	wait "$backend"
}

# guest_script NAME: standard input becomes /job.sh of the guest's initramfs, to be run by
# nexus-init as uid 1000; prints the initramfs' path.
guest_script() {
	local dir=$state/guest-$1
	mkdir -p "$dir/etc"
	cat >"$dir/job.sh"
	printf '%s\n' --uid 1000 -- /bin/sh /job.sh >"$dir/etc/nexus-init.args"
	(cd "$dir" && printf '%s\n' job.sh etc/nexus-init.args | cpio --quiet -o -H newc) >"$dir.cpio"
	echo "$dir.cpio"
}

# guest_start NAME TENANT [OPTION...]: boot the guest whose script is on standard input, and
# adopt it at once; no TENANT (""): leave it alone. Sets vmm to the VMM's process id.
guest_start() {
	local name=$1 tenant=$2 script
	script=$(guest_script "$name")
	vmm=$("$vhost/guest" start --name "$name" --kernel $series --initrd "$build/guest.cpio:$script" "${@:3}") ||
		return 1
	[ -z "$tenant" ] || guest_adopt "$tenant"
}

# guest_adopt TENANT: the VMM needs a moment until it has a VM. Sets vm to the module's id.
guest_adopt() {
	local answer
	for _ in $(seq 50); do
		answer=$(nexusctl vm adopt --pid "$vmm" --tenant "$1" --function e2e --json 2>&1) && break
		case $answer in *'no KVM VM'*) sleep 0.1 ;; *) break ;; esac
	done
	vm=$(sed -n 's/.*"id": *\([0-9]*\).*/\1/p' <<<"$answer")
	[ -n "$vm" ] || { echo "# vm adopt: $answer"; return 1; }
}

# guest_wait NAME [OPTION...]: until it ends (or as the options say).
guest_wait() {
	"$vhost/guest" wait --name "$@" 2>&1 >/dev/null | sed 's/^/# /'
	return "${PIPESTATUS[0]}"
}

guest_log() {
	tr -d '\r' <"$("$vhost/guest" log --name "$1")"
}

# guest_tap NAME: the tests that the guest ran become ours.
guest_tap() {
	tap_relay guest < <(guest_log "$1" | sed 's/^\(nx\|compress\|nexus-init\): /# &/')
}

# vm_field ID FIELD: a number out of `nexusctl vm list`, empty when the VM is not there.
vm_field() {
	nexusctl vm list --json | tr -d ' \n' | tr '{' '\n' | grep "\"id\":$1[,}]" |
		sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p"
}

# host_stop: nothing may be left: no page pinned, the module unloads.
host_stop() {
	local i
	"$vhost/guest" kill --name e2e >/dev/null 2>&1
	[ -z "${backend:-}" ] || backend_stop
	for i in $(seq 50); do
		rmmod nexus_kvm 2>/dev/null && break
		sleep 0.1
	done
	[ ! -e /dev/nexus ]
	tap_ok $? "afterwards rmmod nexus_kvm succeeds"
	# Each processor counts for itself, and hands that over now and then.
	echo 1 >/proc/sys/vm/stat_refresh
	[ "$(awk '/nr_foll_pin_acquired/ { a = $2 } /nr_foll_pin_released/ { print a - $2 }' /proc/vmstat)" = 0 ]
	tap_ok $? "and no page is pinned"
}
