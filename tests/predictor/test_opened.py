"""How many of our files a request opens, on each of its ways: a reader who follows it opens as many.

What is done behind the answers of a turn is not among them: their counts, and their lines of the log.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.ports import free
from tests.deadlines import ANSWER_SECONDS
from tests.predictor import forms
from tests.predictor.conftest import ROOT, Server, command, environment
from tests.predictor.corpus import NAMES, ROW
from tests.predictor.models import Packaged
from tests.predictor.test_converted import converted

COLUMNS = {name: [value] for name, value in zip(NAMES, ROW, strict=True)}
V1 = json.dumps({"instances": [ROW]}).encode()
V2 = json.dumps({"inputs": [{"name": "input-0", "shape": [1, 4], "datatype": "FP64", "data": list(ROW)}]}).encode()
JSON = {"content-type": "application/json"}


def plain(server: Server, path: str, body: bytes) -> None:
    """A request that the fast path takes: head and body in one write, as most clients but Python's have it."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    connection = server._local.get("plain") or socket.create_connection(("127.0.0.1", server.http_port))
    server._local["plain"] = connection
    connection.sendall(head.encode() + body)
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")


def chunked(server: Server, path: str, body: bytes) -> None:
    """The same in chunks, which the fast path leaves to the ASGI layer."""
    assert server.request("POST", path, iter([body]), JSON).status == 200


# How a request comes, how it is sent, and how many files it opens at most.
WAYS: dict[str, tuple[Callable[[Server], object], int]] = {
    "v1, fast": (lambda server: plain(server, server.v1, V1), 10),
    "v1, slow": (lambda server: chunked(server, server.v1, V1), 15),
    "v2, fast": (lambda server: plain(server, server.v2, V2), 12),
    "v2, slow": (lambda server: chunked(server, server.v2, V2), 17),
    "v2 binary, fast": (lambda server: forms.binary(server, COLUMNS), 14),
    "gRPC, typed": (lambda server: forms.grpc_typed(server, COLUMNS), 24),
    "gRPC, raw": (lambda server: forms.grpc_raw(server, COLUMNS), 23),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the predictor writes what was opened."""
    return tmp_path_factory.mktemp("opened")


@pytest.fixture(scope="module")
def server(folder: Path, packaged: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor of iris that says which files a request opens. ONNX Runtime answers at once on any machine."""
    ports, model = free(2), converted(packaged["iris"], tmp_path_factory.mktemp("converted") / "iris")
    line = command(model.directory, model.name, "--expected_digest", model.digest, ports=ports)
    line[2:3] = ["tests.predictor.opened", str(folder)]
    log = folder.with_name("log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            line, cwd=ROOT, env=environment(MODEL_RELEASE=model.release), stdout=output, stderr=subprocess.STDOUT
        )
    running = Server(model, process, *ports, log)
    running.wait()
    yield running
    if connection := running._local.pop("plain", None):
        connection.close()
    assert running.stop() == 0


def opened(server: Server, folder: Path) -> list[str]:
    """The files called since this was asked before."""
    number = len(list(folder.iterdir()))
    server.process.send_signal(signal.SIGUSR1)
    end = time.monotonic() + ANSWER_SECONDS
    while not (path := folder / str(number)).exists():
        assert time.monotonic() < end, "the predictor does not write what was opened"
        time.sleep(0.01)
    return path.read_text().split()


@pytest.mark.parametrize("way", WAYS)
def test_few_files(server: Server, folder: Path, way: str) -> None:
    """A request opens no more files of ours than its way is held to."""
    send, most = WAYS[way]
    send(server)  # the connection, and what is made once
    for _ in range(5):  # on a busy machine the end of the request before may come late, and counts with this one
        time.sleep(0.2)
        opened(server, folder)
        send(server)
        files = opened(server, folder)
        if 5 < len(files) <= most:
            break
    print(f"{way}: {len(files)}", *files, sep="\n  ")
    assert 5 < len(files) <= most
