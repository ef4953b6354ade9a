# SPDX-License-Identifier: GPL-2.0-only
"""HTTP by http.client, urllib, urllib3 and requests: through nexus_http against plain sockets."""
import http.client
import json
import os
import re
import urllib.error
import urllib.request


def _origin():
    # A name, since addresses of the loopback are this machine's own affair; see nexus_http.
    return f"{os.environ['NEXUS_WEB_HOST']}:{os.environ['NEXUS_WEB_PORT']}"


def clients(see):
    connection = http.client.HTTPConnection(_origin(), timeout=20)
    for method, body in (("GET", None), ("HEAD", None), ("POST", b"a body"), ("PUT", b"x" * 300000), ("DELETE", None),
                         ("PATCH", iter([b"in ", b"chunks"])), ("OPTIONS", None)):
        connection.request(method, f"/path?q={method}", body=body, headers={"X-Custom": "c", "Content-Type": "text/x"},
                           encode_chunked=method == "PATCH")
        answer = connection.getresponse()
        see.fact(f"http.client {method}", "status", [answer.status, answer.reason, answer.version])
        see.fact(f"http.client {method}", "body", answer.read().decode())
        see.fact(f"http.client {method}", "content-type", answer.getheader("content-type"))
    connection.request("GET", "/large?size=3000000")
    answer = connection.getresponse()
    see.fact("http.client, 3 MB", "length", len(answer.read()))
    connection.request("GET", "/large?size=0")
    see.fact("http.client, nothing", "body", connection.getresponse().read())
    connection.request("GET", "/chunks")
    see.fact("http.client, a chunked answer", "body", connection.getresponse().read())
    connection.request("GET", "/cookies")
    answer = connection.getresponse()
    see.fact("http.client, repeated headers", "set-cookie", answer.headers.get_all("set-cookie"))
    answer.read()
    for code in (204, 304, 404, 418, 500, 503):
        connection.request("GET", f"/status?code={code}")
        answer = connection.getresponse()
        see.fact(f"http.client, status {code}", "answer", [answer.status, answer.read()])
    connection.close()


def urllib_(see):
    base = "http://" + _origin()
    with urllib.request.urlopen(base + "/hello?a=b", timeout=20) as answer:
        see.fact("urllib GET", "status and body", [answer.status, json.load(answer)])
    request = urllib.request.Request(base + "/post", data=b"k=v", headers={"Authorization": "Bearer t"}, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        see.fact("urllib POST", "body", json.load(answer))
    with urllib.request.urlopen(base + "/redirect", timeout=20) as answer:
        see.fact("urllib, a redirect", "url", answer.geturl().partition("/hello")[1:])
        see.fact("urllib, a redirect", "body", json.load(answer))
    try:
        urllib.request.urlopen(base + "/status?code=404", timeout=20)
    except urllib.error.HTTPError as error:
        see.fact("urllib 404", "error", [error.code, str(error), error.read()])


def urllib3_(see):
    import urllib3
    pool = urllib3.PoolManager()
    base = "http://" + _origin()
    answer = pool.request("GET", base + "/hello", fields={"x": "y"})
    see.fact("urllib3 GET", "status and data", [answer.status, answer.data])
    answer = pool.request("POST", base + "/form", fields={"a": "b"}, encode_multipart=False)
    see.fact("urllib3 POST", "data", json.loads(answer.data))
    answer = pool.request("GET", base + "/large?size=1000000", preload_content=False)
    see.fact("urllib3 stream", "length", sum(len(chunk) for chunk in answer.stream(65536)))
    answer.release_conn()
    answer = pool.request("GET", base + "/redirect")
    see.fact("urllib3, a redirect", "data", json.loads(answer.data))
    for i in range(3):
        see.fact("urllib3, one pool", f"request {i}", pool.request("GET", base + f"/n?{i}").status)


def requests_(see):
    import requests
    base = "http://" + _origin()
    session = requests.Session()
    answer = session.get(base + "/hello", params={"p": "q"}, headers={"X-Custom": "1"}, timeout=20)
    see.fact("requests GET", "json", {key: value for key, value in answer.json().items()})
    see.fact("requests GET", "ok, encoding", [answer.ok, answer.encoding, answer.headers["content-type"]])
    see.fact("requests POST json", "json", session.post(base + "/j", json={"a": [1]}).json())
    see.fact("requests POST form", "json", session.post(base + "/f", data={"a": "b c"}).json())
    see.fact("requests PUT stream", "json", session.put(base + "/s", data=iter([b"one", b"two"])).json())
    see.fact("requests, basic auth", "json", session.get(base + "/auth", auth=("u", "p")).json())
    answer = session.get(base + "/redirect")
    see.fact("requests, a redirect", "history", [len(answer.history), answer.url.partition("/hello")[1:]])
    answer = session.get(base + "/status", params={"code": 500})
    see.fact("requests 500", "status", answer.status_code)
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        see.fact("requests 500", "raise_for_status", str(error).partition("http:")[0])
    session.get(base + "/cookies")
    see.fact("requests, cookies", "names", sorted(session.cookies.keys()))
    with session.get(base + "/large?size=500000", stream=True) as answer:
        see.fact("requests stream", "length", sum(len(chunk) for chunk in answer.iter_content(10000)))


def unconnected(see):
    """Nobody listens; no such name; no TLS there."""
    import requests
    import urllib3
    from urllib3.util.retry import Retry
    hosts = {"nobody listens": f"http://{os.environ['NEXUS_WEB_HOST']}:9/x", "no such name": "http://no.such.invalid/x"}
    retrying = requests.Session()
    retrying.mount("http://", requests.adapters.HTTPAdapter(max_retries=Retry(total=1, backoff_factor=0.01)))
    connection = http.client.HTTPConnection(os.environ["NEXUS_WEB_HOST"], 9, timeout=20)
    told(see, "http.client, nobody listens", connection.request, "GET", "/")
    told(see, "http.client, nobody listens, a body", connection.request, "POST", "/", b"body")
    for name, url in hosts.items():
        told(see, f"urllib, {name}", urllib.request.urlopen, url, timeout=20)
        told(see, f"urllib POST, {name}", urllib.request.urlopen, url, b"a=b", timeout=20)
        told(see, f"urllib3, {name}", urllib3.PoolManager().request, "GET", url, retries=False)
        told(see, f"urllib3 with retries, {name}", urllib3.PoolManager().request, "GET", url, retries=1)
        told(see, f"requests, {name}", requests.get, url, timeout=20)
        told(see, f"requests with retries, {name}", retrying.post, url, data=b"body")
    secure = f"https://{_origin()}/x"
    told(see, "urllib, no TLS", urllib.request.urlopen, secure, words=False)
    told(see, "requests, no TLS", requests.get, secure, words=False)


def told(see, name, call, *args, words=True, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception as error:
        see.fact(name, "exception", [cls.__name__ for cls in type(error).__mro__])
        reason = getattr(error, "reason", None)
        see.fact(name, "reason", type(reason).__name__)
        if words:
            see.fact(name, "text", re.sub("0x[0-9a-f]+", "0x", str(error)))


def run(see):
    try:
        import nexus_http
        nexus_http.install()
    except ImportError:
        pass    # plain sockets
    for part in (clients, urllib_, urllib3_, requests_, unconnected):
        part(see)
