# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Compiling .proto files at run time is the genuine package's: it needs a compiler in the image."""


def _missing(name, path):
    raise NotImplementedError(f"grpc.{name}({path!r}): compile it when the image is made, by "
                              "python3 -m grpc_tools.protoc, and import the modules")


def protos(protobuf_path):
    _missing("protos", protobuf_path)


def services(protobuf_path):
    _missing("services", protobuf_path)


def protos_and_services(protobuf_path):
    _missing("protos_and_services", protobuf_path)
