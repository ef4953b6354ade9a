# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: a store (nginx), the daemon, CPU time, statistics."""
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("NEXUS_BUILD", os.path.join(TOP, "build"))
BUCKET = "bench"


def fail(why):
    sys.exit(f"bench: {why}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_true(what, condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    fail(f"{what} does not answer")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def cpu_seconds(pids):
    """User and system time so far, of all threads: fields 14 and 15 of /proc/PID/stat."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


class Process:
    """A server that ends with the `with` statement."""

    process = None

    def pids(self):
        return [self.process.pid, *children(self.process.pid)]

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Nginx(Process):
    """A fast object store: DIR/objects/BUCKET/KEY. It ignores signatures."""

    CONFIG = """
daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx.log; worker_processes 1; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
    keepalive_requests 1000000000; open_file_cache max=100; client_max_body_size 0;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    server {{
        listen {address}:{port}; root {dir}/objects;
        location / {{ dav_methods PUT DELETE; create_full_put_path on; }}
    }}
}}
"""

    def __init__(self, directory, address="127.0.0.1"):
        self.dir, self.address, self.port = directory, address, free_port()
        self.url = f"http://{address}:{self.port}"

    def object(self, key, size):
        """Random bytes at BUCKET/KEY; returns the file's path."""
        path = f"{self.dir}/objects/{BUCKET}/{key}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            for _ in range(0, size, 1 << 20):
                file.write(os.urandom(min(size, 1 << 20)))
        return path

    def write_config(self, at=None):
        """at: where the directory will be, if it is to be moved."""
        path = f"{self.dir}/nginx.conf"
        with open(path, "w") as file:
            file.write(self.CONFIG.format(dir=at or self.dir, address=self.address, port=self.port,
                                          user="" if os.geteuid() else "user root;"))
        return path

    def __enter__(self):
        if not shutil.which("nginx"):
            fail("nginx is missing: run selftests/setup bench")
        self.process = subprocess.Popen(["nginx", "-e", f"{self.dir}/nginx.log", "-c", self.write_config()])
        await_true("nginx", self.answers)
        return self

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex((self.address, self.port)) == 0 and children(self.process.pid)


class Backend(Process):
    """The daemon with one worker, one endpoint, one tenant, listening at DIR/socket."""

    CONFIG = """
[backend]
workers = 1
control = {dir}/control.sock
[endpoint store]
url = {url}
region = us-east-1
path_style = yes
max_connections = {in_flight}
multipart_threshold = 1G
[tenant bench]
endpoint = store
credentials = credentials
buckets = {bucket}
max_pinned = 256M
max_in_flight = 256
[listen bench]
path = {dir}/socket
tenant = bench
function = bench
"""

    def __init__(self, directory, url, in_flight, preload=""):
        """preload: a library for the daemon's LD_PRELOAD."""
        self.dir, self.url, self.in_flight, self.preload = directory, url, in_flight, preload
        os.makedirs(directory, exist_ok=True)
        self.target = f"unix:{directory}/socket"

    def write_config(self, at=None):
        """at: where the sockets will be, if not in the directory."""
        config = f"{self.dir}/config"
        os.makedirs(config, exist_ok=True)
        with open(os.open(f"{config}/credentials", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("[default]\naws_access_key_id = bench\naws_secret_access_key = bench-secret\n")
        with open(f"{config}/nexus.conf", "w") as file:
            file.write(self.CONFIG.format(dir=at or self.dir, url=self.url, in_flight=self.in_flight, bucket=BUCKET))
        return config

    def __enter__(self):
        config = self.write_config()
        with open(f"{self.dir}/backend.log", "w") as log:
            self.process = subprocess.Popen([f"{BUILD}/backend/nexus-backend", "--config", config], stderr=log,
                                            env=dict(os.environ, LD_PRELOAD=self.preload))
        await_true("nexus-backend", lambda: os.path.exists(f"{self.dir}/socket"))
        return self

    def totals(self):
        """The counters of `nexusctl stats`."""
        text = subprocess.run([f"{BUILD}/backend/nexusctl", "--control", f"{self.dir}/control.sock", "stats", "--json"],
                              check=True, capture_output=True, text=True).stdout
        return json.loads(text)["totals"]


def run_measured(command, **kwargs):
    """Runs it to its end; returns its output and its CPU seconds."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True, **kwargs)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        fail(f"{command[0]} ended with status {process.returncode}: {text[-500:]}")
    return text, usage.ru_utime + usage.ru_stime


def load(backend, *arguments):
    """The load generator; returns its facts as numbers."""
    text, _ = run_measured([f"{BUILD}/selftests/bench/load", backend.target, *arguments])
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}
