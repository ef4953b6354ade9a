#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a function sees when its store misbehaves, or its keys are wrong. FAULT says which.
# shellcheck source=/dev/null
. "${TAP:-/tap.sh}"
bucket=nexus-test
case ${FAULT:?} in
wrong) code=SignatureDoesNotMatch ;;
hang) code=NexusTimeout ;;
cut) code= ;;
down) code=NexusConnectionFailed ;;
esac

get=$(nx --sum get $bucket seed/mebibyte 2>&1)
status=$?
if [ "$FAULT" != cut ]; then
	tap_is $status 1 "$FAULT: get fails"
	tap_has "$get" "$code: " "$FAULT: get says $code"
	put=$(nx --size 100000 --pattern 1 put $bucket fault/$FAULT 2>&1)
	tap_is "$?" 1 "$FAULT: put fails"
	tap_has "$put" "$code: " "$FAULT: put says $code"
else
	# Every connection breaks after 100,000 bytes; the function sees nothing of it.
	tap_is "$get" 'crc32=93b724d2 bytes=1048576' "cut: get goes on where it was cut, ten times"
	tap_is "$(nx get $bucket seed/known)" known "cut: an answer before the cut arrives"
fi
nx null
tap_ok $? "$FAULT: the channel still serves"
tap_done
