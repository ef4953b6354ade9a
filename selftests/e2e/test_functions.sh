#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Functions whose microVMs the daemon starts itself: booted, and ended.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"

# function_config NAME IMAGE [LINE...]: a file of functions.d.
function_config() {
	mkdir -p $state/config/functions.d
	printf '%s\n' "[function $1]" 'tenant = test' "kernel = $("$vhost/kernel" --kernel $series vmlinux)" \
		"image = $2" 'append = console=ttyS0 pci=noearly panic=-1 quiet mitigations=off' "${@:3}" \
		>"$state/config/functions.d/$1.conf"
}

# function_image NAME: standard input becomes the job of the image whose path is printed.
function_image() {
	cat "$build/guest.cpio" "$(guest_script "$1")" >$state/"$1".image
	echo $state/"$1".image
}

# instance NAME FIELD: of the function's first instance.
instance() {
	nexusctl function show "$1" | sed -n "s/^ *\"$2\": \(.*\)/\1/p" | tr -d ',"' | head -1
}

# until_true SECONDS COMMAND...
until_true() {
	local end=$((SECONDS + $1))
	while ! "${@:2}" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

logged() { grep -qF -e "$1" $state/backend.log; }
none_left() { [ "$(nexusctl function show "$1" | grep -c '"pid"')" = 0 ]; }

host_start
config_write
# Kept off the virtual host's processor 0, where the emulation of guests is not reliable.
printf '#!/bin/sh\nexec taskset -c 1,2 qemu-system-x86_64 "$@"\n' >$state/vmm
chmod 755 $state/vmm
sed -i "s|^\[backend\]|&\nvmm = $state/vmm\nsnapshot_dir = $state/snapshots\nmax_instances = 2|" $state/config/nexus.conf
function_config hello "$(function_image hello <<<'nx null && echo "adopted before it ran"; sleep 60')" 'memory = 96M'
function_config short "$(function_image short <<<'echo "going down"')" 'memory = 96M'
function_config broken $state/no-such-image
backend_start
tap_ok $? "the daemon starts"

nexusctl function start hello >/dev/null
tap_ok $? "function start"
until_true 60 logged "adopted before it ran"
tap_ok $? "the guest of the new instance uses Nexus; its console is in the log"
tap_is "$(instance hello state)" running "the instance runs"
tap_is "$(instance hello restored)" false "and was not restored"
vmm=$(instance hello pid)
tap_has "$(tr '\0' ' ' </proc/"$vmm"/cmdline)" "-sandbox on" "its VMM is in a sandbox"
tap_is "$(ls -l /proc/"$vmm"/fd | grep -c nexus)" 0 "and holds no descriptor of the daemon's"
error=$(nexusctl function start broken 2>&1)
tap_is $? 1 "a function without its image: exit status 1"
tap_has "$error" no-such-image "which names it"
error=$(nexusctl function start nobody 2>&1)
tap_has "$error" "no function nobody is configured" "an unknown function"
nexusctl function start short >/dev/null
error=$(nexusctl function start short 2>&1)
tap_has "$error" max_instances "one instance too many"
until_true 60 logged "is gone: the guest ended"
tap_ok $? "a guest that powers off ends its instance"
nexusctl function stop hello >/dev/null
until_true 10 none_left hello
tap_ok $? "function stop ends an instance"
until_true 10 logged "stopped by the operator"
tap_ok $? "and the log says why"
[ ! -d /proc/"$vmm" ]
tap_ok $? "its VMM is gone"

nexusctl function start hello >/dev/null
vmm=$(instance hello pid)
backend_stop
[ ! -d /proc/"$vmm" ]
tap_ok $? "the daemon's end is the end of its VMMs"
backend=
host_stop
tap_done
