# SPDX-License-Identifier: GPL-2.0-only
# Callers in the virtual host, of functions whose microVMs the daemon starts from the images that images built.
# shellcheck shell=bash
. "$(dirname "$0")/lib.sh"
. "$top/selftests/tap.sh"
. "$top/selftests/e2e/functions.sh"

port=8080
url=http://127.0.0.1:$port
images=$build/selftests/e2e
if [ ! -e "$images/python.image" ]; then
	echo "# there are no images: make -C selftests images"
	exit 1
fi
limit=${FULL:+1000}
limit=${limit:-200}	# seconds, of whatever may take long in an emulated host

# invoke_start MAX-INSTANCES: the module, and the configuration without any function.
invoke_start() {
	host_start
	functions_configure "$1"
	printf '[ingress]\nlisten = 127.0.0.1:%s\n' $port >>$state/config/nexus.conf
}

# invoke_function NAME IMAGE [LINE...]: with time for an emulated host.
invoke_function() {
	function_config "$1" "$images/$2.image" "timeout = ${limit}s" "start_timeout = ${limit}s" 'keep_alive = 60s' "${@:3}"
}

# clients_configure: the functions of clients.py, whose tenant may invoke others.
clients_configure() {
	invoke_start 8
	invoke_function shell shell 'concurrency = 4' 'handler = app.main' 'environment = COLOUR=blue' 'environment = TEXT=two words, ü & 100%'
	invoke_function python python 'memory = 320M' 'concurrency = 2'
	config_endpoint lambda $port 'service = lambda' | sed "s|http://$host|http://127.0.0.1|" >>$state/config/nexus.conf
	sed -i '/^\[tenant test\]/,/^\[tenant small\]/s/^endpoint = store$/endpoint = store lambda/' $state/config/nexus.conf
}

# snapshot NAME...: of each, side by side.
snapshot() {
	local -A pids=()
	local name
	for name; do
		timeout $limit "$build/backend/nexusctl" --control $state/control.sock function snapshot "$name" &
		pids[$name]=$!
	done
	for name; do
		wait "${pids[$name]}"
		tap_ok $? "a snapshot of $name"
	done
}

# snapshot_shared NAME OTHER...: one, of functions of the same image and size.
snapshot_shared() {
	local name
	snapshot "$1"
	for name in "${@:2}"; do
		mkdir -m 700 $state/snapshots/"$name"
		ln $state/snapshots/"$1"/* $state/snapshots/"$name"/
	done
}

# invoke_callers WHO PROGRAM [ARGUMENT...]: the tests that a program of this directory runs become ours.
invoke_callers() {
	tap_relay "$1" < <(NEXUS_S3_URL=http://$host:$NEXUS_S3_PORT PYTHONDONTWRITEBYTECODE=1 timeout $((FULL ? 2300 : limit + 30)) \
		/usr/bin/python3 "$top/selftests/e2e/invoke/$2" $url "${@:3}" 2> >(sed 's/^/# /'))
}

# invoke_stop [NAME...]: nothing of these functions may be left, then nothing at all.
invoke_stop() {
	local name
	for name; do
		nexusctl function stop "$name" >/dev/null
		until_true 60 none_left "$name"
		tap_ok $? "$name: no instance is left"
	done
	[ -z "$(nexusctl vm list --json | grep '"id"')" ]
	tap_ok $? "no VM is held"
	[ -z "$(pgrep -P "$backend")" ]
	tap_ok $? "no VMM is left"
	tap_is "$(find $state/snapshots -type f 2>/dev/null | grep -cv '/\(ram\|state\|sidecar\)$')" 0 "no file is left"
	host_stop
	[ "$tap_failures" -eq 0 ] || tail -n 40 $state/backend.log | sed 's/^/# log: /'
	tap_done
}
none_left() { ! nexusctl function show "$1" | grep -q '"pid"'; }
