#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Who may use Nexus, and what they hear who may not: in the guest and from nexusctl.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"

# refused PART DESCRIPTION ARG...: nexusctl vm adopt fails with 1 and says PART.
refused() {
	local error
	error=$(nexusctl vm adopt --function f "${@:3}" 2>&1)
	tap_is $? 1 "$2: exit status 1"
	tap_has "$error" "$1" "$2: says so"
}

probe='nx null 2>&1; echo "status $?"; sleep 1'

[ -e /dev/nexus ] && rmmod nexus_kvm
rm -rf $state && mkdir -p $state/config
config_write
backend_start
tap_ok $? "the daemon starts on a host without the module"
guest_start e2e "" <<<"$probe"
refused "nexus_kvm" "adopting without the module" --pid "$vmm" --tenant test
guest_wait e2e --timeout 60
tap_has "$(guest_log e2e)" "nexus_kvm" "the guest hears that this host has no module"
tap_has "$(guest_log e2e)" "status 1" "and its program fails"
backend_stop

insmod "$build/selftests/modules/$series/abi2/kmod/nexus_kvm.ko"
tap_ok $? "a module of another ABI major loads"
backend_start
tap_ok $? "the daemon starts beside it"
guest_start e2e "" <<<"$probe"
refused "ABI 2" "adopting by a module of another ABI" --pid "$vmm" --tenant test
guest_wait e2e --timeout 60
tap_has "$(guest_log e2e)" "ABI 2" "the guest hears of the host's other ABI"
backend_stop
rmmod nexus_kvm

host_start
config_write
backend_start || tap_ok 1 "the daemon starts"
guest_start e2e "" <<<"$probe"
refused "no such process" "a process that is not there" --pid 4194304 --tenant test
refused "no KVM VM" "a process that is no VMM" --pid $$ --tenant test
refused "nobody" "an unknown tenant" --pid "$vmm" --tenant nobody
guest_wait e2e --timeout 60
tap_has "$(guest_log e2e)" "adopt" "a VM that nobody adopted hears what to do"
tap_has "$(guest_log e2e)" "status 1" "and its program fails"
tap_is "$(nexusctl vm list --json | tr -d ' \n')" '[]' "nothing is adopted"

guest_start e2e test <<<"nx null && echo works; sleep 3; nx null; sleep 30"
guest_wait e2e --timeout 60 --for works
tap_ok $? "one that was adopted works"
refused "adopted" "adopting twice" --pid "$vmm" --tenant small
nexusctl vm release "$vm"
tap_ok $? "and is released"
guest_wait e2e --timeout 60 --for "not adopted"
tap_ok $? "then it is refused again"
"$vhost/guest" kill --name e2e
host_stop
tap_done
