#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One program, twice: on Debian's genuine grpcio, and on the drop-in through the daemon, against the same genuine
# server. And the other way round: the genuine client, against a genuine server, and against the same servicer as a
# function on the drop-in. What both saw has to be equal, or is listed in Documentation/python.rst.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

parts=(grpc grpc_streams grpc_futures grpc_aio)
served=(grpc grpc_streams)
here=$top/selftests/python
shims=$build/guest-lib/python

unix_config() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/ca.pem" -days 2 \
		-subj /CN=localhost -addext 'subjectAltName = DNS:localhost, IP:127.0.0.1' 2>/dev/null
	config_tenant python store good 'buckets = nexus-test' 'http_hosts = *:*' 'http_networks = 127.0.0.0/8' \
		"ca_file = $work/ca.pem" 'max_in_flight = 512' 'max_pinned = 512M'
	unix_listen python
	printf '[ingress]\nlisten = 127.0.0.1:%s\ngrpc_listen = 127.0.0.1:%s\n' "$(free_port)" "$ingress"
	printf '[function notes]\ntenant = python\ntimeout = 300s\nconcurrency = 64\n'
	printf 'grpc_services = nexus.test.Notes nexus.test.Raw nexus.test.Sync\n'
	printf '[listen notes]\npath = %s/notes.sock\ntenant = python\nfunction = notes\n' "$work"
}
ingress=$(free_port)
unix_start

mkdir "$work/generated"
protoc -I"$here/grpc" --python_out="$work/generated" --grpc_python_out="$work/generated" \
	--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin notes.proto
tap_ok $? "a stub and a servicer are generated"

started=()
trap 'kill "${started[@]}" 2>/dev/null; unix_cleanup' EXIT

# serve PROGRAM: by the genuine package, which says its ports in ports[], and as a function.
serve() {
	rm -f "$work/ports"
	PYTHONPATH=$work/generated /usr/bin/python3 "$here/grpc/$1" "$work/ports" "${@:2}" 2>>"$work/genuine.log" &
	started+=($!)
	PYTHONPATH=$shims:$work/generated NEXUS_TARGET=unix:$work/notes.sock \
		/usr/bin/python3 -X faulthandler "$here/grpc/$1" 2>>"$work/function.log" &
	started+=($!)
	for _ in $(seq 1200); do
		[ ! -e "$work/ports" ] || break
		sleep 0.1
	done
	read -ra ports <"$work/ports"
	export NEXUS_GRPC_TARGET=127.0.0.1:${ports[0]}
}

serve_end() {
	kill "${started[@]}"
	wait "${started[@]}"
	started=()
}

export NEXUS_GRPC_CA=$work/ca.pem NEXUS_GRPC_GENERATED=$work/generated PYTHONHASHSEED=0

# run WHICH PART...: the program's facts, to $work/WHICH, one of them that it came to its end.
run() {
	local which=$1 part end
	shift
	for part; do
		end=yes
		timeout 250 /usr/bin/python3 -X faulthandler "$here/program.py" "$part" >>"$work/$which" 2>"$work/error.$which" || {
			end="not $which"
			tail -n 20 "$work/error.$which" | sed 's/^/# /'
		}
		printf '{"name": "%s %s: came to its end", "value": "%s"}\n' "${NEXUS_GRPC_SIDE:-grpc}" "$part" "$end" >>"$work/$which"
	done
}

# Both at once: they wait more than they work.
serve servicer.py "$work/key.pem" "$work/ca.pem"
export NEXUS_GRPC_SECURE=localhost:${ports[1]}
run genuine "${parts[@]}" &
genuine=$!
PYTHONPATH=$shims NEXUS_TARGET=unix:$work/python.sock run shim "${parts[@]}"
wait $genuine
PYTHONPATH=$shims NEXUS_TARGET=unix:$work/python.sock timeout 100 /usr/bin/python3 - <<'END'
import os
import grpc
from grpc._utilities import first_version_is_lower
assert not first_version_is_lower(grpc.__version__, "1.76.0")
with grpc.insecure_channel(os.environ["NEXUS_GRPC_TARGET"]) as channel:
    assert channel.unary_unary("/nexus.test.Raw/Echo", _registered_method=True)(b"x") == b"x"
server = grpc.server(None)
server.add_registered_method_handlers("a.B", {})
END
tap_ok $? "what newer generated code asks for"
unset NEXUS_GRPC_SECURE
export NEXUS_GRPC_SIDE=served
run genuine "${served[@]}" &
genuine=$!
NEXUS_GRPC_TARGET=127.0.0.1:$ingress run shim "${served[@]}"
wait $genuine
serve_end
serve aio_servicer.py
run genuine grpc_served &
genuine=$!
NEXUS_GRPC_TARGET=127.0.0.1:$ingress run shim grpc_served
wait $genuine
serve_end
tap_relay grpc < <(/usr/bin/python3 "$here/compare.py" "$work/genuine" "$work/shim" "$top/Documentation/python.rst" \
	grpc served)
unix_stop
tap_done
