#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Random requests with the signatures that botocore gives them, for store_sigv4.

A line per request, its fields ended by 0x1f: service, region, date, access key, secret key, method,
path as sent, canonical query, payload hash, signature, then name and value of each signed header.
Exit status 4: botocore is missing."""
import datetime
import random
import sys
from urllib.parse import quote

try:
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    sys.exit(4)

choose = random.Random(20130524)
PIECES = list("abcXYZ019-._~ +=*%&?#@:;,!'()[]{}<>|^`\\\"$") + ["%2F", "é", "€", "😀", "/", "//", "..", "."]


def text(pieces, low, high):
    return "".join(choose.choice(pieces) for _ in range(choose.randint(low, high)))


class At(datetime.datetime):
    """A clock that stands still, in place of botocore's."""
    when = None

    @classmethod
    def utcnow(cls):
        return cls.when


botocore.auth.datetime.datetime = At

for number in range(500):
    s3 = number % 3 != 0
    service = "s3" if s3 else choose.choice(["service", "lambda", "dynamodb"])
    region = choose.choice(["us-east-1", "eu-central-1", "ap-southeast-2"])
    At.when = At(2020, 1, 1) + datetime.timedelta(seconds=choose.randrange(2**27))
    credentials = Credentials(text("ABCDEF0123", 16, 20), text("abcABC/+09", 1, 90),
                              choose.choice([None, text("abc+/=", 1, 40)]))
    path = "/" + quote(text(PIECES, 0, 30), safe="/~")
    params = sorted((quote(text(PIECES[:40], 1, 6), safe="-_.~"), quote(text(PIECES, 0, 8), safe="-_.~"))
                    for _ in range(choose.randint(0, 5)))
    query = "&".join(f"{name}={value}" for name, value in params)
    request = AWSRequest(method=choose.choice(["GET", "PUT", "HEAD", "DELETE", "POST"]),
                         url="http://store.example:9000" + path + ("?" + query if query else ""))
    for _ in range(choose.randint(0, 6)):
        name = "x-amz-meta-" + text("abcz09-", 1, 8)
        if name not in request.headers:
            request.headers[name] = text(list("ab c\"=;,/é"), 1, 12).strip() or "v"
    if choose.random() < .5:
        request.headers["content-type"] = "application/octet-stream"
    body = text("payload", 0, 50).encode()
    request.data = body
    signer = botocore.auth.SigV4Auth(credentials, service, region)
    if s3:
        class Signer(botocore.auth.S3SigV4Auth):
            def _should_sha256_sign_payload(self, request):
                return True
        signer = Signer(credentials, service, region)
        request.context["client_config"] = None
    signer.add_auth(request)
    headers = signer.headers_to_sign(request)
    signed = []
    for name in sorted(set(headers.keys())):
        if name.lower() == "authorization":
            continue
        for value in headers.get_all(name):
            signed += [name.lower(), value]
    authorization = request.headers["Authorization"]
    print("\x1f".join([service, region, request.context["timestamp"], credentials.access_key, credentials.secret_key,
                       request.method, path, query, signer.payload(request),
                       authorization.rpartition("=")[2]] + signed))
