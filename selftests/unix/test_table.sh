#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every operation: when all is well, with bad input, when the store says no, and when the connection
# is cut in the middle of the answer. Over the unix transport, by way of nx; against the S3 server,
# nginx and a DynamoDB; boto3 says what was stored. Prints the table at the end.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"
services=$top/selftests/store/services

scratch=$(mktemp -d /tmp/nexus-table.XXXXXX)
proxies=()
table_cleanup() {
	((!${#proxies[@]})) || kill "${proxies[@]}"
	"$services" stop --dir "$scratch/services"
	rm -rf "$scratch"
	unix_cleanup
}
trap 'table_cleanup' EXIT
"$services" start --dir "$scratch/services" || tap_skip_all "nginx and dynalite do not start"
eval "$("$services" env --dir "$scratch/services")"

# cutting NAME PORT BYTES: a way to PORT that is cut after so many bytes of answer; $NAME is its port.
cutting() {
	"$top/selftests/store/fault-proxy" --to "$2" --listen "cut=$3" --ports-to "$scratch/$1" >/dev/null &
	proxies+=($!)
	until [ -e "$scratch/$1" ]; do sleep 0.05; done
	read -r "${1?}" _ <"$scratch/$1"
}
cutting s3_cut "$NEXUS_S3_PORT" 60
cutting s3_list_cut "$NEXUS_S3_PORT" 700
cutting http_cut "$NEXUS_HTTP_PORT" 60
cutting http_body_cut "$NEXUS_HTTP_PORT" 5000
cutting dynamodb_cut "$NEXUS_DYNAMODB_PORT" 60

# A service that has botocore check signatures.
"$top/selftests/store/aws-judge" lambda "$scratch/aws-port" &
proxies+=($!)
until [ -e "$scratch/aws-port" ]; do sleep 0.05; done

unix_config() {
	local name
	config_endpoint s3-cut "$s3_cut" 'retry_backoff = 10ms' 'breaker_failures = 0'
	config_endpoint s3-list-cut "$s3_list_cut" 'max_attempts = 1' 'breaker_failures = 0'
	config_endpoint dynamodb "$NEXUS_DYNAMODB_PORT" 'service = dynamodb'
	config_endpoint dynamodb-cut "$dynamodb_cut" 'service = dynamodb' 'retry_backoff = 10ms' 'breaker_failures = 0'
	config_endpoint lambda "$(<"$scratch/aws-port")" 'service = lambda'
	for name in good:store,dynamodb,lambda:good wrong:lambda:wrong broken:s3-cut,dynamodb-cut:good list:s3-list-cut:good denied:store:wrong; do
		IFS=: read -r name endpoints profile <<<"$name"
		config_tenant "table-$name" "${endpoints//,/ }" "$profile" 'buckets = nexus-test nexus-absent' \
			'http_hosts = 127.0.0.1:* localhost:*' 'http_networks = 127.0.0.0/8' "ca_file = $NEXUS_CA_FILE"
		unix_listen "table-$name"
	done
}
unix_start
trap 'table_cleanup' EXIT
cd "$scratch" || exit 1
bucket=nexus-test
web=http://127.0.0.1:$NEXUS_HTTP_PORT
secure=https://localhost:$NEXUS_HTTPS_PORT

# as TENANT nx...
as() {
	NEXUS_TARGET="unix:$work/table-$1.sock" "$work/bin/nx" "${@:3}"
}

# nx of the tenant for whom all is well
nx() {
	as good nx "$@"
}

declare -A cells
rows=()
here=

# cell ROW COLUMN: what follows belongs there.
cell() {
	cell_end
	here=$1,$2 before=$tap_failures
	[[ " ${rows[*]} " = *" $1 "* ]] || rows+=("$1")
}
cell_end() {
	[ -z "$here" ] || cells[$here]=$([ "$tap_failures" = "$before" ] && echo ok || echo FAILED)
}

# good DESCRIPTION COMMAND...: it succeeds; its output is in $output.
good() {
	local description=$1
	output=$("${@:2}" 2>"$scratch/stderr")
	tap_ok $? "${here/,/, }: $description"
	sed 's/^/#   /' "$scratch/stderr"
}

# bad CODE COMMAND...: it fails, with this error's code.
bad() {
	local error status
	error=$("${@:2}" 2>&1 >"$scratch/stdout")
	status=$?
	[ $status = 1 ] && [[ $error = *"nx: $1: "* ]]
	tap_ok $? "${here/,/, }: $1"
	[ $status = 1 ] && [[ $error = *"nx: $1: "* ]] || echo "#   exit status $status, $error"
}

is() {
	tap_is "$1" "$2" "${here/,/, }: $3"
}

field() {
	sed -n "s/^$1: //p" <<<"$output"
}

lost=NexusConnectionLost
wrong=SignatureDoesNotMatch
printf 'some text' >text
head -c 300000 /dev/urandom >noise
nx put $bucket table/noise noise >/dev/null

# ---- objects ----

cell put happy
good "with headers and metadata" nx --type text/plain --meta colour=blue --header cache-control:max-age=5 \
	--header x-amz-storage-class:STANDARD_IA put $bucket table/put text
is "$(judge head table/put)" "ContentLength 9
ContentType text/plain
CacheControl max-age=5
Metadata {'colour': 'blue'}" "boto3 sees all of it"
judge get table/put got
is "$(cat got)" "some text" "and the bytes"
checksums=(x-amz-checksum-crc32:T7q9ug== x-amz-checksum-crc32c:LX0g5w== \
	"x-amz-checksum-sha1:$(openssl sha1 -binary text | base64)" "x-amz-checksum-sha256:$(openssl sha256 -binary text | base64)")
for checksum in "${checksums[@]}"; do
	good "with ${checksum%%:*}" nx --header "$checksum" put $bucket table/sum text
	good "and its get" nx --include --header x-amz-checksum-mode:ENABLED get $bucket table/sum
	is "$(field "header-${checksum%%:*}")" "${checksum#*:}" "tells it"
done
good "metadata of any characters" nx --meta $'one=a \t b' --meta two=ü日本🦊 put $bucket table/meta text
good "and a head" nx head $bucket table/meta
is "$(field meta-one)|$(field meta-two)" $'a \t b|ü日本🦊' "tells them"
good "only if there is none" nx --header 'if-none-match:*' put $bucket "table/new $$" text
cell put bad-input
bad NexusBadRequest nx --header content-length:3 put $bucket table/bad text
bad NexusBadRequest nx --header x-amz-copy-source:/nexus-other/secret put $bucket table/bad text
bad NexusBadRequest nx --header x-unheard-of:1 put $bucket table/bad text
bad NexusBadRequest nx --header 'cache-control:a
b' put $bucket table/bad text
cell put store-error
bad $wrong as denied nx put $bucket table/bad text
bad InvalidStorageClass nx --header x-amz-storage-class:NONE put $bucket table/bad text
for checksum in "${checksums[@]}" "content-md5:$(openssl md5 -binary text | base64)"; do
	bad BadDigest nx --header "$checksum" put $bucket table/bad noise
done
bad InvalidDigest nx --header content-md5:nonsense put $bucket table/bad text
bad PreconditionFailed nx --header 'if-none-match:*' put $bucket table/put text
bad PreconditionFailed nx --header 'if-match:"0"' put $bucket table/put text
cell put cut
bad $lost as broken nx put $bucket table/cut text

cell get happy
good "an object" nx get $bucket table/put
is "$output" "some text" "its bytes"
good "a range" nx --include --range bytes=5-8 get $bucket table/put
is "$(field status) $(field header-content-range) $(field meta-colour) ${output##*$'\n'}" "206 bytes 5-8/9 blue text" \
	"its status, place, metadata and bytes"
etag=$(nx head $bucket table/put | sed -n 's/^etag: //p')
good "if_match" nx --if-match "$etag" get $bucket table/put
good "if_none_match of another one" nx --if-none-match '"0"' get $bucket table/put
bad NotModified nx --if-none-match "$etag" get $bucket table/put
bad NotModified nx --if-modified-since 'Fri, 01 Jan 2038 00:00:00 GMT' get $bucket table/put
cell get bad-input
bad NexusBadRequest nx --range lines=1-2 get $bucket table/put
bad NexusBadRequest nx get $bucket "$(printf '%01025d' 0)"
bad NexusBadRequest nx --header range:bytes=1-2 get $bucket table/put
cell get store-error
bad NoSuchKey nx get $bucket table/none
bad PreconditionFailed nx --if-match '"0"' get $bucket table/put
bad PreconditionFailed nx --if-unmodified-since 'Mon, 01 Jan 2001 00:00:00 GMT' get $bucket table/put
bad $wrong as denied nx get $bucket table/put
cell get cut
bad $lost as broken nx get $bucket table/put
bad $lost as list nx get $bucket table/noise

cell head happy
good "an object" nx --include head $bucket table/put
is "$(field content-length) $(field content-type) $(field meta-colour) $(field header-cache-control)" \
	"9 text/plain blue max-age=5" "length, type, metadata, another header"
cell head bad-input
bad NexusBadRequest nx --range lines=1-2 head $bucket table/put
cell head store-error
bad NotFound nx head $bucket table/none
bad NotModified nx --if-none-match "$etag" head $bucket table/put
bad Forbidden as denied nx head $bucket table/put
cell head cut
bad $lost as broken nx head $bucket table/put

cell copy happy
good "with the source's metadata" nx copy $bucket 'table/a copy+' $bucket table/put
judge get 'table/a copy+' got
is "$(cat got)" "some text" "boto3 gets its bytes"
good "of awkward names, with other metadata" nx --replace --type text/other --meta colour=red \
	copy $bucket table/recoloured $bucket 'table/a copy+'
is "$(judge head table/recoloured | sed -n '/Type\|Meta/p')" "ContentType text/other
Metadata {'colour': 'red'}" "boto3 sees the new ones"
cell copy bad-input
bad NexusBadRequest nx --type text/other copy $bucket table/bad $bucket table/put
bad NexusBadRequest nx --part 3 copy $bucket table/bad $bucket table/put
bad NexusPolicyDenied nx copy $bucket table/bad nexus-other secret
cell copy store-error
bad NoSuchKey nx copy $bucket table/bad $bucket table/none
bad PreconditionFailed nx --header 'x-amz-copy-source-if-match:"0"' copy $bucket table/bad $bucket table/put
bad PreconditionFailed nx --header "x-amz-copy-source-if-none-match:$etag" copy $bucket table/bad $bucket table/put
cell copy cut
bad $lost as broken nx copy $bucket table/cut $bucket table/put

cell delete happy
good "an object" nx delete $bucket table/recoloured
is "$(judge keys table/recol)" "" "boto3 finds it no more"
cell delete bad-input
bad NexusBadRequest nx delete $bucket ''
bad NexusBadRequest nx --header cache-control:x delete $bucket table/put
cell delete store-error
bad $wrong as denied nx delete $bucket table/put
cell delete cut
bad $lost as broken nx delete $bucket table/cut

cell delete-many happy
for key in 'many/a b' 'many/<&>' "many/'\"" 'many/ü' 'many/stays'; do nx put $bucket "table/$key" text >/dev/null; done
good "four at once" nx delete-many $bucket 'table/many/a b' 'table/many/<&>' "table/many/'\"" 'table/many/ü'
is "$(wc -l <<<"$output")" 4 "each is told of"
is "$(judge keys table/many/)" stays "boto3 finds only the other one"
mapfile -t keys < <(seq -f 'table/many/%04g' 1000)
good "a thousand that are not there" nx delete-many $bucket "${keys[@]}"
is "$(wc -l <<<"$output")" 1000 "each is told of"
cell delete-many bad-input
bad NexusBadRequest nx delete-many $bucket $'table/bell\a'
bad NexusBadRequest nx delete-many $bucket ''
bad NexusPolicyDenied nx delete-many nexus-other secret
cell delete-many store-error
bad $wrong as denied nx delete-many $bucket table/put
bad NoSuchBucket nx delete-many nexus-absent table/put
cell delete-many cut
bad $lost as broken nx delete-many $bucket table/many/none
bad $lost as list nx delete-many $bucket "${keys[@]}"

# ---- lists ----

for key in 'dir/1' 'dir/2' 'a b' 'a+b' '50%2F' 'q?&<>' 'ü'; do nx put $bucket "list/$key" text >/dev/null; done
sorted() {
	LC_ALL=C sort
}
judged=$(judge keys list/ | sorted)
for version in list list-v1; do
	v1=()
	[ $version = list ] || v1=(--v1)
	cell $version happy
	good "keys as they are" nx "${v1[@]}" list $bucket list/
	is "$(sed 's|.*[A-Z] list/||' <<<"$output" | sorted)" "$judged" "those that boto3 finds"
	good "in pages of 2" nx "${v1[@]}" --max-keys 2 --all list $bucket list/
	is "$(sed 's|.*[A-Z] list/||' <<<"$output" | sorted)" "$judged" "the same"
	good "by a delimiter" nx "${v1[@]}" --delimiter / list $bucket list/
	is "$(sed -n '/^prefix/p' <<<"$output")" "prefix list/dir/" "what lies below is one"
	good "from a key on" nx "${v1[@]}" --start-after list/q list $bucket list/
	is "$(sed 's|.*[A-Z] list/||' <<<"$output" | sorted)" "$(printf '%s\n' 'q?&<>' 'ü')" "those behind it"
	cell $version store-error
	bad NoSuchBucket nx "${v1[@]}" list nexus-absent
	bad $wrong as denied nx "${v1[@]}" list $bucket
	cell $version cut
	bad $lost as broken nx "${v1[@]}" list $bucket list/
	bad $lost as list nx "${v1[@]}" list $bucket list/
done
cell list bad-input
bad NexusBadRequest nx list no_bucket
bad NexusPolicyDenied nx list nexus-other
cell list-v1 bad-input
bad NexusBadRequest nx --v1 --token x list $bucket
bad NexusBadRequest nx --v1 --owner list $bucket

# ---- multipart uploads ----

key=table/multipart
cell multipart-create happy
good "an upload" nx --type text/parts --meta colour=green multipart create $bucket $key
upload=$(field upload)
is "${upload:+set}" set "its name"
cell multipart-create bad-input
bad NexusBadRequest nx --header content-md5:x multipart create $bucket $key
cell multipart-create store-error
bad NoSuchBucket nx multipart create nexus-absent $key
cell multipart-create cut
bad $lost as broken nx multipart create $bucket $key

cell multipart-part happy
good "the first" nx --size 5242880 --pattern 1 multipart part $bucket $key "$upload" 1
first=$(field etag)
head -c 5242880 /dev/urandom >large
good "the second" nx multipart part $bucket $key "$upload" 2 large
second=$(field etag)
good "a small one, with a checksum" nx --header "${checksums[1]}" multipart part $bucket $key "$upload" 4 text
fourth=$(field etag)
cell multipart-part bad-input
bad NexusBadRequest nx multipart part $bucket $key "$upload" 0 text
bad NexusBadRequest nx multipart part $bucket $key "$upload" 10001 text
bad NexusBadRequest nx multipart part $bucket $key '' 1 text
cell multipart-part store-error
bad NoSuchUpload nx multipart part $bucket $key none 1 text
bad BadDigest nx --header "${checksums[1]}" multipart part $bucket $key "$upload" 1 noise
cell multipart-part cut
bad $lost as broken nx multipart part $bucket $key "$upload" 9 text

cell part-copy happy
good "a range as the third" nx --upload "$upload" --part 3 --range bytes=5-8 copy $bucket $key $bucket table/put
third=$(field etag)
cell part-copy bad-input
bad NexusBadRequest nx --upload "$upload" --part 4 --replace copy $bucket $key $bucket table/put
bad NexusBadRequest nx --upload "$upload" copy $bucket $key $bucket table/put
cell part-copy store-error
bad NoSuchUpload nx --upload none --part 1 copy $bucket $key $bucket table/put
bad InvalidArgument nx --upload "$upload" --part 4 --range bytes=5-80 copy $bucket $key $bucket table/put
cell part-copy cut
bad $lost as broken nx --upload "$upload" --part 9 copy $bucket $key $bucket table/put

cell multipart-complete bad-input
bad NexusBadRequest nx multipart complete $bucket $key "$upload" "2=$second" "1=$first"
bad NexusBadRequest nx multipart complete $bucket $key "$upload" "1="
bad NexusBadRequest nx multipart complete $bucket $key "$upload"
cell multipart-complete store-error
bad NoSuchUpload nx multipart complete $bucket $key none "1=$first"
bad EntityTooSmall nx multipart complete $bucket $key "$upload" "3=$third" "4=$fourth"
bad InvalidPart nx multipart complete $bucket $key "$upload" "1=$second"
bad InvalidPart nx multipart complete $bucket $key "$upload" "1=$first" "5=$second"
cell multipart-complete cut
other=$(nx multipart create $bucket $key.cut | sed 's/^upload: //')
part=$(nx multipart part $bucket $key.cut "$other" 1 text | sed 's/^etag: //')
bad $lost as broken nx multipart complete $bucket $key.cut "$other" "1=$part"
cell multipart-complete happy
good "three parts" nx multipart complete $bucket $key "$upload" "1=$first" "2=$second" "3=$third"
is "$(judge head $key)" "ContentLength 10485764
ContentType text/parts
CacheControl None
Metadata {'colour': 'green'}" "boto3 sees the object"
judge get $key got
is "$(tail -c 5242884 got | md5sum)" "$({ cat large; printf text; } | md5sum)" "and the parts in their order"

cell multipart-abort happy
upload=$(nx multipart create $bucket $key | sed 's/^upload: //')
good "an upload" nx multipart abort $bucket $key "$upload"
bad NoSuchUpload nx multipart part $bucket $key "$upload" 1 text
cell multipart-abort bad-input
bad NexusBadRequest nx multipart abort $bucket $key ''
cell multipart-abort store-error
bad NoSuchUpload nx multipart abort $bucket $key none
cell multipart-abort cut
upload=$(nx multipart create $bucket $key | sed 's/^upload: //')
bad $lost as broken nx multipart abort $bucket $key "$upload"

# ---- HTTP ----

cell http happy
good "PUT" nx http PUT $web/files/noise noise
good "PUT over TLS" nx http PUT $secure/files/small text
good "GET over TLS" nx --sum http GET $secure/files/noise
is "$output" "$(nx --sum get $bucket table/noise)" "the same bytes"
good "PUT of unknown length, over TLS" nx --chunked --size 3000000 --pattern 5 http PUT $secure/files/large
good "GET of unannounced length" nx --sum http GET $web/ssi/large
is "$output" "$(nx --size 3000000 --pattern 5 --sum put $bucket table/pattern)" "the same bytes"
good "HEAD" nx --include http HEAD $web/files/noise
is "$(field status)" 200 "its status"
good "DELETE" nx --include http DELETE $web/files/large
is "$(field status)" 204 "its status"
good "a redirect, not followed" nx --include http GET $web/to/302/headers
is "$(field status) $(field header-location)" "302 $web/headers" "is the answer"
good "two redirects" nx --redirects 2 --include http GET $web/to/301/to/302/files/small
is "$(field status) $(field url)" "200 $web/files/small" "followed"
good "POST, redirected by 303" nx --redirects 1 --header content-type:text/x http POST $web/to/303/headers text
is "$output" "authorization= cookie= type= method=GET" "becomes a GET"
good "PUT, redirected by 307" nx --redirects 1 http PUT $web/to/307/files/small text
is "$(nx http GET $web/files/small)" "some text" "is sent again"
good "a body given back, redirected by 307" nx --redirects 1 --include --size 3000000 --pattern 5 \
	http PUT $web/to/307/files/small
is "$(field status)" 307 "is for the guest to follow"
good "credentials" nx --redirects 1 --header authorization:x --header cookie:y http GET $web/to/302/headers
is "$output" "authorization=x cookie=y type= method=GET" "go along within the origin"
good "credentials" nx --redirects 1 --header authorization:x --header cookie:y http GET $web/away/headers
is "$output" "authorization= cookie= type= method=GET" "but not to another one"
cell http bad-input
bad NexusBadRequest nx http GET ftp://127.0.0.1/
bad NexusBadRequest nx http GET "http://user:secret@127.0.0.1/"
for method in TRACE CONNECT Connect; do
	bad NexusBadRequest nx http $method $web/
done
bad NexusBadRequest nx http 'GET /' $web/
bad NexusBadRequest nx --header transfer-encoding:chunked http GET $web/
bad NexusBadRequest nx --header 'x:a
y: b' http GET $web/
bad NexusPolicyDenied nx http GET http://169.254.169.254/latest/meta-data/
bad NexusPolicyDenied nx http GET http://example.org/
cell http store-error
for code in 404 500 503; do
	good "status $code" nx --include http POST $web/status/$code text
	is "$(field status) ${output##*$'\n'}" "$code answer with $code" "and its body, are the answer"
done
cell http cut
bad $lost nx --sum http GET http://127.0.0.1:$http_body_cut/files/noise
bad $lost nx http GET http://127.0.0.1:$http_cut/files/noise
bad $lost nx http POST http://127.0.0.1:$http_cut/files/noise noise
kill "${proxies[2]}"
wait "${proxies[2]}"
unset 'proxies[2]'
bad NexusConnectionFailed nx http GET http://127.0.0.1:$http_cut/

# ---- AWS ----

dynamodb() { # TENANT OPERATION JSON
	printf '%s' "$3" >json
	as "$1" nx --header "x-amz-target:DynamoDB_20120810.$2" --header content-type:application/x-amz-json-1.0 \
		aws dynamodb POST / json
}
cell aws happy
good "a table" dynamodb good CreateTable '{"TableName":"tests","BillingMode":"PAY_PER_REQUEST",
	"KeySchema":[{"AttributeName":"k","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}]}'
for _ in $(seq 100); do
	[[ $(dynamodb good DescribeTable '{"TableName":"tests"}') = *ACTIVE* ]] && break
	sleep 0.1
done
good "an item is put" dynamodb good PutItem '{"TableName":"tests","Item":{"k":{"S":"ü"},"v":{"N":"42"}}}'
good "and got" dynamodb good GetItem '{"TableName":"tests","Key":{"k":{"S":"ü"}}}'
is "$(grep -o '"[kv]":{[^}]*}' <<<"$output" | sorted | tr '\n' ' ')" '"k":{"S":"ü"} "v":{"N":"42"} ' "as it was put"
printf '{"TableName":"tests","Item":{"k":{"S":"large"},"v":{"S":"%0390000d"}}}' 0 >json
good "a request of several windows" as good nx --header x-amz-target:DynamoDB_20120810.PutItem \
	--header content-type:application/x-amz-json-1.0 aws dynamodb POST / json
good "an answer of several windows" dynamodb good GetItem '{"TableName":"tests","Key":{"k":{"S":"large"}}}'
is "${#output}" 390041 "has all of it"
call='/2015-03-31/functions/arn%3Aaws%3Alambda/invocations'
good "a signature of an encoded path and a query" nx --include aws lambda POST "$call?b=2&a=x%20%2F~y&B" text
is "${output##*$'\n'}" "POST $call?B=&a=x%20%2F~y&b=2 9" "is what botocore signs"
is "$(field request-id)" request-1 "the service's name for the request"
good "of no body" nx --include aws lambda GET /x//y/../z
is "${output##*$'\n'}" "GET /x//y/../z 0" "is what botocore signs"
good "of 3 MB, hashed where they are" nx --window 4194304 --size 3000000 --pattern 1 aws lambda POST "$call"
is "$output" "POST $call 3000000" "is what botocore signs"
cell aws bad-input
bad NexusLimitExceeded nx --window 262144 --size 3000000 --pattern 1 aws lambda POST "$call"
bad NexusBadRequest nx aws dynamodb POST no-path json
bad NexusBadRequest nx aws dynamodb trace / json
bad NexusBadRequest nx --header x-amz-date:x aws dynamodb POST / json
bad NexusPolicyDenied nx aws sqs POST / json
bad NexusPolicyDenied nx aws s3 GET /nexus-other/secret
bad NexusLimitExceeded nx --size 16777217 --pattern 1 aws dynamodb POST /
cell aws store-error
bad InvalidSignatureException as wrong nx aws lambda POST "$call" text
bad ResourceNotFoundException dynamodb good GetItem '{"TableName":"none","Key":{"k":{"S":"x"}}}'
is "$(grep -o '#ResourceNotFoundException' stdout)" '#ResourceNotFoundException' "its body came, too"
bad ValidationException dynamodb good GetItem '{"TableName":"tests","Key":{"wrong":{"S":"x"}}}'
cell aws cut
bad $lost dynamodb broken GetItem '{"TableName":"tests","Key":{"k":{"S":"ü"}}}'
cell_end

unix_stop
printf '# %-20s %-8s %-10s %-12s %s\n' operation happy bad-input store-error cut
for row in "${rows[@]}"; do
	printf '# %-20s %-8s %-10s %-12s %s\n' "$row" "${cells[$row,happy]-missing}" "${cells[$row,bad-input]-missing}" \
		"${cells[$row,store-error]-missing}" "${cells[$row,cut]-missing}"
	for column in happy bad-input store-error cut; do
		[ -n "${cells[$row,$column]-}" ] || tap_ok 1 "$row, $column: has a test"
	done
done
tap_done
