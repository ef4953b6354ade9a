#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# Init of the emulated host: functions, and at the end a line for each system that calls one.
say() { echo "$(cut -d' ' -f1 /proc/uptime) $*"; }

# tap_up N: the host's end of a guest's network, 10.9.N.1, once QEMU has made it.
tap_up() {
	until ip link set tap$1 up 2>/dev/null; do sleep 0.2; done
	ip address add 10.9.$1.1/24 dev tap$1
}

SANDBOX="-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
# vmm IMAGE QEMU-ARG...: a VMM as the daemon's; boot IMAGE QEMU-ARG...: one that boots.
vmm() {
	image=$1; shift
	qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -accel kvm -cpu host -smp 1 -m @MEMORY@M -M pc \
		$SANDBOX -serial stdio "$@" </dev/null >/run/console.$image 2>&1 &
	vmm=$!
}
boot() { image=$1; shift; vmm $image -kernel /vmlinux -initrd /$image.cpio -append "@APPEND@" "$@"; }

NETWORK="-netdev tap,id=net,ifname=tap0,script=no,downscript=no,vhost=on -device virtio-net-pci,netdev=net,romfile="
# RAM in a file, as the daemon's templates and clones have it. $1: share=on or off.
ram() { echo "-M pc,memory-backend=ram -object memory-backend-file,id=ram,size=@MEMORY@M,mem-path=/run/ram,share=$1"; }
MONITOR="-chardev pipe,id=monitor,path=/run/monitor -mon chardev=monitor,mode=readline"

# maps: where the code of the programs lies that are measured.
maps() {
	for p in /proc/[0-9]*; do
		read -r comm <$p/comm
		case $comm in nginx|invoke|sh) continue ;; esac
		grep ' r-xp ' $p/maps 2>/dev/null | while read -r range flags offset device inode file; do
			echo "MAP $comm $range $file"
		done
	done
}

# symbols: where the code of the kernel and its modules lies, to the second serial port.
symbols() { grep ' [tTwW] ' /proc/kallsyms | cut -d' ' -f1,3- >/dev/ttyS1; }

# networked SYSTEM IMAGE EVENT BATCH...: a guest with virtio-net, a tap and vhost-net; events go straight to its own server.
# Then the same from a snapshot.
networked() {
	system=$1 image=$2 event=$3; shift 2
	invoke --memory "$system"
	boot $image $NETWORK
	tap_up 0
	invoke "$system" 10.9.0.2 8080 / "$@" || tail -n 60 /run/console.$image
	maps
	kill $vmm; wait $vmm

	mkfifo /run/monitor.in /run/monitor.out
	cat /run/monitor.out >/dev/null &
	SANDBOX=	# its state goes through a process
	boot $image $NETWORK $(ram on) $MONITOR
	exec 3>/run/monitor.in
	tap_up 0
	until grep -q listening /run/console.$image; do sleep 0.2; done
	sleep 1
	echo "migrate_set_capability x-ignore-shared on" >&3
	echo "migrate \"exec:cat >/run/state\"" >&3
	sleep 3
	echo quit >&3
	wait $vmm
	cat /run/monitor.out >/dev/null &
	invoke --cold "$system" 10.9.0.2 8080 / "$event" "/init clone $image" || { tail -n 60 /run/console.$image; ls -l /run/ram /run/state; }
}

# clone IMAGE: a clone of the guest that is saved in /run/ram and /run/state.
clone() {
	SANDBOX= vmm $1 $NETWORK $(ram off) $MONITOR -incoming defer
	exec 3>/run/monitor.in
	echo "migrate_set_capability x-ignore-shared on" >&3
	echo "migrate_incoming \"exec:cat /run/state\"" >&3
	tap_up 0
	wait $vmm
}

# backend CONFIG: the daemon with the configuration of that name, beside what is common.
backend() {
	rm -rf /run/config; cp -r /bench/config /run/config
	cp /functions/$1.conf /run/config/function.conf
	nexus-backend --config /run/config 2>/run/backend.log &
	backend=$!
	until nexusctl --control /run/control.sock version >/dev/null 2>&1; do
		sleep 0.2
		kill -0 $backend 2>/dev/null || { cat /run/backend.log; return 1; }
	done
}

# offloaded SYSTEM CONFIG EVENT BATCH...: a guest without a network device; events go to the daemon, which starts it.
# Then the same from a snapshot.
offloaded() {
	system=$1 config=$2 event=$3; shift 2
	invoke --memory "$system"
	backend $config || return
	invoke "$system" 127.0.0.1 8081 /function/f "$@" || tail -n 20 /run/backend.log
	maps
	nexusctl --control /run/control.sock function stop f >/dev/null
	sleep 1
	nexusctl --control /run/control.sock function snapshot f
	sleep 1
	invoke --cold "$system" 127.0.0.1 8081 /function/f "$event" true || tail -n 20 /run/backend.log
	kill $backend; wait $backend
}

# hosted SYSTEM PROGRAM EVENT BATCH...: no guest, a process of the host.
hosted() {
	system=$1 program=$2; shift 2
	invoke --memory "$system"
	$program 127.0.0.1 8082 &
	function=$!
	invoke "$system" 127.0.0.1 8082 / "$@"
	maps
	kill $function; wait $function
}

# proxied SYSTEM IMAGE EVENT BATCH...: a guest with virtio-vsock, and a proxy on the host.
proxied() {
	system=$1 image=$2; shift 2
	proxy 127.0.0.1 8083 &
	proxy=$!
	invoke --memory "$system"
	boot $image -device vhost-vsock-pci,guest-cid=3
	invoke "$system" 127.0.0.1 8083 / "$@" || tail -n 60 /run/console.$image
	maps
	kill $vmm $proxy; wait $vmm $proxy
}

[ "${1-}" != clone ] || { clone $2; exit; }

mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs -o size=90% run /run
mkdir -p /dev/pts /dev/shm; mount -t debugfs debug /sys/kernel/debug
for m in $(cat /modules); do insmod $m; done
ulimit -n 65536
mkdir -p /run/nexus/snapshots
ip link set lo up
nginx -e /run/nginx.log -c /bench/nginx.conf &
@JOBS@
say ALL DONE
echo "ALL DONE"
poweroff -f
