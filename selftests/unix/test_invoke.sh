#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Invocations without a VM: boto3 and curl call functions whose instances are processes here: a
# shell script with curl over the Runtime API, and a C program over the library.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"


# function_socket FUNCTION TENANT
function_socket() {
	printf '[listen f-%s]\npath = %s/%s.sock\nmode = 0666\ntenant = %s\nfunction = %s\n' "$1" "$work" "$1" "$2" "$1"
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
	printf '[function broken]\ntenant = test\n[function unborn]\ntenant = test\n[function records]\ntenant = test\n'
	printf '[function failing]\ntenant = test\nretries = 1\nmax_events = 1\nretry_delay = 100ms\non_failure = records\n'
	printf '[function old]\ntenant = test\nretry_delay = 1h\nmax_event_age = 10m\non_failure = records\n'
	printf '[function early]\ntenant = test\nstart_timeout = 100ms\nmax_event_age = 500ms\non_failure = records\n'
	printf '[function ping]\ntenant = test\nretries = 0\non_failure = pong\n'
	printf '[function pong]\ntenant = test\nretries = 0\non_failure = ping\n'
	printf '[function nowhere]\ntenant = test\nstart_timeout = 10ms\nmax_event_age = 6s\n'
	printf '[function unwritten]\ntenant = down\n[function slow]\ntenant = slow\ntimeout = 20s\n'
	printf '[function victim]\ntenant = test\ntimeout = 20s\n'
	config_endpoint slow "$slow_port"
	config_tenant slow slow good 'buckets = nexus-test'
	for f in shell single native ruled absent broken unborn records failing old victim ping pong; do function_socket $f test; done
	function_socket unwritten down
	function_socket slow slow
}

pids=()
# runtime FUNCTION COMMAND...: an instance by nexus-runtime.
runtime() {
	"$build/guest-lib/nexus-runtime" --target "unix:$work/$1.sock" --port "$(free_port)" --gateway 0 -- "${@:2}" \
		2>>"$work/runtime.log" &
	pids+=($!)
}
native() {
	NEXUS_TARGET="unix:$work/$1.sock" "$build/selftests/unix/instance" 2>>"$work/runtime.log" &
	pids+=($!)
}

invoke_cleanup() {
	kill "$proxy" 2>/dev/null
	rm -f "$ports"
	kill "${pids[@]}" 2>/dev/null
	unix_cleanup
}

ports=$(mktemp -u)
"$top/selftests/store/fault-proxy" --to "$NEXUS_S3_PORT" --listen slow=250 --ports-to "$ports" >/dev/null &
proxy=$!
while [ ! -e "$ports" ]; do sleep 0.05; done
slow_port=$(cut -d' ' -f1 "$ports")
unix_start
trap invoke_cleanup EXIT
mkdir "$work/marks"
for _ in 1 2 3; do runtime shell "$top/selftests/unix/runtime.sh" "$work/marks"; done
runtime single "$top/selftests/unix/runtime.sh" "$work/marks"
runtime broken /bin/false
# shellcheck disable=SC2016	# the inner shells'
runtime unborn sh -c 'curl -sS -d "{\"errorType\":\"Example.Init\",\"errorMessage\":\"not today\"}" \
	"http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error"; sleep 0.3; exit 1'
runtime failing "$top/selftests/unix/runtime.sh" "$work/marks"
runtime old "$top/selftests/unix/runtime.sh" "$work/marks"
runtime ping "$top/selftests/unix/runtime.sh" "$work/marks"
# Whatever it is told of, it fails.
# shellcheck disable=SC2016
runtime pong sh -c 'while curl -sS -D "$0/pong.head" -o "$0/pong" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"; do
	id=$(sed -n "s/^Lambda-Runtime-Aws-Request-Id: \(.*\)\r$/\1/Ip" "$0/pong.head")
	curl -sS -d "{\"errorType\":\"E\",\"errorMessage\":\"m\"}" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/error"
done' "$work/marks"
# Keeps its event.
# shellcheck disable=SC2016
runtime records sh -c 'while curl -sS -D "$0/record.head" -o "$0/record.new" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"; do
	id=$(sed -n "s/^Lambda-Runtime-Aws-Request-Id: \(.*\)\r$/\1/Ip" "$0/record.head")
	curl -sS -d "{}" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
	mv "$0/record.new" "$0/record"
done' "$work/marks"
native native
native ruled
native unwritten
native slow
runtime victim "$top/selftests/unix/runtime.sh" "$work/marks"
victim=${pids[-1]}
tap_relay boto3 < <(VICTIM=$victim NEXUSCTL="$build/backend/nexusctl --control $work/control.sock" /usr/bin/python3 "$top/selftests/unix/invoke.py" "http://127.0.0.1:$port" "$work/marks" "$@")
unix_stop
tap_done
