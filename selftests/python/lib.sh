# SPDX-License-Identifier: GPL-2.0-only
# The services of the SDKs' tests, and a tenant of the daemon that may use them.
# shellcheck shell=bash

# services_start DIR: DynamoDB, Kinesis, Lambda ... ; sets services (a process id, to be killed) and NEXUS_*_PORT.
services_start() {
	"$top/selftests/store/services" start --aws --dir "$1/services" </dev/null >"$1/services.log" 2>&1 || {
		cat "$1/services.log"
		return 1
	}
	eval "$("$top/selftests/store/services" env --dir "$1/services")"
	services=$(<"$1/services/aws.pid")
}

# services_config DIR: the endpoints, tenant python and its socket, to be added to nexus.conf.
services_config() {
	local pair name port names=
	for pair in dynamodb:DYNAMODB kinesis:KINESIS lambda:LAMBDA secretsmanager:JSON ssm:JSON states:JSON \
		events:JSON kms:JSON sns:QUERY sts:QUERY sqs:SQS; do
		name=${pair%:*}
		port=NEXUS_${pair#*:}_PORT
		printf '[endpoint %s]\nurl = http://127.0.0.1:%s\nservice = %s\n' "$name" "${!port}" "$name"
		names="$names $name"
	done
	printf '[tenant python]\nendpoint = store%s\ncredentials = credentials\nprofile = good\n' "$names"
	printf 'buckets = nexus-test nexus-foreign nexus-none\nhttp_hosts = *:*\nhttp_networks = 127.0.0.0/8\nmax_pinned = 512M\noperations = * s3:*\n'
	printf '[listen python]\npath = %s/python.sock\nmode = 0666\ntenant = python\nfunction = unix\n' "$1"
}
