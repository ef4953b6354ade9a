#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a function does with a store, good and bad, by way of nx: the same script runs in a
# guest (kvm) and on the machine (unix), as a user without privilege. PREFIX keeps apart the
# objects of several runs; TAP is where tap.sh lies.
# shellcheck source=/dev/null
. "${TAP:-/tap.sh}"
bucket=nexus-test
prefix=${PREFIX:?}
work=$(mktemp -d)

# fails CODE DESCRIPTION COMMAND...: it ends with 1 and names the error's code.
fails() {
	code=$1
	description=$2
	shift 2
	error=$("$@" 2>&1 >/dev/null)
	tap_is "$?" 1 "$description: exit status 1"
	tap_has "$error" "$code: " "$description: says $code"
}

round_trip() { # KEY SIZE DESCRIPTION
	sent=$(nx --size "$2" --pattern 7 --sum put $bucket "$1")
	received=$(nx --sum get $bucket "$1")
	tap_is "$received" "$sent" "$3"
}

[ "$(id -u)" != 0 ]
tap_ok $? "the function runs without privilege"

printf 'hello, world' >"$work/hello"
nx --type text/plain --meta colour=blue put $bucket "$prefix/hello" "$work/hello"
tap_ok $? "put"
tap_is "$(nx get $bucket "$prefix/hello")" "hello, world" "get brings it back"
head=$(nx head $bucket "$prefix/hello")
tap_has "$head" 12 "head tells its length"
tap_has "$head" text/plain "head tells its type"
tap_has "$head" blue "head tells its metadata"
tap_is "$(nx --range bytes=7-11 get $bucket "$prefix/hello")" world "a range of it"
nx get $bucket "$prefix/hello" "$work/copy" && cmp -s "$work/hello" "$work/copy"
tap_ok $? "get into a file"
nx delete $bucket "$prefix/hello"
tap_ok $? "delete"
fails NoSuchKey "an object that is gone" nx get $bucket "$prefix/hello"
error=$(nx head $bucket "$prefix/hello" 2>&1 >/dev/null)
tap_is "$?" 1 "head of an object that is gone: exit status 1"
tap_has "$error" 404 "head of an object that is gone: says 404"
nx delete $bucket "$prefix/hello"
tap_ok $? "deleting what is not there succeeds, as in S3"
fails PreconditionFailed "an etag that does not match" nx --if-match '"0"' get $bucket seed/known

for key in 'a b' 'a+b' 'a=b' 'a*b' 'a%2Fb' 'a/b' 'a/../b' './x' 'ü/日本/🦊' "quote'\"" 'a&b;c?d#e'; do
	printf '%s' "$key" >"$work/key"
	nx put $bucket "$prefix/keys/$key" "$work/key"
	tap_is "$(nx get $bucket "$prefix/keys/$key")" "$key" "key '$key'"
done

round_trip "$prefix/empty" 0 "an empty object"
round_trip "$prefix/1" 1 "an object of 1 byte"
round_trip "$prefix/page" 4096 "an object of a page"
for size in 262143 262144 262145 1048577; do
	round_trip "$prefix/$size" $size "an object of $size bytes (around a window)"
done
[ -z "${BIG:-}" ] || round_trip "$prefix/big" "$BIG" "an object of $BIG bytes"

fails NexusPolicyDenied "a bucket outside the allow-list" nx get nexus-other secret
fails NexusPolicyDenied "a bucket outside the allow-list, put" nx put nexus-other "$prefix" "$work/hello"
fails NexusBadRequest "a bucket's name that is none" nx get 'no/bucket' key
fails NexusBadRequest "an empty key" nx get $bucket ''
fails NexusBadRequest "a key of 1025 bytes" nx get $bucket "$(printf '%01025d' 0)"
fails InvalidRange "a range past the end" nx --range bytes=5-9 get $bucket "$prefix/1"

# Many at once, from processes of their own.
for i in 1 2 3 4 5 6; do
	nx --size 300000 --pattern $i --sum put $bucket "$prefix/many/$i" >"$work/put.$i" &
done
wait
for i in 1 2 3 4 5 6; do
	nx --sum get $bucket "$prefix/many/$i" >"$work/get.$i" &
done
wait
same=0
for i in 1 2 3 4 5 6; do
	cmp -s "$work/put.$i" "$work/get.$i" && [ -s "$work/get.$i" ] && same=$((same + 1))
done
tap_is $same 6 "six processes at once"

rm -r "$work"
tap_done
