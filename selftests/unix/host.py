# SPDX-License-Identifier: GPL-2.0-only
"""The daemon and a store for tests in Python: started, stopped, killed."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import boto3
import botocore.config

WORK, BUILD = os.environ["WORK"], os.environ["BUILD"]
BUCKET = "nexus-test"


class Store:
    """The store that `store start` started in WORK/store, and the independent client."""

    def __init__(self):
        with open(f"{WORK}/store/env") as lines:
            self.env = dict(re.match(r"export (\w+)='(.*)'", line).groups() for line in lines)
        with open(f"{WORK}/store/pid") as pid:
            self.pid = int(pid.read())
        self.client = boto3.client(
            "s3", endpoint_url=self.env["NEXUS_S3_URL"], region_name="us-east-1",
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def get(self, key):
        """Its bytes; None: no such object."""
        try:
            return self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None

    def wait(self, key, want, seconds=20):
        """Until the object is `want`."""
        deadline = time.monotonic() + seconds
        while (got := self.get(key)) != want and time.monotonic() < deadline:
            time.sleep(0.05)
        return got == want


class Backend:
    """nexus-backend with WORK/config; sockets WORK/NAME.sock for the tenants NAME: LINES, at the endpoint
    store or one of endpoints NAME: LINES."""

    def __init__(self, store, tenants, lines=(), endpoints=None):
        self.config = f"{WORK}/config"
        os.makedirs(self.config)
        env = store.env
        with open(os.open(f"{self.config}/credentials", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            for profile, secret in ("default", env["AWS_SECRET_ACCESS_KEY"]), ("wrong", "not-the-key"):
                file.write(f"[{profile}]\naws_access_key_id = {env['AWS_ACCESS_KEY_ID']}\n"
                           f"aws_secret_access_key = {secret}\n")
        with open(f"{self.config}/nexus.conf", "w") as file:
            print("[backend]", "workers = 2", f"control = {WORK}/control.sock", *lines,
                  "[endpoint store]", f"url = {env['NEXUS_S3_URL']}", sep="\n", file=file)
            for name, extra in (endpoints or {}).items():
                print(f"[endpoint {name}]", *extra, sep="\n", file=file)
            for name, extra in tenants.items():
                if not any(line.startswith("endpoint = ") for line in extra):
                    extra = ["endpoint = store", *extra]
                print(f"[tenant {name}]", "credentials = credentials",
                      f"buckets = {BUCKET}", *extra, f"[listen {name}]", f"path = {WORK}/{name}.sock",
                      "mode = 0666", f"tenant = {name}", "function = unix", sep="\n", file=file)
        self.process = None

    def start(self):
        with open(f"{WORK}/backend.log", "a") as log:
            self.process = subprocess.Popen([f"{BUILD}/backend/nexus-backend", "--config", self.config], stderr=log)
        for _ in range(200):
            try:
                return self.stats()
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        raise RuntimeError("the daemon does not answer:\n" + self.log())

    def log(self):
        """Its end."""
        with open(f"{WORK}/backend.log") as log:
            return log.read()[-4000:]

    def stats(self):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(f"{WORK}/control.sock")
            control.sendall(b'{"verb":"stats"}\n')
            with control.makefile() as answer:
                return json.loads(answer.readline())["result"]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Exit status."""
        self.process.terminate()
        return self.process.wait(timeout=20)


def wipe(path):
    shutil.rmtree(path, ignore_errors=True)
