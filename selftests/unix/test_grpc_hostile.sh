#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Callers and servers that break HTTP/2 and gRPC: the daemon answers the next one.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\ngrpc_listen = 127.0.0.1:%s\n' "$(free_port)" "$port"
	printf '[function served]\ntenant = rpc\nstart_timeout = 1s\ngrpc_services = a.B\n'
	config_tenant rpc store good 'buckets = nexus-test' 'http_hosts = 127.0.0.1:*' 'http_networks = 127.0.0.0/8'
	unix_listen rpc
}
unix_start
tap_relay peers < <(PYTHONPATH=/usr/lib/python3/dist-packages:$build/guest-lib/python timeout 280 /usr/bin/python3 \
	"$top/selftests/unix/grpc_hostile.py" "127.0.0.1:$port" "unix:$work/rpc.sock" 2>&1)
unix_stop
tap_done
