#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Callers who must sign, over TLS: boto3 and curl with the right keys, and what is refused.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

port=$(free_port)
unix_config() {
	printf '[ingress]\nlisten = 127.0.0.1:%s\nregion = eu-central-1\ncertificate = %s/cert.pem\nkey = %s/key.pem\n' "$port" "$work" "$work"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 -subj /CN=callers \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	printf '[function f]\ntenant = test\n[function other]\ntenant = small\n'
	printf '[listen f]\npath = %s/f.sock\ntenant = test\nfunction = f\n' "$work"
	printf '[caller me]\ntenant = test\ncredentials = callers\nprofile = me\n'
	(umask 077 && printf '[me]\naws_access_key_id = AKME\naws_secret_access_key = secret/of+mine\n' >"$work/config/callers")
}
unix_start
"$build/guest-lib/nexus-runtime" --target "unix:$work/f.sock" --port "$(free_port)" --gateway 0 -- \
	"$top/selftests/unix/runtime.sh" "$work" 2>>"$work/runtime.log" &
runtime=$!
trap 'kill $runtime; unix_cleanup' EXIT

cat >"$work/calls.py" <<'END'
import datetime, json, sys
import boto3, botocore.auth, botocore.config, botocore.exceptions

def call(key="AKME", secret="secret/of+mine", name="f", event=b'{"a":"\xc3\xbc"}', **more):
    client = boto3.client("lambda", endpoint_url=sys.argv[1], region_name="eu-central-1", aws_access_key_id=key,
                          aws_secret_access_key=secret, verify=sys.argv[2], config=botocore.config.Config(retries={"max_attempts": 0}))
    try:
        return client.invoke(FunctionName=name, Payload=event, **more)["Payload"].read().decode()
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"]

print(call())
print(call(Qualifier="$LATEST", InvocationType="RequestResponse", ClientContext="e30="))
print(call(name="arn:aws:lambda:eu-central-1:000000000000:function:f"))
print(call(secret="another"))
print(call(key="AKYOU"))
print(call(name="other"))
real = datetime.datetime

class Late(real):
    @classmethod
    def utcnow(cls):
        return real.utcnow() - datetime.timedelta(minutes=20)

botocore.auth.datetime.datetime = Late
print(call())
END
got=$(/usr/bin/python3 "$work/calls.py" "https://127.0.0.1:$port" "$work/cert.pem" 2>&1)
want='{"a":"ü"}
{"a":"ü"}
{"a":"ü"}
InvalidSignatureException
UnrecognizedClientException
ResourceNotFoundException
InvalidSignatureException'
tap_is "$got" "$want" "boto3: signed calls, with a qualifier, by ARN; a wrong secret, an unknown key, another tenant's function, an old date"

url=https://127.0.0.1:$port/2015-03-31/functions/f/invocations
export CURL_CA_BUNDLE=$work/cert.pem
sign=(--aws-sigv4 aws:amz:eu-central-1:lambda --user AKME:secret/of+mine)
tap_is "$(curl -sS "${sign[@]}" -d '{"b":1}' "$url")" '{"b":1}' "curl signs too"
tap_is "$(curl -sS "${sign[@]}" --data-binary plain -H 'Content-Type: text/plain' "${url%/2015*}/function/f")" plain "over plain HTTP as well"
tap_has "$(curl -sS "${sign[@]}" -d '{"c":1}' "${url%/2015*}/2021-11-15/functions/f/response-streaming-invocations" | tr -d '\0')" \
	'{"c":1}' "and for a streamed answer"
tap_is "$(curl -sS -o /dev/null -w '%{http_code}' -d '{}' "${url%/2015*}/2021-11-15/functions/f/response-streaming-invocations")" 403 \
	"which is not given without"
tap_is "$(curl -sS -o /dev/null -w '%{http_code} %header{x-amzn-errortype}' -d '{}' "$url")" \
	"403 MissingAuthenticationTokenException" "no signature"
tap_is "$(curl -sS -o /dev/null -w '%{http_code}' -d '{}' "${url%/2015*}/function/f")" 403 "nor over plain HTTP"
# One that was made for another body.
auth=$(curl -sS "${sign[@]}" -v -d '{"b":1}' "$url" 2>&1 >/dev/null | sed -n 's/^> \(Authorization: .*\)\r$/\1/Ip')
date=$(curl -sS "${sign[@]}" -v -d '{"b":1}' "$url" 2>&1 >/dev/null | sed -n 's/^> \(X-Amz-Date: .*\)\r$/\1/Ip')
tap_is "$(curl -sS -o /dev/null -w '%{http_code}' -H "$auth" -H "$date" -d '{"b":2}' "$url")" 403 "a signature of another body"
tap_is "$(curl -sS -o /dev/null -w '%{http_code}' "https://127.0.0.1:$port/healthz")" 200 "/healthz needs none"
head -c 6291454 /dev/urandom | base64 -w 0 | head -c 6291454 | sed 's/.*/"&"/' >"$work/large"
truncate -s 6291456 "$work/large"
curl -sS "${sign[@]}" -H 'Content-Type: application/json' --data-binary @"$work/large" "$url" | cmp -s - "$work/large"
tap_ok $? "6 MiB there and back"
curl -sS -o /dev/null --tls-max 1.1 --tlsv1.1 --ciphers ALL:@SECLEVEL=0 "https://127.0.0.1:$port/healthz" 2>/dev/null
tap_is $? 35 "TLS 1.1 is refused"
env -u CURL_CA_BUNDLE curl -sS -o /dev/null "https://127.0.0.1:$port/healthz" 2>/dev/null
tap_is $? 60 "who does not know the certificate does not call"
curl -sS -o /dev/null "http://127.0.0.1:$port/healthz" 2>/dev/null
tap_is $? 52 "plain HTTP gets nothing"
for header in 'AWS4-HMAC-SHA256' 'AWS4-HMAC-SHA256 Credential=AKME/2/3' 'AWS4-HMAC-SHA256 Credential=////,SignedHeaders=,Signature=' \
	"AWS4-HMAC-SHA256 Credential=AKME/20260101/r/lambda/aws4_request,SignedHeaders=host;x-amz-date,Signature=$(printf '%064d' 0)" \
	"Basic abc"; do
	tap_is "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: $header" -d '{}' "$url")" 403 "refused: ${header:0:60}"
done
unix_stop
tap_done
