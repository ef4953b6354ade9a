# SPDX-License-Identifier: GPL-2.0-only
# Functions whose microVMs the daemon starts itself.
# shellcheck shell=bash

# function_config NAME IMAGE [LINE...]: a file of functions.d.
function_config() {
	mkdir -p $state/config/functions.d
	printf '%s\n' "[function $1]" 'tenant = test' "kernel = $("$vhost/kernel" --kernel $series vmlinux)" \
		"image = $2" 'append = console=ttyS0 pci=noearly panic=-1 quiet mitigations=off rootfstype=ramfs' "${@:3}" \
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

# logged TEXT: has the daemon said so?
logged() { grep -qF -e "$1" $state/backend.log; }

# functions_configure: the usual configuration, with a VMM and a place for snapshots.
functions_configure() {
	config_write
	# Kept off the virtual host's processor 0, where the emulation of guests is not reliable.
	printf '#!/bin/sh\nexec taskset -c 1,2 qemu-system-x86_64 "$@"\n' >$state/vmm
	chmod 755 $state/vmm
	sed -i "s|^\[backend\]|&\nvmm = $state/vmm\nsnapshot_dir = $state/snapshots\nmax_instances = ${1:-8}|" \
		$state/config/nexus.conf
}
