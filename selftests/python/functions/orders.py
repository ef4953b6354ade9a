# SPDX-License-Identifier: GPL-2.0-only
"""Adds up an order, by the prices of another function: PRICES is its gRPC address."""
import os
import queue

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
    articles = [Article(name=name, count=count) for name, count in event["order"].items()]
    plain = stub.Total(iter(articles), timeout=300)
    return {"lines": lines, "missing": missing, "total": sum(line["cents"] for line in lines), "offers": offers,
            "plain": [plain.cents, plain.note], "haggled": list(haggle(Article(name=event["offer"], count=10), 150))}


def haggle(article, enough):
    """Asks again, over one call, until the price will do or does not change."""
    questions = queue.SimpleQueue()
    questions.put(article)
    last = None
    for price in stub.Haggle(iter(questions.get, None), timeout=300):
        yield [price.cents, price.note]
        questions.put(None if price.cents in (enough, last) else article)
        last = price.cents
