# SPDX-License-Identifier: GPL-2.0-only
# The daemon's configuration for the tests, in $state/config.
# shellcheck shell=bash

# config_endpoint NAME PORT [LINE...]: an endpoint on the machine, which is called $host.
config_endpoint() {
	printf '[endpoint %s]\nurl = http://%s:%s\nregion = us-east-1\npath_style = yes\n' "$1" "$host" "$2"
	printf '%s\n' "${@:3}"
}

# config_tenant NAME ENDPOINT PROFILE [LINE...]
config_tenant() {
	printf '[tenant %s]\nendpoint = %s\ncredentials = credentials\nprofile = %s\n' "$1" "$2" "$3"
	printf '%s\n' "${@:4}"
}

# The usual configuration: tenants for what works and for each thing that does not.
# config_backend: more lines of [backend].
config_write() {
	local dir=$state/config port=$NEXUS_S3_PORT
	(
		umask 077
		cat >$dir/credentials <<-END
			[good]
			aws_access_key_id = $NEXUS_AWS_ACCESS_KEY_ID
			aws_secret_access_key = $NEXUS_AWS_SECRET_ACCESS_KEY
			[wrong]
			aws_access_key_id = $NEXUS_AWS_ACCESS_KEY_ID
			aws_secret_access_key = not-the-key
		END
	)
	{
		printf '[backend]\nworkers = 1\ncontrol = %s/control.sock\n%s' $state "${config_backend-}"
		config_endpoint store "$port"
		config_endpoint hang "${NEXUS_FAULT_HANG:-1}" 'stall_timeout = 2s' 'max_attempts = 1'
		config_endpoint cut "${NEXUS_FAULT_CUT:-1}" 'retry_backoff = 10ms'
		config_endpoint down 1 'retry_backoff = 10ms'
		config_tenant test store good 'buckets = nexus-test' 'max_pinned = 64M'
		config_tenant small store good 'buckets = nexus-test' 'max_pinned = 1M'
		config_tenant wrong store wrong 'buckets = nexus-test'
		config_tenant hang hang good 'buckets = nexus-test'
		config_tenant cut cut good 'buckets = nexus-test'
		config_tenant down down good 'buckets = nexus-test'
	} >$dir/nexus.conf
}

