#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# On the machine, for test_invoke_tutorial.sh: images, a DynamoDB, the functions' inputs.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/python/lib.sh"

dir=$(mktemp -d /tmp/nexus-python.XXXXXX)
trap 'kill $services $! 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 0' TERM
make -s -C "$top/selftests/python" -f images.mk O="$build" >"$dir/make.log" 2>&1 || { cat "$dir/make.log" >&2; exit 1; }
mkdir "$dir/tutorial"
services_start "$dir" >&2 || exit 1
PRICES=there S3_URL=$NEXUS_S3_URL DYNAMODB_URL=http://127.0.0.1:$NEXUS_DYNAMODB_PORT AWS_DEFAULT_REGION=us-east-1 \
	/usr/bin/python3 "$top/selftests/python/tutorial.py" seed "$dir/tutorial" || exit 1
echo "NEXUS_DYNAMODB_PORT=$NEXUS_DYNAMODB_PORT"
echo "NEXUS_TUTORIAL=$dir/tutorial"
echo ready
sleep infinity &
wait $!
