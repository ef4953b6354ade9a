#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The service as installed, under a real systemd, with all that its unit forbids it: it adopts a
# VM and serves its guest, survives kill -9, and ends well.
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"

systemd=/lib/systemd/systemd
[ -x $systemd ] || tap_skip_all "there is no systemd on this machine: apt-get install systemd"

# status FIELD: of the daemon, as the kernel tells it.
daemon() { systemctl show --property MainPID --value nexus-backend; }
status() { sed -n "s/^$1:\s*//p" /proc/"$(daemon)"/status; }
nexusctl() { /usr/bin/nexusctl "$@"; }

until_true() {
	local end=$((SECONDS + $1))
	while ! "${@:2}" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

# systemd and all that speaks to it live in a process namespace, where systemd is the first.
if [ -z "${UNIT_INSIDE:-}" ]; then
	mkdir -p /etc/systemd/system /run/systemd
	# Nothing else of this machine is to start: a target of its own, no system below the service.
	printf '[Unit]\nDescription=Test\nDefaultDependencies=no\nAllowIsolate=yes\n' \
		>/etc/systemd/system/nexus-test.target
	mkdir -p /etc/systemd/system/nexus-backend.service.d
	printf '[Unit]\nDefaultDependencies=no\nWants=\nAfter=\n' \
		>/etc/systemd/system/nexus-backend.service.d/alone.conf
	ln -sfn /dev/null /etc/systemd/system/network-online.target
	unshare --fork --pid --mount --mount-proc env -i container=test PATH="$PATH" \
		$systemd --system --unit=nexus-test.target --log-target=console --show-status=no \
		>/run/systemd.log 2>&1 &
	until_true 60 test -S /run/systemd/private
	manager=$(cat /proc/$!/task/$!/children)
	UNIT_INSIDE=1 nsenter --target "${manager// /}" --pid --mount -- "$0"
	status=$?
	tail -n 3 /run/systemd.log | sed 's/^/# systemd: /'
	kill -9 "${manager// /}"
	exit $status
fi

host_start
# Built already; the emulated clock is behind the machine's.
make -s -C "$top/backend" O="$build/backend" PREFIX=/usr install >/dev/null
tap_ok $? "make install"
systemd-sysusers /usr/lib/sysusers.d/nexus.conf
tap_has "$(id nexus)" nexus "its user is made"
# What udev does by the rule that was installed.
rule=$(cat /usr/lib/udev/rules.d/60-nexus.rules)
[[ $rule =~ GROUP=\"([a-z]+)\",\ MODE=\"([0-7]+)\" ]]
chgrp "${BASH_REMATCH[1]}" /dev/nexus && chmod "${BASH_REMATCH[2]}" /dev/nexus
tap_ok $? "the device is given to it as the rule says"

state=/etc/nexus
mkdir -p $state/config
config_write
mv $state/config/* $state
rmdir $state/config
sed -i '/^control = /d' $state/nexus.conf
chown -R nexus:nexus $state

systemd-analyze verify /usr/lib/systemd/system/nexus-backend.service 2>&1 | grep nexus
tap_is "${PIPESTATUS[1]}" 1 "systemd-analyze verify finds nothing"
until_true 60 systemctl show-environment
tap_ok $? "systemd runs"

timeout 60 systemctl start nexus-backend
tap_ok $? "systemctl start nexus-backend" || tail -n 20 /run/systemd.log | sed 's/^/# systemd: /'
tap_is "$(systemctl is-active nexus-backend)" active "it is active, by its own word (Type=notify)"
tap_is "$(stat -c %U /proc/"$(daemon)")" nexus "it runs as nexus"
tap_is "$(status CapEff)" 0000000000081000 "with CAP_NET_ADMIN and CAP_SYS_PTRACE only"
tap_is "$(status CapAmb)" 0000000000000000 "which its children do not get"
tap_is "$(status NoNewPrivs)$(status Seccomp)" 12 "without new privileges, behind a system call filter"
tap_is "$(stat -c %a /run/nexus/control.sock)" 600 "its control socket is its own"

guest_start e2e "" <<<'sleep 4; nx get nexus-test seed/known >/dev/null && echo first; sleep 8
	nx get nexus-test seed/known >/dev/null && echo second; sleep 60'
guest_adopt test
tap_ok $? "it adopts a VM out of another user's VMM"
guest_wait e2e --timeout 60 --for first
tap_ok $? "and serves its guest"
old=$(daemon)
kill -9 "$old"
until_true 20 nexusctl version
tap_ok $? "after kill -9 systemd starts it again"
[ "$(daemon)" != "$old" ]
tap_ok $? "as another process"
guest_wait e2e --timeout 60 --for second
tap_ok $? "and the guest goes on"
systemctl reload nexus-backend 2>/dev/null
tap_ok $? "systemctl reload"
"$vhost/guest" kill --name e2e
systemctl stop nexus-backend
tap_is "$(systemctl is-failed nexus-backend)" inactive "systemctl stop ends it well"
[ ! -e /run/nexus/control.sock ]
tap_ok $? "and nothing is left in /run/nexus"
backend=
host_stop
tap_done
