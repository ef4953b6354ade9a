#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One program, twice: on Debian's genuine grpcio, and on the drop-in through the daemon, against the same genuine
# server. What both saw has to be equal, or is listed in Documentation/python.rst.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

parts=(grpc grpc_streams grpc_futures grpc_aio)
here=$top/selftests/python
shims=$build/guest-lib/python

unix_config() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/ca.pem" -days 2 \
		-subj /CN=localhost -addext 'subjectAltName = DNS:localhost, IP:127.0.0.1' 2>/dev/null
	config_tenant python store good 'buckets = nexus-test' 'http_hosts = *:*' 'http_networks = 127.0.0.0/8' \
		"ca_file = $work/ca.pem" 'max_in_flight = 512' 'max_pinned = 512M'
	unix_listen python
}
unix_start

mkdir "$work/generated"
protoc -I"$here/grpc" --python_out="$work/generated" --grpc_python_out="$work/generated" \
	--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin notes.proto
tap_ok $? "a stub and a servicer are generated"

PYTHONPATH=$work/generated /usr/bin/python3 "$here/grpc/servicer.py" "$work/ports" "$work/key.pem" "$work/ca.pem" \
	2>"$work/servicer.log" &
servicer=$!
trap 'kill $servicer 2>/dev/null; unix_cleanup' EXIT
for _ in $(seq 1200); do
	[ ! -e "$work/ports" ] || break
	sleep 0.1
done
read -r port secure <"$work/ports"
export NEXUS_GRPC_TARGET=127.0.0.1:$port NEXUS_GRPC_SECURE=localhost:$secure NEXUS_GRPC_CA=$work/ca.pem
export NEXUS_GRPC_GENERATED=$work/generated NEXUS_TARGET=unix:$work/python.sock PYTHONHASHSEED=0

# run WHICH PART...: the program's facts, to $work/WHICH.
run() {
	local which=$1 part
	shift
	for part; do
		timeout 600 /usr/bin/python3 -X faulthandler "$here/program.py" "$part" >>"$work/$which" 2>"$work/error" || {
			tap_ok 1 "$part runs to its end: $which"
			tail -n 20 "$work/error" | sed 's/^/# /'
		}
	done
}
run genuine "${parts[@]}"
PYTHONPATH=$shims run shim "${parts[@]}"
tap_relay grpc < <(/usr/bin/python3 "$here/compare.py" "$work/genuine" "$work/shim" "$top/Documentation/python.rst" grpc)
kill $servicer
unix_stop
tap_done
