"""What a body takes in memory: a few times its size, whatever it holds, so that the defaults fit the pod."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.dummy import DummyClassifier

from artifact.signature import Feature
from predictor.http2 import frames
from predictor.http2.frames import frame
from predictor.http2.head import FAR_OVER
from predictor.settings import Settings
from tests.predictor import greedy, models
from tests.predictor.conftest import ROOT, Server, start_anew

MIB = 1 << 20
TIMES = 48  # the most that docs/predictor.md says of one heavy request after others, times its bytes
SIZE = 4 * MIB
HEADS = 300  # connections with a head that does not end
NOISE = 16 * MIB  # what the process keeps of requests before, and of everything else
FEATURES = 300  # of texts: a model of few columns has few values in a request, and refuses more of them at once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor with the default limits, of a model for which texts and missing values are right."""
    folder = tmp_path_factory.mktemp("memory")
    names = [f"t{at:04}" for at in range(FEATURES)]
    labels = np.array(["u", "v"] * 8, dtype=object)
    schema = {name: {"dtype": "string", "nullable": True} for name in names}
    columns = {name: ["a", "b"] * 8 for name in names}
    target = Feature("y", "string")
    model = models.package(folder / "texts", "texts", schema, columns, target, labels, (DummyClassifier(),))
    server = start_anew(model, folder / "log")
    server.wait()
    server.request("POST", server.v1, b'{"instances":[]}')
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def idle(server: Server) -> int:
    """Bytes that the predictor has resident when it has answered one request."""
    return resident(server, "VmRSS")


def resident(server: Server, kind: str) -> int:
    """Bytes that the predictor has resident (VmRSS), or has had at most (VmHWM)."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.findall(rf"{kind}:\s+(\d+)", text)[0]) * 1024


def forget(server: Server) -> None:
    """Begin anew with the most that it has had."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def peak(name: str, idle: int, server: Server, size: int) -> float:
    """How much more memory there was than in the idle process, as times the `size` of a body, without the noise."""
    most = resident(server, "VmHWM") - idle
    print(f"{name:40} {size / MIB:5.1f} MiB +{most / MIB:5.0f} MiB {most / size:5.1f} times")
    return (most - NOISE) / size


def heads() -> dict[str, bytes]:
    """Heads that do not end, and take as much as the limit of bytes allows, by protocol."""
    most, part = Settings().header_bytes, bytes(frames.MOST_FRAME)
    short = b"ab:cd\r\n"  # names and values of one byte are the same object everywhere
    pieces = frame(frames.HEADERS, 0, 1, part) + frame(frames.CONTINUATION, 0, 1, part) * (FAR_OVER * most // len(part))
    return {
        "gRPC": frames.PREFACE + frames.settings(()) + pieces + frame(frames.CONTINUATION, 0, 1, part)[:-1],
        "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n" + short * ((most - 100) // (len(short) + 32)),
    }


def head_kib(kind: str) -> int:
    """KiB that the docs say of such a head."""
    match = re.search(rf"(\d+)\s+KiB\s+for\s+an?\s+{kind}\s", (ROOT / "docs/predictor.md").read_text())
    assert match is not None
    return int(match[1])


@pytest.mark.parametrize("name", greedy.REST)
def test_rest(server: Server, idle: int, name: str) -> None:
    """A JSON body takes at most as many times its bytes as the docs say, answered or refused."""
    protocol, make = greedy.REST[name]
    body = make(server.model, SIZE)
    forget(server)
    answer = server.request("POST", server.v1 if protocol == "v1" else server.v2, body)
    assert answer.status in (200, 400, 413)
    assert peak(name, idle, server, len(body)) <= TIMES


def test_binary(server: Server, idle: int) -> None:
    """So does a v2 body of JSON and a binary tensor of texts."""
    body, length = greedy.binary_texts(server.model, SIZE)
    forget(server)
    answer = server.request("POST", server.v2, body, {"inference-header-content-length": str(length)})
    assert answer.status == 400
    assert peak("binary texts", idle, server, len(body)) <= TIMES


@pytest.mark.parametrize("name", greedy.GRPC)
def test_grpc(server: Server, idle: int, name: str) -> None:
    """So does a gRPC message."""
    data = greedy.GRPC[name](server.model, SIZE)
    forget(server)
    assert server.call("ModelInfer", data)[0] in ("OK", "INVALID_ARGUMENT")
    assert peak(name, idle, server, len(data)) <= TIMES


def test_the_pod(server: Server, idle: int) -> None:
    """The idle process, the bodies being received and kept, heads that do not end on all connections, and one heavy
    request at its worst fit the pod's limit.
    """
    manifest = yaml.safe_load((ROOT / "gitops/base/inference-service.yaml").read_text())
    limit = manifest["spec"]["predictor"]["model"]["resources"]["limits"]["memory"]
    assert limit == "1Gi"
    settings = Settings()
    received = settings.buffered_bytes // settings.body_bytes * settings.body_bytes  # messages, not counted until read
    buffered = settings.buffered_bytes
    unfinished = settings.connections * sum(map(head_kib, heads())) * 1024
    most = idle + received + buffered + TIMES * settings.body_bytes + unfinished
    assert most < 1024 * MIB
    match = re.search(r"up to (\d+)\s+times its bytes", (ROOT / "docs/predictor.md").read_text())
    assert match is not None
    assert int(match[1]) == TIMES


@pytest.mark.parametrize("kind", heads())
def test_heads(server: Server, tmp_path: Path, kind: str) -> None:
    """Of connections whose head does not end each takes some KiB, as the docs say."""
    fresh = start_anew(server.model, tmp_path / "log")  # what others have left in a process is taken again first
    fresh.wait()
    port = fresh.http_port if kind == "HTTP" else fresh.grpc_port
    before = most = resident(fresh, "VmRSS")
    with ExitStack() as connections:
        for _ in range(HEADS):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(heads()[kind])
        time.sleep(0.2)
        while (current := resident(fresh, "VmRSS")) > most:  # until all are read
            most = current
            time.sleep(0.2)
    assert fresh.stop() == 0
    growth = (most - before) / HEADS / 1024
    print(f"{kind} connection {growth:5.1f} KiB")
    assert growth <= 1.1 * head_kib(kind)
