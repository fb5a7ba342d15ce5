"""Open-loop load from keep-alive connections, without retries: what a request got, and what a connection got."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter

from tests.deadlines import ANSWER_SECONDS
from tests.predictor.conftest import Server

BODY = b'{"instances":[[5.1,3.5,1.4,0.2]]}'


class Load:
    """`connections` threads that each send a request every `interval` seconds, whatever the answers, until stopped.

    `answers` counts statuses and errors of requests; `refused` counts connections that nobody accepted, apart.
    """

    def __init__(self, server: Server, connections: int, interval: float) -> None:
        self.answers: Counter[str] = Counter()
        self.refused = self.closed = 0
        self._server = server
        self._interval = interval
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(connections)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        connection: http.client.HTTPConnection | None = None
        due = time.monotonic() + self._interval * number / len(self._threads)
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            due += self._interval
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self._server.http_port, timeout=ANSWER_SECONDS)
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    self.refused += 1
                    connection = None
                    continue
            try:
                connection.request("POST", self._server.v1, BODY, {"content-type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                self.answers[str(answer.status)] += 1
                if answer.will_close:
                    self.closed += 1
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                connection = None
        if connection is not None:
            connection.close()
