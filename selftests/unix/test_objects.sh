#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The same function binaries over the unix transport: no VM, no module, native speed. An
# independent client (boto3) judges what they stored. A mebibyte of arena carries a gibibyte.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

unix_start

# An unprivileged user, who may reach the socket, the store's judge and the binaries.
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH="$work/bin:/usr/bin:/bin" TMPDIR=/tmp \
		LC_ALL=C.UTF-8 NEXUS_TARGET="unix:$work/$socket.sock" "$@"
}

socket=test
tap_relay cases < <(as_nobody PREFIX=unix BIG=67108864 TAP="$work/tap.sh" sh "$work/cases.sh")
for socket in wrong hang cut down; do
	tap_relay faults < <(as_nobody FAULT=$socket TAP="$work/tap.sh" sh "$work/faults.sh")
done

# compress, on the machine's own libc.a: as in the guest.
socket=test
judge put compress/in /usr/lib/x86_64-linux-gnu/libc.a
as_nobody compress nexus-test compress/in compress/out >"$work/facts"
tap_ok $? "compress runs over the unix transport"
judge get compress/out "$work/out.gz"
gzip -dc "$work/out.gz" | cmp -s - /usr/lib/x86_64-linux-gnu/libc.a
tap_ok $? "and its result decompresses to the input"
tap_is "$(judge keys unix/keys/ | sort)" "$(printf '%s\n' 'a b' 'a+b' 'a=b' 'a*b' 'a%2Fb' 'a/b' 'a/../b' './x' \
	'ü/日本/🦊' "quote'\"" 'a&b;c?d#e' | sort)" "boto3 finds the awkward keys exactly"

# A gibibyte each way, with 1 MiB of arena.
size=1073741824
memory_before=$(memory_peak $backend)
sent=$(as_nobody NEXUS_ARENA_MAX=1048576 nx --size $size --pattern 3 --sum put nexus-test unix/gibibyte)
tap_ok $? "put of 1 GiB through an arena of 1 MiB"
received=$(as_nobody NEXUS_ARENA_MAX=1048576 nx --sum get nexus-test unix/gibibyte)
tap_is "$received" "$sent" "get of it"
memory_after=$(memory_peak $backend)
echo "# nexus-backend's peak memory: $memory_before KiB before, $memory_after KiB after"
[ $((memory_after - memory_before)) -lt 8192 ]
tap_ok $? "the daemon's peak memory grew by less than 8 MiB"
judge delete unix/gibibyte

unix_stop
tap_done
