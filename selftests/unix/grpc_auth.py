#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Callers by TLS, known by certificates or tokens, by Debian's grpcio. Prints TAP.

usage: grpc_auth.py DIRECTORY PORT TARGET NOTES SERVER...
(DIRECTORY has what test_grpc_auth.sh made; SERVER: the command of an instance, without TARGET and NOTES)
"""
import os
import shutil
import socket
import ssl
import subprocess
import sys

import grpc

from tap import Tap

WORK, SECURE, TARGET, NOTES, *SERVER = sys.argv[1:]
tap = Tap()
equal = tap.equal


def data(name):
    with open(f"{WORK}/{name}", "rb") as file:
        return file.read()


def channel(who=None, ca="ca"):
    pair = (data(f"{who}.key"), data(f"{who}.pem")) if who else ()
    return grpc.secure_channel(f"localhost:{SECURE}", grpc.ssl_channel_credentials(data(f"{ca}.pem"), *pair))


def code(channel_, token=None, service="nexus.test.Served", name="Echo"):
    """How a call ends, and what it answers."""
    metadata = (("authorization", f"Bearer {token}"), ("x-other", "kept")) if token else ()
    try:
        answer, call = channel_.unary_unary(f"/{service}/{name}").with_call(b"hello", metadata=metadata, timeout=60)
        return "OK", answer, dict(call.trailing_metadata()).get("x-other")
    except grpc.RpcError as error:
        return error.code().name, None, None


def served():
    return "OK", b"hello", None


def refused(name="UNAUTHENTICATED"):
    return name, None, None


def callers():
    with channel() as nobody:
        equal(code(nobody), refused(), "TLS alone tells nothing of the caller")
        equal(code(nobody, "a-token-of-nobody"), refused(), "nor does an unknown token")
        equal(code(nobody, "0123456789abcdef-acme"), ("OK", b"hello", "kept"), "a token does")
        equal(code(nobody, "0123456789abcdef-acmf"), refused(), "but for its last character")
        equal(code(nobody, "0123456789abcdef-acm"), refused(), "or its length")
        equal(code(nobody, "0123456789abcdef-other"), refused("UNIMPLEMENTED"), "another tenant's caller finds no such function")
        equal(code(nobody, "0123456789abcdef-acme", name="Seen"), ("OK", b"no authorization", "kept"),
              "the function does not see the token")
    for who, text in (("acme", "its common name"), ("san", "a DNS name"), ("uri", "a URI")):
        with channel(who) as known:
            equal(code(known), served(), f"a certificate by {text}")
            equal(code(known, "of-the-application")[0], "OK", "whose caller may send tokens of his own")
    with channel("acme") as known:
        equal(code(known, "of-the-application", name="Seen"), ("OK", b"Bearer of-the-application", "kept"),
              "which the function sees")
    with channel("unknown") as unknown:
        equal(code(unknown), refused(), "a certificate that names nobody")
        equal(code(unknown, "0123456789abcdef-acme")[0], "OK", "with a token")
    with channel("shadow") as shadow:
        equal(code(shadow), refused(), "a common name does not count beside other names")
    with channel("foreign") as foreign:
        equal(code(foreign), refused("UNAVAILABLE"), "a certificate that another authority signed: no connection")
    with grpc.insecure_channel(f"localhost:{SECURE}") as clear:
        equal(code(clear), refused("UNAVAILABLE"), "no connection without TLS")
    with channel("acme") as known:
        big = os.urandom(3 << 20)
        equal(known.unary_unary("/nexus.test.Served/Echo")(big) == big, True, "3 MiB there and back")
        words = [bytes([97 + i % 26]) * 30000 for i in range(60)]
        equal(list(known.stream_stream("/nexus.test.Served/Chat")(iter(words))) == [word.upper() for word in words], True,
              "a stream in both directions")


def handshake(alpn, version=None):
    """Whether TLS comes to HTTP/2."""
    context = ssl.create_default_context(cafile=f"{WORK}/ca.pem")
    if version:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(alpn)
    try:
        with socket.create_connection(("localhost", int(SECURE))) as plain:
            plain.settimeout(60)
            with context.wrap_socket(plain, server_hostname="localhost") as peer:
                return peer.recv(9)[3:4] == b"\x04"      # a frame of settings
    except (OSError, ssl.SSLError):
        return False


def handshakes():
    equal(handshake(["h2"]), True, "HTTP/2 by ALPN")
    equal(handshake(["h2"], ssl.TLSVersion.TLSv1_2), True, "TLS 1.2")
    equal(handshake(["http/1.1"]), False, "nothing else is agreed upon")
    equal(handshake([]), False, "nor is it assumed")
    with socket.create_connection(("localhost", int(SECURE))) as noise:
        noise.sendall(os.urandom(5000))
        noise.settimeout(60)
        try:
            while noise.recv(4096):
                pass
        except OSError:
            pass
    silent = [socket.create_connection(("localhost", int(SECURE))) for _ in range(5)]
    with channel("acme") as known:
        equal(code(known), served(), "noise and silence hold up nobody")
    for peer in silent:
        peer.close()


def renewal():
    """Another certificate in the file's place: new connections get it."""
    with channel("acme") as known, channel("acme", "second") as wrong:
        equal(code(known), served(), "with the certificate of now")
        equal(code(wrong), refused("UNAVAILABLE"), "whose authority the caller has to know")
        shutil.copy(f"{WORK}/second.key", f"{WORK}/server.key.new")
        os.rename(f"{WORK}/server.key.new", f"{WORK}/server.key")
        shutil.copy(f"{WORK}/second.pem", f"{WORK}/server.pem.new")
        os.rename(f"{WORK}/server.pem.new", f"{WORK}/server.pem")
        equal(code(known), served(), "a connection goes on")
    with channel("acme", "second") as fresh:
        equal(code(fresh), served(), "the next one has the renewed certificate")


def main():
    server = subprocess.Popen([*SERVER, TARGET, NOTES])
    try:
        callers()
        handshakes()
        renewal()
    finally:
        server.kill()
        server.wait()
    return tap.done()


sys.exit(main())
