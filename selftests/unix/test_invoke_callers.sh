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
import datetime, hashlib, json, sys
import boto3, botocore.auth, botocore.awsrequest, botocore.config, botocore.credentials, botocore.exceptions, botocore.httpsession

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

class Partial(botocore.auth.SigV4Auth):
    """Signs all headers but one."""
    without = None

    def headers_to_sign(self, request):
        headers = super().headers_to_sign(request)
        del headers[self.without]
        return headers

def post(signer, body, without=None, **headers):
    request = botocore.awsrequest.AWSRequest("POST", sys.argv[1] + "/2015-03-31/functions/f/invocations", headers, body)
    signer = signer(botocore.credentials.Credentials("AKME", "secret/of+mine"), "lambda", "eu-central-1")
    signer.without = without
    signer.add_auth(request)
    request.data = b'{"b":2}'
    response = botocore.httpsession.URLLib3Session(verify=sys.argv[2]).send(request.prepare())
    return str(response.status_code) + (response.text if response.status_code == 200 else "")

print(post(botocore.auth.SigV4Auth, b'{"b":2}', Extra="x"))
print(post(Partial, b'{"b":2}', "extra", Extra="x"))
print(post(Partial, b'{"b":2}', "host"))
print(post(Partial, b'{"b":2}', "x-amz-date"))
print(post(botocore.auth.SigV4Auth, b'{"b":1}'))
print(post(botocore.auth.SigV4Auth, b'{"b":1}', **{"X-Amz-Content-SHA256": hashlib.sha256(b'{"b":1}').hexdigest()}))
real = datetime.datetime

def shifted(minutes):
    class Shifted(real):
        @classmethod
        def utcnow(cls):
            return real.utcnow() + datetime.timedelta(minutes=minutes)
    botocore.auth.datetime.datetime = Shifted
    return call()

print(shifted(-20), shifted(20), shifted(-10), shifted(10))
END
got=$(/usr/bin/python3 "$work/calls.py" "https://127.0.0.1:$port" "$work/cert.pem" 2>&1)
want='{"a":"ü"}
{"a":"ü"}
{"a":"ü"}
InvalidSignatureException
UnrecognizedClientException
ResourceNotFoundException
200{"b":2}
200{"b":2}
403
403
403
403
InvalidSignatureException InvalidSignatureException {"a":"ü"} {"a":"ü"}'
tap_is "$got" "$want" "boto3: signed calls, with a qualifier, by ARN; a wrong secret, an unknown key, another tenant's function; a header that is \
not signed, host or date unsigned, another body, also under its hash; 20 minutes early and late, 10 minutes"

url=https://127.0.0.1:$port/2015-03-31/functions/f/invocations
export CURL_CA_BUNDLE=$work/cert.pem
sign=(--aws-sigv4 aws:amz:eu-central-1:lambda --user AKME:secret/of+mine)
tap_is "$(curl -sS "${sign[@]}" -d '{"b":1}' "$url")" '{"b":1}' "curl signs too"
tap_is "$(curl -sS -o /dev/null -w '%{http_code} %header{x-amzn-errortype}' --aws-sigv4 aws:amz:eu-central-1:s3 --user AKME:secret/of+mine -d '{}' "$url")" \
	"403 InvalidSignatureException" "a signature for another service"
tap_is "$(curl -sS "${sign[@]}" --data-binary plain -H 'Content-Type: text/plain' "${url%/2015*}/function/f")" plain "over plain HTTP as well"
tap_is "$(curl -sS -o /dev/null -w '%{http_code}' "${sign[@]}" -d '{}' "${url%/2015*}/function/other")" 404 "where another tenant's function is none either"
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

# ---- a new certificate, while the daemon runs ----

shown() { openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -subject | tr -d ' '; }
# certificate NAME: its key, then itself, in place of the one before.
certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/new-key.pem" -out "$work/new.pem" -days 2 -subj "/CN=$1" \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
}
# One connection stays open over the change.
exec 3> >(openssl s_client -quiet -connect "127.0.0.1:$port" >"$work/open" 2>/dev/null)
printf 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n' >&3
until grep -q ok "$work/open"; do sleep 0.05; done
certificate renewed
cp "$work/new.pem" "$work/cert.pem"
tap_is "$(shown)" "subject=CN=callers" "a certificate whose key is not there yet is not shown"
tap_is "$(shown; grep -c 'key.pem' "$work/backend.log")" "subject=CN=callers"$'\n'1 "which is logged once"
cp "$work/new-key.pem" "$work/key.pem"
tap_is "$(shown)" "subject=CN=renewed" "then it is"
tap_is "$(curl -sS "${sign[@]}" -d '{"b":1}' "$url")" '{"b":1}' "and callers who know it call"
printf 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >&3
exec 3>&-
for _ in $(seq 600); do [ "$(grep -c '^ok' "$work/open")" = 2 ] && break; sleep 0.1; done
tap_is "$(grep -c '^ok' "$work/open")" 2 "a connection from before goes on"
echo rubbish >"$work/cert.pem"
tap_is "$(shown)" "subject=CN=renewed" "a file that is no certificate changes nothing"
certificate again
cp "$work/new-key.pem" "$work/key.pem"
cp "$work/new.pem" "$work/cert.pem"
kill -HUP $backend
tap_is "$(shown)" "subject=CN=again" "the next one does"

for header in 'AWS4-HMAC-SHA256' 'AWS4-HMAC-SHA256 Credential=AKME/2/3' 'AWS4-HMAC-SHA256 Credential=////,SignedHeaders=,Signature=' \
	"AWS4-HMAC-SHA256 Credential=AKME/20260101/r/lambda/aws4_request,SignedHeaders=host;x-amz-date,Signature=$(printf '%064d' 0)" \
	"Basic abc"; do
	tap_is "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: $header" -d '{}' "$url")" 403 "refused: ${header:0:60}"
done
unix_stop
tap_done
