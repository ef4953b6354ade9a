#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A custom runtime as AWS documents them: a shell script with curl. What it does is in the event.
# Usage: runtime.sh DIRECTORY, where it leaves what asynchronous events did.
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
dir=$1
mine=$(mktemp -d "$dir/runtime.XXXXXX")

answer() { curl -sS -o "$mine/status" -X POST --data-binary "$@" "$api/invocation/$id/response"; }
field() { sed -n "s/^$1: \(.*\)\r$/\1/Ip" "$mine/head"; }

while curl -sS -D "$mine/head" -o "$mine/event" "$api/invocation/next"; do
	id=$(field Lambda-Runtime-Aws-Request-Id)
	[ "$id" ] || exit 1
	case $(head -c 200 "$mine/event") in
	*'"print"'*)
		echo "printed by $id"
		answer '"printed"'
		;;
	*'"context"'*) answer "$(field Lambda-Runtime-Client-Context)" ;;
	*'"keep context"'*)
		field Lambda-Runtime-Client-Context >"$dir/context"
		answer '"kept"'
		;;
	*'"deadline"'*) answer "$(field Lambda-Runtime-Deadline-Ms)" ;;
	*'"arn"'*) answer "\"$(field Lambda-Runtime-Invoked-Function-Arn)\"" ;;
	*'"pid"'*) answer "$$" ;;
	*'"sleep"'*)
		sleep 0.3
		answer '"slept"'
		;;
	*'"hang"'*) sleep 3 ;;
	*'"hold '*)
		# Until there is a file of that name.
		until [ -e "$dir/$(sed 's/.*"hold \([a-z]*\)".*/\1/' "$mine/event")" ]; do sleep 0.05; done
		answer '"held"'
		;;
	*'"env"'*) answer "\"$_HANDLER|$COLOUR|$TEXT|$AWS_LAMBDA_FUNCTION_NAME|$AWS_LAMBDA_FUNCTION_MEMORY_SIZE\"" ;;
	*'"trace"'*) answer "\"$(field Lambda-Runtime-Trace-Id)\"" ;;
	*'"put"'* | *'"put deferred"'*)
		# Through the gateway, which reads the service's name from a signature.
		mode=$(grep -q deferred "$mine/event" && echo 'Nexus-Write-Mode: deferred')
		curl -sS -o "$mine/put" -w '%{http_code}' -T "$mine/event" -H "$mode" \
			-H 'Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request' \
			"$AWS_ENDPOINT_URL/nexus-test/invoke/gateway" >"$mine/code"
		answer "{\"n\": $(cat "$mine/code"), \"acknowledged\": $(date +%s.%N)}"
		;;
	*'"bytes"'*)
		printf '\0\377\n' >"$mine/bytes"
		answer "@$mine/bytes"
		;;
	*'"flood"'*)
		seq -f "flood %g" 5000
		answer '"flooded"'
		;;
	*'"stuck"'*) sleep 10000 ;;
	*'"hold"'*)
		# Until there is the object that the event names; signed as anybody's would be.
		held=$(sed -n 's/.*"hold": *"\([^"]*\)".*/\1/p' "$mine/event")
		until curl -sS -f -o "$mine/held" --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
			"$AWS_ENDPOINT_URL/nexus-test/$held" 2>/dev/null; do sleep 15; done
		answer "{\"held\":\"$(cat "$mine/held")\",\"random\":\"$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')\"}"
		;;
	*'"memory"'*) exec tail /dev/zero ;; # one line, of which it wants the end
	*'"panic"'*)
		echo c >/proc/sysrq-trigger
		sleep 10000
		;;
	*'"fail"'*)
		curl -sS -o /dev/null -X POST -d '{"errorType":"Example.Error","errorMessage":"on purpose","stackTrace":["a"]}' \
			"$api/invocation/$id/error"
		;;
	*'"exit"'*) exit 3 ;;
	*'"mark"'*)
		echo "$id" >>"$dir/marks"
		answer '"marked"'
		;;
	*'"failmark"'*)
		echo "$id" >>"$dir/failmarks"
		curl -sS -o /dev/null -X POST -d '{"errorType":"E","errorMessage":"m"}' "$api/invocation/$id/error"
		;;
	*'"large"'*)
		head -c 6291454 /dev/zero | tr '\0' x | sed 's/.*/"&"/' | tr -d '\n' >"$mine/large"
		answer "@$mine/large"
		;;
	*'"larger"'*)
		head -c 6291455 /dev/zero | tr '\0' x | sed 's/.*/"&"/' | tr -d '\n' >"$mine/large"
		answer "@$mine/large" -w '%{http_code}' >"$mine/code"
		echo "$(cat "$mine/code") $(sed -n 's/.*"errorType":"\([A-Za-z]*\)".*/\1/p' "$mine/status")" >"$dir/larger"
		;;
	*'"describe"'*)
		answer '{"statusCode":418,"headers":{"X-Pot":"tea","Content-Length":"3","Content-Type":"text/plain"},"cookies":["a=1"],"body":"c2hvcnQgYW5kIHN0b3V0","isBase64Encoded":true}'
		;;
	*'"stream"'*)
		(
			echo one
			sleep 0.7
			echo two
		) | curl -sS -o /dev/null -X POST -H 'Content-Type: text/plain' -H 'Transfer-Encoding: chunked' \
			-H 'Lambda-Runtime-Function-Response-Mode: streaming' -T - "$api/invocation/$id/response"
		;;
	*'"wrong"'*)
		# What the Runtime API refuses.
		curl -sS -o "$mine/a" -w '%{http_code} ' -X POST -d x "$api/invocation/00000000-0000-4000-8000-000000000000/response" >"$mine/codes"
		# An answer, and an error, to an earlier turn.
		for what in response error; do
			curl -sS -o "$mine/a$what" -w '%{http_code} ' -X POST -d '{}' -H "Lambda-Runtime-Invocation-Id: $id/0" \
				"$api/invocation/$id/$what" >>"$mine/codes"
		done
		curl -sS -o "$mine/b" -w '%{http_code} ' "$api/invocation/next" >>"$mine/codes"
		curl -sS -o "$mine/c" -w '%{http_code} ' "$api/nothing" >>"$mine/codes"
		grep -o '"errorType":"[A-Za-z]*"' "$mine/a" "$mine/aresponse" "$mine/aerror" "$mine/b" | cut -d'"' -f4 | tr '\n' ' ' >>"$mine/codes"
		answer "\"$(cat "$mine/codes")\""
		curl -sS -o "$mine/a" -w '%{http_code} ' -X POST -d x "$api/invocation/$id/response" >"$dir/again"
		;;
	*) answer "@$mine/event" ;;
	esac
done
