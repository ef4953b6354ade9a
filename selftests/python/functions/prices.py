# SPDX-License-Identifier: GPL-2.0-only
"""A gRPC server, as grpc's own tutorial has one: what articles cost. usage: prices.py [ADDRESS [PORT_FILE]]"""
import os
import sys
from concurrent import futures

import grpc
import prices_pb2
import prices_pb2_grpc

CENTS = {"apple": 25, "pear": 40, "melon": 250}


class Prices(prices_pb2_grpc.PricesServicer):
    def Quote(self, request, context):
        if request.name not in CENTS:
            context.set_code(grpc.StatusCode.NOT_FOUND)
            context.set_details(f"no article is called {request.name!r}")
            return prices_pb2.Price()
        cents = CENTS[request.name] * request.count
        return prices_pb2.Price(cents=cents - cents // 10 if request.count >= 10 else cents, note="each ripe")

    def Offers(self, request, context):
        for count in (1, 10, 100):
            yield prices_pb2.Price(cents=CENTS.get(request.name, 0) * count, note=f"{count} of them")


    def Total(self, request_iterator, context):
        articles = list(request_iterator)
        cents = sum(CENTS.get(article.name, 0) * article.count for article in articles)
        return prices_pb2.Price(cents=cents, note=f"{len(articles)} articles")

    def Haggle(self, request_iterator, context):
        """Each further question makes it cheaper by a tenth."""
        for asked, article in enumerate(request_iterator):
            cents = CENTS.get(article.name, 0) * article.count
            yield prices_pb2.Price(cents=cents - cents * min(asked, 5) // 10, note=f"my price number {asked + 1}")


def serve(address="0.0.0.0:50051", port_file=None):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    prices_pb2_grpc.add_PricesServicer_to_server(Prices(), server)
    port = server.add_insecure_port(address)
    server.start()
    if port_file:
        with open(port_file + ".new", "w", encoding="ascii") as file:
            file.write(f"{port}\n")
        os.rename(port_file + ".new", port_file)
    server.wait_for_termination()


if __name__ == "__main__":
    serve(*sys.argv[1:])
