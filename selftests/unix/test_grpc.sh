#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# gRPC: a guest's calls, against the genuine grpcio, which comes before the shim of its name.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

unix_config() {
	local hosts='http_hosts = 127.0.0.1:*' buckets='buckets = nexus-test'

	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/ca.pem" -days 2 \
		-subj /CN=localhost -addext 'subjectAltName = IP:127.0.0.1' 2>/dev/null
	config_tenant rpc store good "$buckets" "$hosts" 'http_networks = 127.0.0.0/8' 'max_in_flight = 512'
	config_tenant closed store good "$buckets" "$hosts"
	config_tenant secure store good "$buckets" "$hosts" 'http_networks = 127.0.0.0/8' "ca_file = $work/ca.pem"
	unix_listen rpc closed secure
}
unix_start
tap_relay calls < <(PYTHONPATH=/usr/lib/python3/dist-packages:$build/guest-lib/python timeout 300 /usr/bin/python3 -X faulthandler \
	"$top/selftests/unix/grpc_calls.py" "$work" "$work/key.pem" "$work/ca.pem" 2>&1)
for counter in grpc_calls grpc_failures; do
	[ "$(nexusctl stats | awk -v name=$counter '$1 == name { print $2 }')" -gt 9 ]
	tap_ok $? "$counter are counted"
done
unix_stop
tap_done
