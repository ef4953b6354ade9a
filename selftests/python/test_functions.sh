#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Functions as a tutorial has them, unmodified: over Nexus, called through the daemon, and with the genuine SDK.
# e2e/invoke_tutorial is the same in microVMs.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"
. "$top/selftests/python/lib.sh"

functions=(thumbnail convert counter orders)
logs=$(mktemp -d /tmp/nexus-functions.XXXXXX)
trap 'kill $services 2>/dev/null; rm -rf "$logs"' EXIT
services_start "$logs" || tap_ok 1 "the services start"
port=$(free_port)
grpc_port=$(free_port)
unix_config() {
	services_config "$work"
	printf '[ingress]\nlisten = 127.0.0.1:%s\ngrpc_listen = 127.0.0.1:%s\n' "$port" "$grpc_port"
	for name in "${functions[@]}" prices; do
		printf '[function %s]\ntenant = python\ntimeout = 60s\n' "$name"
		[ $name != prices ] || printf 'grpc_services = shop.Prices\n'
		printf '[listen f-%s]\npath = %s/f-%s.sock\nmode = 0666\ntenant = python\nfunction = %s\n' \
			"$name" "$work" "$name" "$name"
	done
}
unix_start
pids=()
trap 'kill "${pids[@]}" $services 2>/dev/null; unix_cleanup; rm -rf "$logs"' EXIT

export PYTHONDONTWRITEBYTECODE=1 AWS_DEFAULT_REGION=us-east-1 PYTHONPATH=$work/generated PRICES=127.0.0.1:$grpc_port
export S3_URL=$NEXUS_S3_URL DYNAMODB_URL=http://127.0.0.1:$NEXUS_DYNAMODB_PORT FUNCTIONS=$top/selftests/python/functions
mkdir "$work/generated"
protoc -I"$FUNCTIONS" --python_out="$work/generated" --grpc_python_out="$work/generated" \
	--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin prices.proto
tap_ok $? "a stub and a servicer are generated"
/usr/bin/python3 "$FUNCTIONS/prices.py" 127.0.0.1:0 "$work/prices.port" 2>>"$logs/runtime.log" &
pids+=($!)
NEXUS_TARGET="unix:$work/f-prices.sock" PYTHONPATH="$build/guest-lib/python:$PYTHONPATH" \
	/usr/bin/python3 "$FUNCTIONS/prices.py" 2>>"$logs/runtime.log" &
pids+=($!)
/usr/bin/python3 "$top/selftests/python/tutorial.py" seed "$logs"
tap_ok $? "the functions' inputs are in the store"
for name in "${functions[@]}"; do
	env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY LAMBDA_TASK_ROOT="$FUNCTIONS" TABLE_NAME=visits-nexus \
		NEXUS_TARGET="unix:$work/f-$name.sock" PYTHONPATH="$build/guest-lib/python:$PYTHONPATH" \
		/usr/bin/python3 "$top/guest-lib/python/nexus-python" "$name.handler" >>"$logs/runtime.log" 2>&1 &
	pids+=($!)
done
for event in "$logs"/nexus-*.json; do
	name=${event##*/nexus-}
	name=${name%-*}
	curl -s -m 120 -o "${event%.json}.answer" -H 'Content-Type: application/json' --data-binary "@$event" \
		"http://127.0.0.1:$port/2015-03-31/functions/$name/invocations"
done
until [ -e "$work/prices.port" ] || ! kill -0 "${pids[0]}"; do sleep 0.1; done
tap_relay functions < <(PRICES=127.0.0.1:$(cat "$work/prices.port") timeout 120 /usr/bin/python3 "$top/selftests/python/tutorial.py" judge "$logs" 2>&1)
tap_has "$(cat "$logs"/nexus-orders-5.answer)" 'my price number 7' "an order was haggled over, each question on one call"
tap_has "$(cat "$logs/runtime.log")" "a thumbnail of 64x40" "what they print is told"
[ "$tap_failures" -eq 0 ] || sed 's/^/# /' "$logs/runtime.log"
tap_done
