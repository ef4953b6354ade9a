#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Invocations without a VM: boto3 and curl call functions whose instances are processes here: a
# shell script with curl over the Runtime API, and a C program over the library.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

function_socket() {
	printf '[listen %s]\npath = %s/%s.sock\nmode = 0666\ntenant = test\nfunction = %s\n' "$1" "$work" "$1" "$1"
}

port=$(free_port)
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\n' "$port"
	mkdir "$work/config/functions.d"
	printf '[function shell]\ntenant = test\ntimeout = 2s\nconcurrency = 30\nretry_delay = 500ms\n' \
		>"$work/config/functions.d/shell.conf"
	printf '[function single]\ntenant = test\nconcurrency = 4\n'
	printf '[function native]\ntenant = test\ntimeout = 2s\n'
	printf '[function ruled]\ntenant = test\nprefetch = /in/where /key\n'
	printf '[function absent]\ntenant = test\nstart_timeout = 1s\nmax_events = 2\n'
	printf '[function broken]\ntenant = test\n'
	for f in shell single native ruled absent broken; do function_socket $f; done
}

pids=()
# runtime FUNCTION COMMAND...: an instance by nexus-runtime.
runtime() {
	"$build/guest-lib/nexus-runtime" --target "unix:$work/$1.sock" --port "$(free_port)" -- "${@:2}" \
		2>>"$work/runtime.log" &
	pids+=($!)
}
native() {
	NEXUS_TARGET="unix:$work/$1.sock" "$build/selftests/unix/instance" 2>>"$work/runtime.log" &
	pids+=($!)
}

invoke_cleanup() {
	kill "${pids[@]}" 2>/dev/null
	unix_cleanup
}

unix_start
trap invoke_cleanup EXIT
mkdir "$work/marks"
for _ in 1 2 3; do runtime shell "$top/selftests/unix/runtime.sh" "$work/marks"; done
runtime single "$top/selftests/unix/runtime.sh" "$work/marks"
runtime broken /bin/false
native native
native ruled
tap_relay boto3 < <(/usr/bin/python3 "$top/selftests/unix/invoke.py" "http://127.0.0.1:$port" "$work/marks" "$@")
unix_stop
tap_done
