#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# gRPC callers by TLS: certificates and tokens say who they are. The callers are the genuine grpcio's.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(free_port)
metrics=$(free_port)
config_backend="metrics_listen = 127.0.0.1:$metrics
"

# certificate NAME SUBJECT [EXTENSION] [AUTHORITY]
certificate() {
	openssl req -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$work/$1.csr" -subj "/CN=$2" 2>/dev/null
	openssl x509 -req -in "$work/$1.csr" -CA "$work/${4:-ca}.pem" -CAkey "$work/${4:-ca}.key" -CAcreateserial \
		-days 2 -out "$work/$1.pem" -extfile <(echo "${3:-basicConstraints = CA:FALSE}") 2>/dev/null
}

# authority NAME: that signs itself, and is good for localhost.
authority() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$work/$1.pem" -days 2 \
		-subj /CN=localhost -addext 'subjectAltName = DNS:localhost, IP:127.0.0.1' 2>/dev/null
}

# caller NAME LINE...
caller() {
	printf '[caller %s]\ntenant = served\n' "$1"
	printf '%s\n' "${@:2}"
}

unix_config() {
	local name
	authority ca
	authority second
	authority elsewhere
	cp "$work/ca.pem" "$work/server.pem"
	cp "$work/ca.key" "$work/server.key"
	certificate acme acme.example
	certificate san someone 'subjectAltName = DNS:other.example, DNS:san.example'
	certificate uri someone 'subjectAltName = URI:spiffe://example/billing'
	certificate unknown unknown.example
	certificate shadow acme.example 'subjectAltName = DNS:shadow.example'
	certificate foreign acme.example '' elsewhere
	for name in acme other; do
		echo "0123456789abcdef-$name" >"$work/token.$name"
		chmod 600 "$work/token.$name"
	done
	printf '[ingress]\ngrpc_listen = 127.0.0.1:%s\ngrpc_certificate = %s\ngrpc_key = %s\ngrpc_client_ca = %s\n' \
		"$port" "$work/server.pem" "$work/server.key" "$work/ca.pem"
	caller acme 'certificate = acme.example' "token_file = $work/token.acme"
	caller san 'certificate = san.example'
	caller uri 'certificate = spiffe://example/billing'
	printf '[caller other]\ntenant = other\ntoken_file = %s\n' "$work/token.other"
	printf '[function served]\ntenant = served\ntimeout = 120s\nconcurrency = 30\ngrpc_services = nexus.test.Served\n'
	config_tenant served store good 'buckets = nexus-test' 'max_in_flight = 512'
	config_tenant other store good 'buckets = nexus-test'
	printf '[listen served]\npath = %s/served.sock\ntenant = served\nfunction = served\n' "$work"
}
unix_start
export PYTHONPATH=/usr/lib/python3/dist-packages:$build/guest-lib/python
tap_relay callers < <(timeout 300 /usr/bin/python3 -X faulthandler "$top/selftests/unix/grpc_auth.py" "$work" "$port" \
	"unix:$work/served.sock" "$work/notes" /usr/bin/python3 "$top/selftests/unix/grpc_server.py" 2>&1)
counted=$(curl -s "http://127.0.0.1:$metrics/metrics")
tap_has "$counted" 'nexus_grpc_caller_unauthenticated_total 6' "the six refusals are counted"
tap_has "$counted" 'nexus_grpc_caller_connections ' "as are connections"
served=$(sed -n 's/^nexus_grpc_served_total //p' <<<"$counted")
calls=$(sed -n 's/^nexus_grpc_caller_calls_total //p' <<<"$counted")
failed=$(sed -n 's/^nexus_grpc_caller_failures_total //p' <<<"$counted")
tap_is "$served" "$((calls - failed))" "and calls: what did not fail was served ($served of $calls)"
unix_stop
tap_done
