#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# Init of the emulated host. It runs one system, SYSTEM: /bench/system says how (KIND, IMAGE, CONFIG), /bench/cases what is invoked.
# First a guest's snapshot is taken; all that is counted is of clones. A nested guest may hang (icount.py): whatever
# fails is tried again with a fresh one.
say() { read -r up idle </proc/uptime; echo "$up $*"; }

# await SECONDS COMMAND...: until the command succeeds.
await() {
	patience=$(($1 * 5)); shift
	until "$@" 2>/dev/null; do
		patience=$((patience - 1)); [ $patience -gt 0 ] || return 1
		sleep 0.2
	done
}
tries() {
	for try in 1 2 3 4 5 6; do
		"$@" && return
		tail -n 3 /run/console? 2>/dev/null
		say "once more: $*"
	done
	say "GAVE UP: $*"
	return 1
}

# ---- VMMs of guests without a daemon; K tells several apart ----

# On microvm Debian's kernels find virtio's devices by ACPI only. The timer chip, which they do not use then, would wake the VMM
# 36 times a second.
machine() { case $MACHINE in microvm) echo microvm,rtc=on,acpi=on,pit=off ;; *) echo $MACHINE ;; esac; }
qemu() { case $MACHINE-$KIND in microvm-networked) echo qemu-system-x86_64-microvm ;; *) echo qemu-system-x86_64 ;; esac; }
bus() { case $MACHINE in microvm) echo device ;; *) echo pci,romfile= ;; esac; }
# RAM in a file, as the daemon's templates and clones have it. $1: share=on or off.
ram() { echo "-M $(machine),memory-backend=ram -object memory-backend-file,id=ram,size=@MEMORY@M,mem-path=/run/ram,share=$1"; }
monitor() { echo "-chardev pipe,id=monitor,path=/run/monitor$1 -mon chardev=monitor,mode=readline"; }
device() {
	case $KIND in
	networked) echo "-netdev tap,id=net,ifname=tap$1,script=no,downscript=no,vhost=on -device virtio-net-$(bus),netdev=net" ;;
	proxied) echo "-device vhost-vsock-$(bus | cut -d, -f1),guest-cid=$((3 + $1))" ;;
	esac
}

# vmm K QEMU-ARG...: as the daemon's, with the same settings of the allocator.
vmm() {
	k=$1; shift
	[ -e /run/monitor$k.in ] || mkfifo /run/monitor$k.in /run/monitor$k.out
	cat /run/monitor$k.out >/dev/null &
	MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=32768 $(qemu) -nodefaults -no-user-config -no-reboot -display none -accel kvm -cpu host -smp 1 -m @MEMORY@M \
		-serial stdio $(device $k) $(monitor $k) "$@" </dev/null >/run/console$k 2>&1 &
	vmm=$!
	echo $vmm >/run/vmm$k
	exec 3>/run/monitor$k.in
	[ $KIND != networked ] || tap_up $k
}

# The host's end of a guest's network. All clones have one address: each but the first has a routing table of its own.
tap_up() {
	await 20 ip link set tap$1 up || return
	if [ $1 != 0 ]; then
		ip link add vrf$1 type vrf table $((1000 + $1))
		ip link set vrf$1 up
		ip link set tap$1 master vrf$1
	fi
	ip address add 10.9.0.1/24 dev tap$1
}

saved() { [ -s /run/state ] && [ ! -e /proc/$vmm/exe ]; }
template() {
	rm -f /run/ram /run/state
	vmm 0 -kernel /vmlinux -initrd /$IMAGE.cpio -append "@APPEND@" $(ram on)
	await 40 grep -q listening /run/console0 || { tail -n 20 /run/console0; kill -9 $vmm; wait $vmm; gone 0; return 1; }
	sleep 1
	echo "migrate_set_capability x-ignore-shared on" >&3
	echo "migrate \"exec:cat >/run/state\"" >&3
	sleep 3
	echo quit >&3
	await 10 saved || { kill -9 $vmm; wait $vmm; gone 0; return 1; }
	wait $vmm
	gone 0
}

# clone K: a clone of it; returns when that ends.
clone() {
	vmm $1 $(ram off) -incoming defer
	echo "migrate_set_capability x-ignore-shared on" >&3
	echo "migrate_incoming \"exec:cat /run/state\"" >&3
	wait $vmm
}
gone() { [ $KIND != networked ] || await 10 test ! -e /sys/class/net/tap$1; [ ! -e /sys/class/net/vrf$1 ] || ip link delete vrf$1; }
end_clone() { [ ! -e /run/vmm$1 ] || { kill -9 $(cat /run/vmm$1); rm /run/vmm$1; gone $1; }; }

# ---- the systems: begin, $start (a command, or none), $target, end_instance ----

daemon() {
	rm -rf /run/config; cp -r /bench/config /run/config
	cp /bench/function.conf /run/config/
	nexus-backend --config /run/config 2>/run/backend.log &
	backend=$!
	await 20 nexusctl --control /run/control.sock version >/dev/null || { cat /run/backend.log; return 1; }
}
control() { nexusctl --control /run/control.sock "$@"; }
snapshot() { timeout 60 nexusctl --control /run/control.sock function snapshot f; }
# Functions of one image may have one snapshot.
same_snapshot() { mkdir -m 700 /run/nexus/snapshots/$1 && ln /run/nexus/snapshots/f/* /run/nexus/snapshots/$1/; }

begin() {
	case $KIND in
	networked)
		start="/init clone 0" target="10.9.0.2 8080 /"
		tries template ;;
	proxied)
		start="/init clone 0" target="127.0.0.1 8083 /"
		while :; do proxy 127.0.0.1 8083 1024; sleep 0.1; done &
		tries template ;;
	offloaded)
		start=true target="127.0.0.1 8081 /function/f"
		sed -n '/^\[function f\]/,$p' /bench/function.conf >/run/function
		sed 's/^\[function f\]/[function g]/' /run/function >>/bench/function.conf
		daemon && tries snapshot && same_snapshot g ;;
	hosted)
		start="function_wasm 127.0.0.1 8082" target="127.0.0.1 8082 /" ;;
	esac
}

vms() { ls -d /sys/kernel/debug/kvm/*-* 2>/dev/null | wc -l; }
no_vms() { [ "$(vms)" = 0 ]; }
end_instance() {
	case $KIND in
	networked | proxied)
		end_clone 0; end_clone 1
		[ ! -e /run/proxy ] || { kill -9 $(cat /run/proxy); rm /run/proxy; } ;;
	offloaded) control function stop f; control function stop g ;;
	hosted) killall -9 function_wasm; rm -f /run/module ;;
	esac >/dev/null 2>&1
	await 20 no_vms || return
	sleep 1
}

# A chain has two functions. The daemon starts both of ours; of the clones of a network, the one that the caller reaches is
# the second one.
second() {
	case $KIND in
	networked | proxied) [ -e /run/vmm1 ] || clone 1 ;;
	hosted) [ -e /run/module ] || { touch /run/module; exec function_wasm 127.0.0.1 8084; } ;;
	esac
}
# Its proxy is there before it.
second_proxy() {
	[ $KIND = proxied ] && [ ! -e /run/proxy ] || return 0
	proxy 127.0.0.1 8084 1025 &
	echo $! >/run/proxy
	sleep 1
}
command_of() {
	case $KIND-$1 in
	offloaded-*) echo true ;;
	*-chain) echo "/init pair" ;;
	*) echo "$start" ;;
	esac
}
through() { case $KIND-$1 in networked-chain) echo "--device vrf1" ;; esac; }

# maps: where the code of the programs lies that are measured.
maps() {
	for p in /proc/[0-9]*; do
		read -r comm <$p/comm
		case $comm in sh|init|cat) continue ;; esac
		grep ' r-xp ' $p/maps 2>/dev/null | while read -r range flags offset device inode file; do
			echo "MAP $comm $range $file"
		done
	done
}

# ---- what is measured ----

# cold_case CASE EVENT: an event that finds no instance.
cold_case() {
	end_instance || return
	[ $1 != chain ] || second_proxy
	maps
	invoke $(through $1) --cold "$(command_of $1)" --warm 0 "$1" $target "$2" || return
	maps
}

# warm_case CASE EVENT WARM SINGLE BATCH...: at an instance that may have worked already.
warm_case() {
	case=$1 event=$2 warm=$3 single=$4; shift 4
	[ $case != chain ] || { second_proxy; second & }
	invoke $(through $case) --warm $warm --single $single "$case" $target "$event" "$@" && maps && return
	end_instance
	$start &
	return 1
}

# The first case is that of the memory, too, and of an instance at rest: of a clone that worked as long as the case says to warm up.
memory_case() {
	end_instance || return
	invoke --cold "$start" --warm $3 --memory --rest 5 "$1" $target "$2" || return
}

measure() {
	first=yes
	while read -r case warm single batches event <&4; do
		say "$case"
		if [ $first ]; then
			tries memory_case "$case" "$event" $warm || return
			first=
		fi
		tries warm_case "$case" "$event" $warm $single $(echo $batches | tr , ' ')
	done 4</bench/cases
	while read -r case warm single batches event <&4; do
		[ $first ] || { first=yes; continue; }
		say "cold $case"
		tries cold_case "$case" "$event"
	done 4</bench/cases
	end_instance
}

@MORE@
# symbols: where the code of the kernel and its modules lies, to the second serial port.
symbols() { grep ' [tTwW] ' /proc/kallsyms | cut -d' ' -f1,3- >/dev/ttyS1; }

. /bench/system
case ${1-} in
clone) clone $2; exit ;;
pair)
	case $KIND in hosted) function_wasm 127.0.0.1 8082 & ;; *) clone 0 & ;; esac
	second; exit ;;
end) end_clone $2; exit ;;
esac

mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs -o size=90% run /run
mkdir -p /dev/pts /dev/shm; mount -t debugfs debug /sys/kernel/debug
for m in $(cat /modules); do insmod $m; done
echo 1 >/proc/sys/net/ipv4/tcp_l3mdev_accept
ulimit -n 65536
echo never >/sys/kernel/mm/transparent_hugepage/enabled	# for all systems, as the daemon has it for its clones
mkdir -p /run/nexus/snapshots
ip link set lo up
nginx -e /run/nginx.log -c /bench/nginx.conf &
await 20 test -s /bench/nginx.pid
sleep 1
if [ $KIND = symbols ]; then
	symbols
else
	invoke --memory "$SYSTEM"
	begin && @JOBS@
	[ ! -e /run/backend.log ] || tail -n 5 /run/backend.log
fi
say ALL DONE
echo "ALL DONE"
poweroff -f
