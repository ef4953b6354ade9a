# SPDX-License-Identifier: GPL-2.0-only
# The daemon on this machine, with a listening socket for each tenant of the tests.
# shellcheck shell=bash

# A socket for each of these tenants, in the configuration.
unix_listen() {
	local tenant
	for tenant; do
		printf '[listen %s]\npath = %s/%s.sock\nmode = 0666\ntenant = %s\nfunction = unix\n' \
			"$tenant" "$work" "$tenant" "$tenant"
	done
}

# A port of the machine that nobody listens on.
free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# More of the configuration: a test may define its own before unix_start.
unix_config() { :; }

# What runs the daemon, if it is not the shell: a program and its arguments.
unix_run=()

# unix_start: sets work (a directory) and backend (its process id).
unix_start() {
	work=$(mktemp -d /tmp/nexus-unix.XXXXXX)
	chmod 755 "$work"
	mkdir "$work/bin" "$work/config"
	cp "$build/guest-lib/nx" "$build/guest-lib/compress" "$build/guest-lib/libnexus-guest.so.1" "$work/bin/"
	cp "$top/selftests/tap.sh" "$top/selftests/e2e/cases.sh" "$top/selftests/e2e/faults.sh" "$work/"
	state=$work
	host=127.0.0.1
	. "$top/selftests/config.sh"
	config_write
	{
		unix_listen test small wrong hang cut down
		unix_config
	} >>"$work/config/nexus.conf"
	"${unix_run[@]}" "$build/backend/nexus-backend" --config "$work/config" 2>>"$work/backend.log" &
	backend=$!
	trap unix_cleanup EXIT
	for _ in $(seq 100); do
		nexusctl version >/dev/null 2>&1 && return
		sleep 0.05
	done
	cat "$work/backend.log"
	tap_ok 1 "the daemon starts"
}

nexusctl() {
	"$build/backend/nexusctl" --control "$work/control.sock" "$@"
}

unix_cleanup() {
	kill $backend 2>/dev/null
	rm -rf "$work"
}

unix_stop() {
	kill $backend
	wait $backend
	tap_is $? 0 "the daemon ends well"
	[ ! -e "$work/control.sock" ] && [ ! -e "$work/test.sock" ]
	tap_ok $? "and leaves no socket behind"
}

# memory_peak PID: the highest resident memory so far, in KiB.
memory_peak() {
	sed -n 's/^VmHWM:\s*\([0-9]*\) kB/\1/p' /proc/"$1"/status
}

# judge put KEY FILE | get KEY FILE | keys PREFIX | delete KEY: by boto3.
judge() {
	/usr/bin/python3 "$top/selftests/store/judge.py" "$@"
}
