#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The gateway of nexus-runtime: an unmodified boto3 and an HTTP client, without keys and, in a guest,
# without a network.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(free_port)
web=$(free_port)
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\n[function echo]\ntenant = guest\n[function client]\ntenant = guest\n' "$port"
	printf '[caller guest]\ntenant = guest\ncredentials = credentials\nprofile = good\n'
	config_endpoint lambda "$port" 'service = lambda'
	config_tenant guest 'store lambda' good 'buckets = nexus-test' 'operations = * s3:PutObjectTagging' "http_hosts = 127.0.0.1:$web" 'http_networks = 127.0.0.0/8'
	printf '[listen %s]\npath = %s/%s.sock\ntenant = guest\nfunction = %s\n' echo "$work" echo echo client "$work" client client
}
unix_start
mkdir "$work/web"
echo "over plain HTTP" >"$work/web/hello.txt"
(cd "$work/web" && exec /usr/bin/python3 -m http.server --bind 127.0.0.1 "$web") >/dev/null 2>&1 &
pids=($!)
"$build/guest-lib/nexus-runtime" --target "unix:$work/echo.sock" --port "$(free_port)" --gateway 0 -- \
	"$top/selftests/unix/runtime.sh" "$work" 2>>"$work/runtime.log" &
pids+=($!)
env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$build/guest-lib/nexus-runtime" --target "unix:$work/client.sock" \
	--port "$(free_port)" --gateway "$(free_port)" -- "$top/selftests/unix/gateway.py" "$work/tap" "$web" 2>>"$work/client.log" &
pids+=($!)
trap 'kill "${pids[@]}"; unix_cleanup' EXIT
for _ in $(seq 600); do
	[ -e "$work/tap" ] && break
	sleep 0.1
done
[ -e "$work/tap" ] || cat "$work/client.log"
tap_relay guest <"$work/tap"
unix_stop
tap_done
