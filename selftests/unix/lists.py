# SPDX-License-Identifier: GPL-2.0-only
"""test_lists.sh: answers of stores as they exist, from a server of this test's own."""
import http.server
import subprocess
import sys
import threading

from guest import Guest, library, target
from host import BUCKET, BUILD, Backend, Store
from tap import Tap

ENCODED = "<EncodingType>url</EncodingType>"
NAMES = ["a b", "a+b", "50%", "50%25", "c%20d", "%2B", "ü", "<&>", "plain/x"]
URL = ["a+b", "a%2Bb", "50%25", "50%2525", "c%2520d", "%252B", "%C3%BC", "%3C%26%3E", "plain%2Fx"]
PLAIN = ["a b", "a+b", "50%", "50%25", "c%20d", "%2B", "ü", "&lt;&amp;&gt;", "plain/x"]
answer = b""


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def document(names, before="", behind=""):
    contents = "".join(f"<Contents><Key>{name}</Key><Size>1</Size></Contents>" for name in names)
    prefixes = "".join(f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" for name in names)
    return (f"<ListBucketResult>{before}<IsTruncated>true</IsTruncated><NextMarker>{names[0]}</NextMarker>"
            f"{contents}{prefixes}{behind}</ListBucketResult>").encode()


def main():
    global answer
    tap = Tap()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    backend = Backend(Store(), {"test": ["endpoint = lists"]},
                      endpoints={"lists": [f"url = http://127.0.0.1:{server.server_port}"]})
    backend.start()
    guest = Guest(library(f"{BUILD}/guest-lib/libnexus-guest.so.1"), target("test"))
    for what, text in (("encoded, and says so first", document(URL, ENCODED)),
                       ("encoded, and says so last", document(URL, "", ENCODED)),
                       ("not encoded, and says nothing", document(PLAIN)),
                       ("not encoded, and says so", document(PLAIN, "<EncodingType></EncodingType>"))):
        answer = text
        tap.equal(guest.list(BUCKET, ""), NAMES, f"keys: {what}")
        lines = subprocess.run([f"{BUILD}/guest-lib/nx", "--target", target("test"), "--v1", "list", BUCKET], check=True,
                               capture_output=True, text=True).stdout.splitlines()
        tap.equal([line[len("prefix "):] for line in lines if line.startswith("prefix ")], NAMES, f"prefixes: {what}")
        tap.equal(lines[-1], "next a b", f"the next marker: {what}")
    guest.close()
    tap.equal(backend.stop(), 0, "the daemon ends well")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
