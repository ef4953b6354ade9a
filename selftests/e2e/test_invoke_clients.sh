#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Real clients and functions that know nothing of Nexus, in microVMs: boto3 and curl call; a shell script with curl, and
# Debian's python3 with its boto3, answer from guests without a network and without keys.
. "$(dirname "$0")/invoke/lib.sh"

clients_configure
backend_start
tap_ok $? "the daemon starts"

# post NAME BODY [OPTION...]: the body of the answer, then its status and type.
post() {
	curl -sS -m 280 -w '\n%{http_code} %{content_type}' "${@:3}" --data-binary "$2" "$url/function/$1"
}

invoke_callers boto3 clients.py booted "$build/backend/nexusctl" --control $state/control.sock

tap_is "$(post shell 'any bytes' -H 'Content-Type: text/plain')" $'any bytes\n200 application/json' \
	"curl: POST /function/NAME of any type"
tap_is "$(post shell '"describe"')" $'short and stout\n418 text/plain' "curl: an answer that describes itself"
tap_is "$(post shell '"stream"' -N)" $'one\ntwo\n\n200 text/plain' "curl: a streamed answer"
tap_is "$(post shell '"fail"' | tail -n 1)" "502 application/json" "curl: a function's error"
tap_is "$(post nobody '{}' | tail -n 1)" "404 application/json" "curl: no such function"

invoke_stop shell python
