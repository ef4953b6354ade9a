# SPDX-License-Identifier: GPL-2.0-only
"""test_keys.sh: credentials and rules that change while the daemon runs, one case a function."""
import atexit
import os
import re
import signal
import subprocess
import sys
import time

from guest import Failure, Guest, library, target
from host import BUCKET, BUILD, Backend, Store, WORK
from tap import Tap

TOP = os.environ["TOP"]
tap = Tap()
lib = library(f"{BUILD}/guest-lib/libnexus-guest.so.1")
store = Store()
key, secret = store.env["AWS_ACCESS_KEY_ID"], store.env["AWS_SECRET_ACCESS_KEY"]
service = f"{WORK}/service"


def write(path, text, mode=0o600):
    """Replaced in one step, as rotating tools do it."""
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def start_service():
    os.mkdir(service)
    write(f"{service}/keys", f"{key} {secret}\n")
    write(f"{service}/life", "3\n")
    write(f"{service}/token", "Basic container-token\n")
    process = subprocess.Popen([f"{TOP}/selftests/store/metadata-server", service])
    atexit.register(process.kill)
    while not os.path.exists(f"{service}/port"):
        time.sleep(0.02)
    with open(f"{service}/port") as file:
        return process, f"http://127.0.0.1:{int(file.read())}"


def code_of(guest):
    """Of a HEAD that finds nothing with good keys: "" then, else the error's code or status."""
    try:
        guest.head(BUCKET, "no-such-key")
    except Failure as failure:
        return "" if failure.status == -2 else failure.code or str(failure.status)
    return "it is there"


def until(guest, want, seconds):
    """Wait for the outcome; how long it took, or None."""
    begin = time.monotonic()
    while (got := code_of(guest)) != want:
        if time.monotonic() - begin > seconds:
            print(f"#   still {got!r}", flush=True)
            return None
        time.sleep(0.05)
    return time.monotonic() - begin


def is_soon(guest, want, seconds, text):
    took = until(guest, want, seconds)
    tap.ok(took is not None, text if took is None else f"{text} (# {took:.1f} s)".replace("# ", ""))


def memory_holds(text):
    """Does the daemon have these bytes anywhere in its memory?"""
    needle = text.encode()
    with open(f"/proc/{backend.process.pid}/maps") as maps, open(f"/proc/{backend.process.pid}/mem", "rb", 0) as mem:
        for line in maps:
            begin, end, access = re.match(r"(\w+)-(\w+) (r\S*)", line).groups() if " r" in line else (0, 0, "")
            if "w" not in access:
                continue
            mem.seek(int(begin, 16))
            try:
                if needle in mem.read(int(end, 16) - int(begin, 16)):
                    return True
            except OSError:
                pass
    return False


def environment(name, a_secret):
    write(f"{backend.config}/{name}", f"# of a shell\nexport AWS_ACCESS_KEY_ID={key}\nAWS_SECRET_ACCESS_KEY='{a_secret}'\n")


def configure(old, new):
    with open(f"{backend.config}/nexus.conf") as file:
        text = file.read()
    assert old in text
    write(f"{backend.config}/nexus.conf", text.replace(old, new))


def nexusctl_reload():
    return subprocess.run([f"{BUILD}/backend/nexusctl", "--control", f"{WORK}/control.sock", "reload"],
                          capture_output=True, text=True, check=False)


def files_are_noticed(guest):
    wrong = "a-wrong-secret-of-forty-characters-12345"
    tap.equal(code_of(guest), "", "a file of environment variables")
    environment("env", wrong)
    is_soon(guest, "Forbidden", 10, "a file that changed is noticed, and the signatures are the new key's")
    environment("env", secret)
    is_soon(guest, "", 10, "and once more")
    for _ in range(4):      # each worker's turn, each pool's signer
        code_of(guest)
    tap.ok(memory_holds(secret), "the secret in use is in the daemon's memory")
    tap.ok(not memory_holds(wrong), "the one before is nowhere in it")
    environment("env", "")
    time.sleep(2.5)
    tap.equal(code_of(guest), "", "a file without a secret changes nothing")
    environment("env", wrong)
    backend.process.send_signal(signal.SIGHUP)
    is_soon(guest, "Forbidden", 1.5, "SIGHUP reads it at once")
    environment("env", secret)
    tap.equal(nexusctl_reload().returncode, 0, "nexusctl reload")
    tap.equal(code_of(guest), "", "has read it when it returns")


def services_are_asked(guest):
    with open(f"{service}/log") as log:
        first = log.read()
    tap.equal(re.sub(r"200 (PUT|GET) \S*/(\S*)\n", r"\1 \2 ", first.replace("200 GET /container\n", "")).strip(),
              "PUT token GET  GET the-role", "IMDSv2: a token, the role, its keys")
    tap.equal(code_of(guest), "", "which the first operation finds there")
    write(f"{service}/keys", f"{key} other\n")
    is_soon(guest, "Forbidden", 10, "they are refreshed before they expire")
    write(f"{service}/keys", f"{key} {secret}\n")
    is_soon(guest, "", 10, "and again")
    write(f"{service}/life", "-60\n")
    is_soon(guest, "NexusNoCredentials", 60, "keys that have expired already are none")
    write(f"{service}/life", "3\n")
    is_soon(guest, "", 60, "until there are others")


def keys_given():
    """How often IMDSv2 has answered with keys."""
    with open(f"{service}/log") as log:
        return len(re.findall(r"^200 GET \S*the-role$", log.read(), re.M))


def imds_fails(guest, how):
    """Old keys serve until they expire."""
    # Fresh keys of 5 s, then none.
    before = keys_given()
    write(f"{service}/life", "5\n")
    while keys_given() == before:
        time.sleep(0.05)
    write(f"{service}/{how}", "")
    begin = time.monotonic()
    worked = 0
    while code_of(guest) == "":
        worked = time.monotonic() - begin
        if worked > 20:
            break
        time.sleep(0.05)
    tap.ok(1.5 < worked < 5.5, f"IMDSv2 {how}: the old keys are used until they expire: {worked:.1f} s")
    tap.equal(code_of(guest), "NexusNoCredentials", f"IMDSv2 {how}: then there are none")
    os.remove(f"{service}/{how}")
    is_soon(guest, "", 30, f"IMDSv2 {how}: until it answers again")


def rules_change(guest, other):
    tap.equal(code_of(other), "NexusPolicyDenied", "a bucket that is not on the list")
    configure("buckets = nothing-yet", f"buckets = {BUCKET}\noperations = s3:GetObject")
    tap.equal(nexusctl_reload().returncode, 0, "nexusctl reload")
    tap.equal(code_of(other), "", "is on it after a reload")
    try:
        other.put(BUCKET, "k/x", b"x")
        got = ""
    except Failure as failure:
        got = failure.code
    tap.equal(got, "NexusPolicyDenied", "with the operations that were given")
    configure("operations = s3:GetObject", "operations = Getobject")
    answer = nexusctl_reload()
    tap.equal(answer.returncode, 1, "a configuration with a fault is refused")
    tap.ok("operations = Getobject: write SERVICE:ACTION" in answer.stderr, "and the fault is told")
    tap.equal(code_of(other), "", "nothing changed")
    tap.equal(code_of(guest), "", "for nobody")
    configure("operations = Getobject", "operations = s3:GetObject")


def networks_change():
    """Each process has one of the workers, and a worker its connections."""
    url = store.env["NEXUS_S3_URL"]

    def get():
        return subprocess.run([f"{BUILD}/guest-lib/nx", "--target", target("web"), "http", "GET", url],
                              capture_output=True, text=True, check=False).stderr

    tap.equal([get() for _ in range(4)], [""] * 4, "an address in a network that is allowed")
    configure("http_networks = 127.0.0.0/8", "http_networks = 127.0.0.2")
    tap.equal(nexusctl_reload().returncode, 0, "nexusctl reload")
    got = [get() for _ in range(4)]
    tap.ok(all("NexusPolicyDenied" in text for text in got),
           "is out of reach after a reload, over connections that there are, too", *got)


def reloads_under_load(guest, other):
    """Workers look at rules and keys while they are replaced; sanitizers would see one that is gone."""
    for i in range(100):
        backend.process.send_signal(signal.SIGHUP)
        if code_of(guest) or code_of(other):
            break
    tap.equal(i, 99, "100 reloads under load")


process, url = start_service()
backend = Backend(store, {"test": [], "imds": [], "box": [], "later": [],
                          "web": ["http_hosts = 127.0.0.1:*", "http_networks = 127.0.0.0/8"]})
configure("[tenant later]\ncredentials = credentials\nbuckets = nexus-test",
          "[tenant later]\ncredentials = credentials\nbuckets = nothing-yet")
configure("[tenant test]\ncredentials = credentials", "[tenant test]\ncredentials = env")
configure("[tenant imds]\ncredentials = credentials",
          f"[tenant imds]\ncredentials = imds:{url}/")
configure("[tenant box]\ncredentials = credentials",
          f"[tenant box]\ncredentials = {url}/container\ncredentials_token = {service}/token")
environment("env", secret)
try:
    backend.start()
    guests = {name: Guest(lib, target(name)) for name in ("test", "imds", "box", "later")}
    services_are_asked(guests["imds"])
    is_soon(guests["box"], "", 60, "the endpoint of containers, with its token")
    write(f"{service}/token", "Basic another-token\n")
    time.sleep(3.5)
    tap.equal(code_of(guests["box"]), "", "the token is read anew each time")
    imds_fails(guests["imds"], "broken")
    imds_fails(guests["imds"], "silent")
    is_soon(guests["box"], "", 20, "the endpoint of containers has recovered, too")
    files_are_noticed(guests["test"])
    rules_change(guests["test"], guests["later"])
    networks_change()
    reloads_under_load(guests["test"], guests["later"])
    for guest in guests.values():
        guest.close()
    with open(f"{WORK}/backend.log") as log:
        tap.ok(secret not in log.read(), "no secret in the log")
    tap.equal(backend.stop(), 0, "the daemon ends well")
finally:
    process.terminate()
    if backend.process.poll() is None:
        backend.kill()
sys.exit(tap.done())
