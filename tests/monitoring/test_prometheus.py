"""What answers in the place of a Prometheus: errors, pages of something else, half of the data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from artifact.errors import StorageError
from monitoring.prometheus import Grid, Prometheus

GRID = Grid(1000.0, 10.0, 3)


def matrix(result: object, **more: object) -> tuple[int, str]:
    return 200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more})


ANSWERS = {
    "broken": (500, "boom\nand more"),
    "closed": (401, "Unauthorized"),
    "lost": (404, "404 page not found"),
    "page": (200, "<!DOCTYPE html><title>Log in</title>"),
    "empty": (200, ""),
    "list": (200, "[]"),
    "scalar": (200, '{"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}}'),
    "null": matrix(None),
    "unnamed": matrix([{"values": [[1000, "1"]]}]),
    "number": matrix([7]),
    "part": matrix([], warnings=["remote read: no answer"]),
    "rounded": matrix([{"metric": {"pod": "a"}, "values": [[994, "7"], [1004, "1"], [1014, "2"], [1034, "9"]]}]),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server that answers as ANSWERS has it, by the first part of the path."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = ANSWERS[self.path.split("/")[1]]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("broken", "with 500, see its own log, then run this again; nothing was decided: boom and more"),
        ("closed", "with 401, put a token that it takes into the variable PROMETHEUS_TOKEN"),
        ("lost", "with 404, give the URL of a Prometheus, with its path prefix"),
        ("page", "give the URL of a Prometheus"),
        ("empty", "give the URL of a Prometheus"),
        ("list", "give the URL of a Prometheus"),
        ("scalar", "give the URL of a Prometheus"),
        ("null", "give the URL of a Prometheus"),
        ("unnamed", "give the URL of a Prometheus"),
        ("number", "give the URL of a Prometheus"),
        ("part", "a part of the data .remote read: no answer.: see whether all that it reads from is up"),
    ],
)
def test_what_is_no_whole_answer_decides_nothing(url: str, answer: str, message: str) -> None:
    """Exit code 30, in one line that says what came and what to do; a part of the data is not taken for all."""
    with pytest.raises(StorageError, match=message) as failure:
        Prometheus(f"{url}/{answer}").range("up", GRID)
    assert "\n" not in str(failure.value)


def test_times_that_a_server_rounds_are_those_nearest(url: str) -> None:
    """Servers that speak Prometheus' API may move the grid, and answer with a time more: that one is left out."""
    (series,) = Prometheus(f"{url}/rounded").range("up", GRID)
    np.testing.assert_array_equal(series.values, [1, 2, np.nan])
