# SPDX-License-Identifier: GPL-2.0-only
"""Adds up an order, by the prices of another function: PRICES is its gRPC address."""
import os

import grpc
from prices_pb2 import Article
from prices_pb2_grpc import PricesStub

stub = PricesStub(grpc.insecure_channel(os.environ["PRICES"]))


def handler(event, context):
    lines, missing = [], []
    for name, count in event["order"].items():
        try:
            price = stub.Quote(Article(name=name, count=count), timeout=300)
            lines.append({"article": name, "count": count, "cents": price.cents, "note": price.note})
        except grpc.RpcError as error:
            missing.append({"article": name, "code": error.code().name, "details": error.details()})
    offers = [f"{offer.note}: {offer.cents}" for offer in stub.Offers(Article(name=event["offer"]), timeout=300)]
    return {"lines": lines, "missing": missing, "total": sum(line["cents"] for line in lines), "offers": offers}
