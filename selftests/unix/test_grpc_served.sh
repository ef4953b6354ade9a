#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Functions that serve gRPC, called by the genuine grpcio, which comes before the shim of its name.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\ngrpc_listen = 127.0.0.1:%s\n' "$(free_port)" "$port"
	printf '[function served]\ntenant = served\ntimeout = 120s\nstart_timeout = 3s\nconcurrency = 30\n'
	printf 'grpc_services = nexus.test.Served other.Service\n'
	printf '[function single]\ntenant = served\nconcurrency = 1\nstart_timeout = 60s\ngrpc_services = nexus.test.Single\n'
	printf '[listen single]\npath = %s/single.sock\ntenant = served\nfunction = single\n' "$work"
	config_tenant served store good 'buckets = nexus-test' 'max_in_flight = 512'
	printf '[listen served]\npath = %s/served.sock\ntenant = served\nfunction = served\n' "$work"
}
unix_start
export PYTHONPATH=/usr/lib/python3/dist-packages:$build/guest-lib/python
tap_relay callers < <(timeout 300 /usr/bin/python3 -X faulthandler "$top/selftests/unix/grpc_callers.py" "127.0.0.1:$port" \
	"unix:$work/served.sock" "$work/notes" /usr/bin/python3 "$top/selftests/unix/grpc_server.py" 2>&1)
unix_stop
tap_done
