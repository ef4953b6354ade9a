#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nexus-python: handlers called by the genuine boto3 through the daemon's Invoke API.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

functions=(echo fails odd store tagged prefetched told results)
# Handlers that cannot be had.
declare -A broken=([nomodule]=nowhere.f [nofunction]=raises/well.missing [nodot]=handler [syntax]=syntax.f
	[raises]=raises.badly.f [builtin]=sys.exit)
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
unix_config() {
	local name
	printf '[ingress]\nlisten = 127.0.0.1:%s\n' "$port"
	mkdir "$work/config/functions.d"
	for name in "${functions[@]}" hooked dice1 dice2 json "${!broken[@]}"; do
		printf '[function %s]\ntenant = test\ntimeout = 20s\n' "$name" >"$work/config/functions.d/$name.conf"
		printf '[listen f-%s]\npath = %s/f-%s.sock\nmode = 0666\ntenant = test\nfunction = %s\n' \
			"$name" "$work" "$name" "$name"
	done
}
unix_start
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; unix_cleanup' EXIT
export PYTHONDONTWRITEBYTECODE=1 LAMBDA_TASK_ROOT=$top/selftests/python AWS_DEFAULT_REGION=us-east-1
# runtime NAME HANDLER: a process in the place of a microVM, begun again when it ends.
runtime() {
	while [ -e "$work" ]; do
		NEXUS_TARGET=unix:$work/f-$1.sock PYTHONPATH=$build/guest-lib/python \
			/usr/bin/python3 "$top/guest-lib/python/nexus-python" "$2" >>"$work/runtime.log" 2>&1
		sleep 0.5
	done &
	pids+=($!)
}
for name in "${functions[@]}"; do
	runtime "$name" "handler.$name"
done
# As if of one snapshot.
NEXUS_TEST_SEED=1 runtime dice1 handler.dice
NEXUS_TEST_SEED=1 runtime dice2 handler.dice
NEXUS_TEST_SEED=1 runtime hooked handler.hooked
AWS_LAMBDA_LOG_FORMAT=JSON AWS_LAMBDA_LOG_LEVEL=info runtime json handler.results
mkdir -p "$work/task/raises"
echo 'def f(:' >"$work/task/syntax.py"
echo 'f = 1' >"$work/task/raises/well.py"
printf '%s\n' 'def begin():' '    raise RuntimeError("no database")' 'begin()' >"$work/task/raises/badly.py"
for name in "${!broken[@]}"; do
	LAMBDA_TASK_ROOT=$work/task runtime "$name" "${broken[$name]}"
done
tap_relay runtime < <(timeout 120 /usr/bin/python3 "$top/selftests/python/call.py" "$port" 2>&1 | tee "$work/call.log")
grep -q "a line of the function" "$work/runtime.log"
tap_ok $? "runtime: what the handler prints is the process's output"
NEXUS_TARGET=unix:$work/f-echo.sock PYTHONPATH=$build/guest-lib/python timeout 30 \
	/usr/bin/python3 "$top/guest-lib/python/nexus-python" handler.missing >"$work/missing.log" 2>&1
tap_is $? 1 "runtime: a handler that is not there ends it"
tap_has "$(cat "$work/missing.log")" "Runtime.HandlerNotFound: Handler 'missing' missing on module 'handler'" \
	"runtime: and says so"
tap_is "$(nexusctl stats --json | /usr/bin/python3 -c "import json, sys; print(json.load(sys.stdin)['totals']['prefetch_hits'])")" 3 \
	"runtime: by the daemon's count too, three objects were served from the windows"
[ "$tap_failures" -eq 0 ] || sed 's/^/# /' "$work/runtime.log" "$work/call.log"
tap_done
