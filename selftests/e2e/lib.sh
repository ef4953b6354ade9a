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

nexusctl() {
	"$build/backend/nexusctl" --control $state/control.sock "$@"
}

# host_start: a fresh state directory, the module loaded.
host_start() {
	rm -rf $state
	mkdir -p $state/config
	[ -e /dev/nexus ] || insmod "$build/kmod/$series/kmod/nexus_kvm.ko"
}

# config_endpoint NAME PORT [LINE...]: an endpoint on the machine's loopback.
config_endpoint() {
	printf '[endpoint %s]\nurl = http://10.0.2.2:%s\nregion = us-east-1\npath_style = yes\n' "$1" "$2"
	printf '%s\n' "${@:3}"
}

# config_tenant NAME ENDPOINT PROFILE [LINE...]
config_tenant() {
	printf '[tenant %s]\nendpoint = %s\ncredentials = credentials\nprofile = %s\n' "$1" "$2" "$3"
	printf '%s\n' "${@:4}"
}

# The usual configuration: tenants for what works and for each thing that does not.
config_write() {
	local dir=$state/config port=$NEXUS_S3_PORT
	(
		umask 077
		cat >$dir/credentials <<-END
			[good]
			aws_access_key_id = $NEXUS_AWS_ACCESS_KEY_ID
			aws_secret_access_key = $NEXUS_AWS_SECRET_ACCESS_KEY
			[wrong]
			aws_access_key_id = $NEXUS_AWS_ACCESS_KEY_ID
			aws_secret_access_key = not-the-key
		END
	)
	{
		printf '[backend]\nworkers = 1\ncontrol = %s/control.sock\n' $state
		config_endpoint store "$port"
		config_endpoint hang "${NEXUS_FAULT_HANG:-1}" 'stall_timeout = 2s'
		config_endpoint cut "${NEXUS_FAULT_CUT:-1}"
		config_endpoint down 1
		config_tenant test store good 'buckets = nexus-test' 'max_pinned = 64M'
		config_tenant small store good 'buckets = nexus-test' 'max_pinned = 1M'
		config_tenant wrong store wrong 'buckets = nexus-test'
		config_tenant hang hang good 'buckets = nexus-test'
		config_tenant cut cut good 'buckets = nexus-test'
		config_tenant down down good 'buckets = nexus-test'
	} >$dir/nexus.conf
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

# guest_tap NAME: the TAP lines that the guest printed become ours.
guest_tap() {
	local line
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			tap_ok "$([ "${line%% *}" = ok ] && echo 0 || echo 1)" "guest: ${line#* - }"
			;;
		'#'*) echo "$line" ;;
		esac
	done < <(guest_log "$1")
	grep -q '^1\.\.' < <(guest_log "$1") || tap_ok 1 "guest: its script ran to the end"
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
	[ "$(awk '/nr_foll_pin_acquired/ { a = $2 } /nr_foll_pin_released/ { print a - $2 }' /proc/vmstat)" = 0 ]
	tap_ok $? "and no page is pinned"
}
