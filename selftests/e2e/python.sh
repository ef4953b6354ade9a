# SPDX-License-Identifier: GPL-2.0-only
# Python functions in microVMs that the daemon starts; machine_invoke_tutorial.sh has made their images and inputs.
# shellcheck shell=bash

port=8080
grpc_port=8081
images=$build/selftests/python

# python_configure: functions_configure, with a tenant that has S3 and DynamoDB, and the ingress.
python_configure() {
	[ -e "${NEXUS_TUTORIAL:-}" ] || { tap_ok 1 "machine_invoke_tutorial.sh has made ready"; tap_done; }
	functions_configure 5
	{
		config_endpoint dynamodb "$NEXUS_DYNAMODB_PORT" 'service = dynamodb'
		config_tenant python 'store dynamodb' good 'buckets = nexus-test' 'max_pinned = 64M' \
			"http_hosts = 127.0.0.1:$grpc_port" 'http_networks = 127.0.0.0/8'
		printf '[ingress]\nlisten = 127.0.0.1:%s\ngrpc_listen = 127.0.0.1:%s\n' $port $grpc_port
	} >>$state/config/nexus.conf
	cp "$NEXUS_TUTORIAL"/*.json $state/
	echo '{}' >$state/empty.json
}

# python_program NAME COMMAND: nexus-init's arguments come by the kernel's command line.
python_program() {
	local arguments="--chdir /var/task --env LAMBDA_TASK_ROOT=/var/task --env TABLE_NAME=visits-nexus --env PRICES=127.0.0.1:$grpc_port"
	function_config "$1" "$images/shims.image" 'memory = 256M' 'timeout = 300s' 'start_timeout = 300s' \
		'keep_alive = 600s' 'concurrency = 1'
	sed -i "s|^tenant = .*|tenant = python|; s|^append = .*|& -- $arguments $2|" \
		"$state/config/functions.d/$1.conf"
}

# python_function NAME MODULE.FUNCTION
python_function() { python_program "$1" "/usr/bin/nexus-python $2"; }

# invoke NAME EVENT ANSWER: files; prints the HTTP status.
invoke() {
	curl -s -m 500 -o "$3" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary "@$2" \
		"http://127.0.0.1:$port/2015-03-31/functions/$1/invocations"
}

running() { nexusctl function show "$1" | grep -c '"pid"'; }
none_left() { [ "$(running "$1")" = 0 ]; }
counter() { nexusctl stats | awk -v name="$1" '$1 == name { print $2 }'; }

# python_snapshot NAME: until there is one. By a call of its own, as functions of the shell have no time-out.
has_snapshot() { nexusctl function show "$1" | grep -q '"snapshot": true'; }
python_snapshot() {
	timeout 500 "$build/backend/nexusctl" --control $state/control.sock function snapshot "$1" >/dev/null
	until_true 300 has_snapshot "$1"
}

# python_explain: what may say why a test failed.
python_explain() {
	[ "$tap_failures" -eq 0 ] || tail -n 80 $state/backend.log | sed 's/^/# /'
}
