#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Presigned URLs and forms: those that botocore makes with the same keys at the same time, and curl uses them.
top=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
build=${NEXUS_BUILD:-$top/build}
. "$top/selftests/tap.sh"
. "$top/selftests/unix/lib.sh"

unix_config() {
	config_tenant brief store good 'buckets = nexus-test/ok/*' 'presign_max = 30s'
	unix_listen brief
}
unix_start
made=$work/made.json
env -u AWS_SECRET_ACCESS_KEY NEXUS_TARGET="unix:$work/test.sock" PYTHONPATH="$build/guest-lib/python" \
	/usr/bin/python3 "$top/selftests/python/presign.py" make "$made"
tap_ok $? "the shim makes URLs and forms, without a key"
tap_relay presign < <(/usr/bin/python3 "$top/selftests/python/presign.py" judge "$made" 2>&1)

tap_relay post < <(/usr/bin/python3 "$top/selftests/python/presign.py" post "$made" 2>&1)

# url N: the N-th of them.
url() { /usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["urls"][int(sys.argv[2])])' "$made" "$1"; }
status() { curl -s -o "$work/body" -w '%{http_code}' "$@"; }
judge put "presign/a b+ü" "$top/selftests/tap.sh"
tap_is "$(status "$(url 0)")" 200 "curl gets an object by its URL"
cmp -s "$work/body" "$top/selftests/tap.sh"
tap_ok $? "with its content"
tap_is "$(status "$(url 0)&versionId=1")" 403 "a URL with more in its query is no good"
tap_is "$(status "$(url 0 | sed 's/Expires=3600/Expires=9999/')")" 403 "nor one with a longer life"
tap_is "$(status -T "$top/selftests/tap.sh" "$(url 0)")" 403 "nor another method"
tap_is "$(status -T "$top/selftests/tap.sh" "$(url 4)")" 200 "curl puts an object by its URL"
judge get presign/put "$work/back"
cmp -s "$work/back" "$top/selftests/tap.sh"
tap_ok $? "with its content"
tap_is "$(status -T "$top/selftests/tap.sh" "$(url 5)")" 403 "headers that were signed have to be sent"
tap_is "$(status -T "$top/selftests/tap.sh" -H 'Content-Type: text/plain' -H 'x-amz-meta-colour: blue  green' \
	-H 'Cache-Control: no-cache' -H 'x-amz-storage-class: STANDARD_IA' "$(url 5)")" 200 "they are: it is put"
tap_is "$(status -T "$top/selftests/tap.sh" -H 'x-amz-copy-source: /nexus-other/secret' "$(url 4)")" 403 \
	"a header of S3's that was not signed is refused"

cat >"$work/brief.py" <<'END'
import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3", region_name="us-east-1")


def told(call, *args, **kwargs):
    try:
        return "made" if call(*args, **kwargs) else ""
    except ClientError as error:
        return str(error)


def url(key, expires):
    return told(s3.generate_presigned_url, "get_object", Params={"Bucket": "nexus-test", "Key": key}, ExpiresIn=expires)


print(url("ok/x", 30), "|", url("ok/x", 31), "|", url("not/x", 30), "|", told(s3.generate_presigned_post, "nexus-test",
      "ok/x", ExpiresIn=30), "|", told(s3.generate_presigned_post, "nexus-test", "ok/${filename}", ExpiresIn=30))
END
IFS='|' read -r good late key form open < <(NEXUS_TARGET="unix:$work/brief.sock" PYTHONPATH="$build/guest-lib/python" \
	/usr/bin/python3 "$work/brief.py" 2>&1)
tap_is "$good $form" "made   made " "within presign_max and the tenant's keys there are URLs and forms"
tap_has "$late" 'see `presign_max` in [tenant brief]' "beyond presign_max: the remedy"
tap_has "$key" "key not/x of bucket nexus-test is not on the allow-list" "a key that is not the tenant's"
tap_has "$open" "needs all of bucket nexus-test" "a form that leaves the key's end open needs the whole bucket"
judge delete presign/put
judge delete "presign/a b+ü"
unix_stop
tap_done
