#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nexus-backend --check-config: every fault has its line, its value and a remedy.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
backend=${NEXUS_BUILD:-$top/build}/backend/nexus-backend
. "$top/selftests/tap.sh"
[ -x "$backend" ] || tap_skip_all "$backend is not built"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

check() { output=$("$backend" --config "$dir" --check-config 2>&1); }

good='[endpoint e]
url = http://127.0.0.1:9000
[tenant t]
endpoint = e
credentials = keys
buckets = data logs-*'

# config TEXT: what the only *.conf holds.
config() { printf '%s\n' "$1" >"$dir/a.conf"; }

# keys [MODE [TEXT]]: the credentials file.
keys() {
	rm -f "$dir/keys"
	printf '%b\n' "${2:-[default]\naws_access_key_id = A\naws_secret_access_key = B}" >"$dir/keys"
	chmod "${1:-600}" "$dir/keys"
}

# fault DESCRIPTION PART...: it is refused, and each part is said.
fault() {
	local part
	check
	tap_is $? 1 "$1: exit status 1"
	for part in "${@:2}"; do
		tap_has "$output" "$part" "$1: says '$part'"
	done
}

keys
config "$good"
check
tap_is $? 0 "a good configuration: exit status 0"
tap_is "${output%%,*}" "configuration is fine: 1 tenants" "and says so"

config "$good
[listen l]
path = $dir/l.sock
mode = 0600
tenant = t
function = f
[backend]
workers = 3
control = /run/x
spin_us = 20
journal = $dir
journal_max = 64M
journal_attempts = 3
[endpoint other]
url = https://[::1]
region = eu
path_style = no
connect_timeout = 500ms
stall_timeout = 30s
idle_timeout = 5m
max_connections = 8
[tenant full]
endpoint = other
credentials = $dir/keys
profile = default
buckets = one-bucket
buckets = another-bucket
timeout = 1h
max_pinned = 64M
max_in_flight = 9
write_mode = journaled
max_unwritten = 1M
ca_file = $dir/keys
operations = s3:Get* dynamodb:Query
operations = *
http_hosts = api.example.com *.example.org:8443 [::1]:* 10.0.0.1:80, *
http_networks = 10.1.0.0/16 ::1 fd00::/8
requests_per_second = 1000
requests_burst = 1
bytes_per_second = 100M
bytes_burst = 64K
max_operations = 100
weight = 10000
[endpoint table]
url = http://127.0.0.1:8000
service = dynamodb
[tenant two]
endpoint = other table
credentials = keys
buckets = a-bucket b-bucket/raw/* c-*/x
[tenant web]
http_hosts = api.example.com
[tenant cloud]
endpoint = table
credentials = imds
[tenant cloud6]
endpoint = table
credentials = imds:http://[fd00:ec2::254]
[tenant box]
endpoint = table
credentials = http://169.254.170.23/v1/credentials
credentials_token = /run/token
[tenant shell]
endpoint = table
credentials = env"
printf 'export AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY="b"\n' >"$dir/env"
chmod 600 "$dir/env"
check
tap_is "$output" "configuration is fine: 8 tenants, 3 endpoints, 1 listening sockets, 3 workers" "every key is known"

config "$good
[endpont x]"
fault "an unknown section" "a.conf:7: unknown section [endpont x]" "[endpoint NAME]"
config "$good
bukets = x"
fault "an unknown key" "a.conf:7: unknown key bukets in [tenant]" "did you mean buckets?"
config "$good
frobnicate = x"
fault "a key unlike any other" "a.conf:7: unknown key frobnicate in [tenant]"
config "workers = 1
$good"
fault "a key before any section" "a.conf:1: key workers stands before the first section"
config "$good
[backend]
just words"
fault "a line that is none" "a.conf:8: neither a section header nor KEY = VALUE"
config "$good
[tenant t2"
fault "an open section header" "a.conf:7: section header without a closing ']'"
config "$good
[tenant a b]"
fault "a bad name" "a.conf:7: section [tenant a b]: write [tenant NAME]"
config "$good
[tenant]"
fault "a section without its name" "a.conf:7: section [tenant]: write [tenant NAME]"
config "$good
[backend x]"
fault "a section with a name too many" "a.conf:7: section [backend x]: write just [backend]"
config "$good
[tenant t]"
fault "a section twice" "a.conf:7: section [tenant t] is there already, at $dir/a.conf:3"
config "$good
profile = a
profile = b"
fault "a key twice" "a.conf:8: profile is given already, in line 7"

while IFS='|' read -r section key value remedy; do
	config "$good
[$section]
$key = $value"
	fault "$key = $value" "a.conf:8: $key = $value: $remedy"
done <<-'END'
	backend|workers|0|write a number from 1 to 64
	backend|workers|many|write a number
	backend|workers|99999999999999999999|write a number
	backend|control|run/x|write an absolute path
	backend|spin_us|-1|write microseconds
	endpoint x|url|ftp://h|the scheme must be http or https
	endpoint x|url|no url|not a URL: write http://HOST
	endpoint x|url|http://h/path|write the scheme, the host and the port only
	endpoint x|url|http://user@h|write the scheme
	endpoint x|path_style|perhaps|write yes or no
	endpoint x|connect_timeout|30|write a number with its unit, like 500ms
	endpoint x|connect_timeout|0s|write a number with its unit
	endpoint x|idle_timeout|25h|write a number with its unit
	endpoint x|stall_timeout|5 s|write a number with its unit
	endpoint x|max_connections|0|write a number from 1 to 4096
	endpoint x|ca_file|certs.pem|write an absolute path
	tenant x|endpoint|nowhere|there is no such [endpoint NAME] section
	backend|journal|here|write an absolute path
	backend|journal_max|1K|write bytes, or a number with K, M or G
	backend|journal_attempts|0|write a number from 1 to 1000
	tenant x|write_mode|later|write through, deferred or journaled
	tenant x|write_mode|journaled|there is no journal: write
	tenant x|max_unwritten|0|write bytes, or a number with K, M or G
	tenant x|buckets|UPPER|write BUCKET or BUCKET/KEY
	tenant x|buckets|a*b|write BUCKET or BUCKET/KEY
	tenant x|buckets|abc/|write BUCKET or BUCKET/KEY
	tenant x|buckets|abc/a*b|write BUCKET or BUCKET/KEY
	tenant x|operations|GetObject|write SERVICE:ACTION
	tenant x|operations|s3:|write SERVICE:ACTION
	tenant x|operations|s3:*Object|write SERVICE:ACTION
	tenant x|http_hosts|http://h|write HOST or HOST:PORT
	tenant x|http_hosts|*h|write HOST or HOST:PORT
	tenant x|http_hosts|*.|write HOST or HOST:PORT
	tenant x|http_hosts|h:0|write HOST or HOST:PORT
	tenant x|http_hosts|[x]|write HOST or HOST:PORT
	tenant x|http_networks|10.1.0.0/8|write networks
	tenant x|http_networks|10.0.0.0/33|write networks
	tenant x|http_networks|localhost|write networks
	tenant x|requests_per_second|0|write a number from 1
	tenant x|requests_burst|1.5|write a number from 1
	tenant x|bytes_per_second|100|write bytes
	tenant x|max_operations|0|write a number from 1
	tenant x|weight|10001|write a number from 1 to 10000
	tenant x|credentials|imds:host|write imds:http://HOST
	tenant x|ca_file|/nowhere.pem|No such file
	endpoint x|service|S3|write the name that signatures carry
	tenant x|max_pinned|64T|write bytes, or a number with K, M or G
	tenant x|max_pinned|1K|write bytes
	tenant x|max_in_flight|-3|write a number
	tenant x|timeout|forever|write a number with its unit
	listen x|path|relative|write an absolute path
	listen x|mode|999|write octal permissions
	listen x|tenant|nobody|there is no such [tenant NAME] section
	listen x|function|a b|write 1 to 63 characters
END

config "$good
[endpoint x]"
fault "no url" "a.conf:7: x lacks the key url"
config '[endpoint e]
url = http://h
[tenant t]
endpoint = e'
fault "no buckets, no credentials" "a.conf:3: t has an endpoint for s3, but lacks the key buckets" \
	"a.conf:3: t has an endpoint, but lacks the key credentials"
config "$good
[endpoint again]
url = http://h
[tenant both]
endpoint = e again
credentials = keys
buckets = abc"
fault "two endpoints for one service" "a.conf:10: endpoint = again: another one of the list is for the same service"
config '[backend]
workers = 1'
fault "no tenant" "no [tenant NAME] section"
config "$good
[backend]
workers = 0
spin_us = x"
fault "two faults at once" "a.conf:8: workers" "a.conf:9: spin_us"

config "$good
[ingress]
listen = 127.0.0.1
[function f]
tenant = nobody
retries = 3
prefetch = /bucket
concurrency = 0
grpc_services = a.B /a.B/C
vmm_pool = 1001
on_failure = nobody
[function g]
tenant = t
on_failure = g
[tenant u]
endpoint = e
credentials = keys
[function h]
tenant = u
on_failure = g
max_event_age = 25h
[caller c]
tenant = t
credentials = gone"
fault "callers and functions" "a.conf:8: listen = 127.0.0.1: write ADDRESS:PORT" \
	"a.conf:10: tenant = nobody: there is no such [tenant NAME] section" "a.conf:11: retries = 3: write 0, 1 or 2" \
	"a.conf:12: prefetch = /bucket: write where events name" "a.conf:13: concurrency = 0" \
	"a.conf:14: grpc_services = a.B /a.B/C: write PACKAGE.SERVICE" \
	"a.conf:15: vmm_pool = 1001: write a number from 0 to 1000" "gone: cannot open" \
	"a.conf:16: on_failure = nobody: there is no such [function NAME] section" \
	"a.conf:19: on_failure = g: it would be told of its own failures" "a.conf:25: on_failure = g: it is another tenant's" \
	"a.conf:26: max_event_age = 25h: write a number with its unit"
config "$good
[function f]
tenant = t
environment = 1A=b
environment = A
environment = B=1
environment = B=2
[function g]
tenant = t
kernel = /vmlinux
image = /image
environment = A=$(printf '%02000d' 0)"
fault "an environment" "a.conf:9: environment = 1A=b: write NAME=VALUE" "a.conf:10: environment = A: write NAME=VALUE" \
	"a.conf:12: environment = B=2: this name has a value already" "a.conf:13: g has more than 2047 bytes of append, handler and"
config "$good
[ingress]
listen = 127.0.0.1:9090
key = $dir/none"
fault "half of TLS" "a.conf:7: [ingress] has a key but no certificate: TLS needs both"
config "$good
[ingress]
listen = 127.0.0.1:9090
key = $dir/none
certificate = $dir/keys"
fault "no key" "a.conf:9: key = $dir/none: No such file"
config "$good
[ingress]
listen = [::1]:9090
grpc_listen = 127.0.0.1:9091
region = eu-west-1
max_connections = 4
certificate = $dir/keys
key = $dir/keys
idle_timeout = 10s
[backend]
max_invocations = 10
[function g]
tenant = t
[function f]
tenant = t
max_event_age = 1h
on_failure = g
handler = app.handler
environment = A=b c
environment = B=
start_timeout = 1s
max_events = 0
retries = 0
retry_delay = 1s
vmm_pool = 2
vmm_pool_idle = 10m
prefetch = /bucket /key
prefetch = data /a~1b/0
grpc_services = helloworld.Greeter other
grpc_services = more.Of_Them2
[caller c]
tenant = t
credentials = keys"
check
tap_is $? 0 "good ones"

printf '0123456789abcdef-token\n' >"$dir/token"
chmod 600 "$dir/token"
printf 'short\n' >"$dir/short"
chmod 600 "$dir/short"
config "$good
[ingress]
grpc_listen = 192.0.2.1:9091
grpc_client_ca = $dir/keys
[function f]
tenant = t
grpc_services = a.B a.C
[function g]
tenant = t
grpc_services = a.D a.C
[caller nothing]
tenant = t
[caller short]
tenant = t
token_file = $dir/short
[caller one]
tenant = t
token_file = $dir/token
certificate = one
[caller two]
tenant = t
token_file = $dir/token
certificate = one"
fault "gRPC callers" "a.conf:9: grpc_client_ca = $dir/keys: only by TLS there are certificates" \
	"a.conf:15: grpc_services = a.C: another function serves it" \
	"a.conf:16: [caller nothing] lacks a key by which it is known" \
	"a.conf:20: token_file = $dir/short: its first line is the token: write 16 to 4096" \
	"a.conf:23: token_file = $dir/token: whoever listens on the network would have it" \
	"a.conf:27: token_file = $dir/token: another [caller NAME] has the same token" \
	"a.conf:28: certificate = one: another [caller NAME] has it"
chmod 604 "$dir/token"
config "$good
[ingress]
grpc_certificate = $dir/none
[caller c]
tenant = t
token_file = $dir/token
certificate = one"
fault "more of them" "a.conf:7: [ingress] lacks the key listen, or grpc_listen" "[ingress] has a grpc_certificate but no grpc_key" \
	"a.conf:8: grpc_certificate = $dir/none: No such file" "token: every user may read it: chmod 0600 or 0640" \
	"certificate = one: write grpc_client_ca in [ingress]"
chmod 600 "$dir/token"
config "$good
[ingress]
grpc_listen = 192.0.2.1:9091
grpc_certificate = $dir/keys
grpc_key = $dir/keys
grpc_client_ca = $dir/keys
[caller c]
tenant = t
token_file = $dir/token
certificate = one"
check
tap_is $? 0 "gRPC's callers alone"

config "$good"
keys 604
fault "credentials that all may read" "keys: mode 0604 lets every user in: chmod 0600 or 0640" "a.conf:5: credentials = keys"
keys 600 '[other]\naws_access_key_id = A'
fault "credentials without the profile" "keys: no profile [default]"
keys 600 '[default]\naws_access_key_id = A'
fault "credentials without the secret" "keys: profile [default] lacks aws_secret_access_key"
keys 600 '[default]\naws_secret_access_key = A'
fault "credentials without the key's id" "keys: profile [default] lacks aws_access_key_id"
keys 600 'AWS_ACCESS_KEY_ID=A\nAWS_SECRET_ACCESS_KEY='
fault "an empty secret" "keys: profile [default] lacks aws_secret_access_key"
rm "$dir/keys"
fault "credentials that are not there" "keys: cannot open: No such file or directory"
keys 600 "[default]\naws_access_key_id = A\naws_secret_access_key = B\naws_session_token = $(printf '%05000d' 0)"
check
tap_is $? 0 "a long session token is fine"
keys

cp "$backend" "$dir/kernel"	# an ELF file, as a vmlinux is
truncate -s 100M "$dir/image"
boots() {
	config "$good
[function large]
tenant = t
kernel = $dir/kernel
image = $dir/image
$1
$2"
}
boots 'memory = 128M'
fault "an image that its memory has no room for" "function large: memory = 128M is too little to boot: its image takes 100 MiB" \
	"in [function large], or make the image smaller"
remedy=$(sed -n 's/.*set \(memory = [0-9]*M\) or more.*/\1/p' <<<"$output")
boots "$remedy"
check
tap_is $? 0 "with the memory that the message names ($remedy) it is fine"
boots "$remedy" 'append = console=ttyS0'
fault "and with a root that may take half of the memory" "(less with rootfstype=ramfs in its append)"
rm "$dir/kernel" "$dir/image"
check
tap_is $? 0 "an image that is not there yet is no fault"
config "$good"

printf '[tenant t]\n' >"$dir/b.conf"
fault "a section in two files" "b.conf:1: section [tenant t] is there already, at $dir/a.conf:3"
rm "$dir"/*.conf
fault "no file" "$dir: holds no *.conf file"
output=$("$backend" --config "$dir/none" --check-config 2>&1)
tap_is $? 1 "no directory: exit status 1"
tap_has "$output" "cannot read this directory" "no directory: says so"
"$backend" --nonsense >/dev/null 2>&1
tap_is $? 2 "an unknown option: exit status 2"
tap_done
