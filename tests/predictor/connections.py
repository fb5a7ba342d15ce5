"""Connections of a test's own to a predictor, beside the one that `Server` keeps open."""

from __future__ import annotations

import http.client
import socket
import time

from tests.deadlines import ANSWER_SECONDS
from tests.predictor.answer import Answer
from tests.predictor.conftest import Server


def ask(server: Server, body: bytes) -> tuple[Answer, float]:
    """A v1 request on a connection of its own, and the seconds it took."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=ANSWER_SECONDS)
    started = time.monotonic()
    connection.request("POST", server.v1, body)
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    result = Answer(answer.status, headers, answer.read())
    connection.close()
    return result, time.monotonic() - started


def opened(server: Server, data: bytes) -> socket.socket:
    """A connection on which `data` was sent."""
    connection = socket.create_connection(("127.0.0.1", server.http_port), timeout=ANSWER_SECONDS)
    connection.sendall(data)
    return connection


def until_closed(connection: socket.socket) -> bytes:
    """What still comes until the server ends the connection."""
    received = b""
    try:
        while part := connection.recv(1 << 16):
            received += part
    except ConnectionResetError:
        pass
    return received
