"""`python -m bench.stalls`: health while requests that once stopped the event loop are repeated, twenty times each.

As `bench.overload`: each line says what goes on, the health requests made meanwhile with their median, 99th percentile
and longest time in milliseconds, the most memory, and what was answered. A first line, with nothing going on, says what
the machine itself adds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from artifact.signature import Feature, Signature
from artifact.validation.frame import of as frame_of
from bench.examples import logistic
from bench.overload import MIB, Predictor, exchange, measured
from bench.package import Packaged, package, save_classifier
from bench.requests import GRPC_PATH, protobuf

_TIMES = 20
_WIDTH = 5000  # features
_SETTINGS = {"PREDICTOR_BODY_BYTES": str(16 * MIB), "PREDICTOR_LOG_SAMPLING": "0", "PREDICTOR_ROWS": "1000000"}
_SECONDS = 120.0  # that one answer may take
Load = Callable[[], Awaitable[str]]


def wide(folder: Path) -> Packaged:
    """A scaler and a logistic regression of 5,000 numbers, served by scikit-learn."""
    random = np.random.default_rng(20)
    names = [f"number_{position:04d}" for position in range(_WIDTH)]
    values = random.normal(0, 1, (200, _WIDTH)).round(4)
    labels = (values[:, :50].sum(axis=1) > 0).astype(int)
    inputs = tuple(Feature(name, "float64") for name in names)
    columns = {name: values[:, position].tolist() for position, name in enumerate(names)}
    frame = frame_of(Signature("classification", inputs, ()), columns)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(frame, labels)
    table = {name: values[:, position] for position, name in enumerate(names)}
    label, metrics = Feature("label", "int64"), {"accuracy": float(model.score(frame, labels))}
    digest = save_classifier(folder / "wide", "wide", model, inputs, label, table, 2, metrics)
    schema = {name: {"dtype": "float64"} for name in names}
    return Packaged("wide", schema, columns, labels.tolist(), folder / "wide", digest, "sklearn", folder)


def quiet() -> Load:
    """Nothing for two seconds."""

    async def load() -> str:
        await asyncio.sleep(2)
        return "nothing asked"

    return load


def posts(server: Predictor, path: str, body: bytes, times: int = _TIMES) -> Load:
    """`body` again and again, on one connection."""

    async def load() -> str:
        statuses: Counter[str] = Counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.http, limit=64 * MIB)
        start = time.perf_counter()
        for _ in range(times):
            status, _, _ = await asyncio.wait_for(exchange(reader, writer, path, body), _SECONDS)
            statuses[status] += 1
        writer.close()
        each = (time.perf_counter() - start) / times
        return f"{_listed(statuses)} of {len(body) / 1000:.0f} KB in {1000 * each:.0f} ms each"

    return load


def calls(server: Predictor, message: bytes) -> Load:
    """`message` again and again, on one channel."""

    async def load() -> str:
        statuses: Counter[str] = Counter()
        options = [("grpc.max_send_message_length", -1)]
        start = time.perf_counter()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc}", options) as channel:
            for _ in range(_TIMES):
                try:
                    await channel.unary_unary(GRPC_PATH)(message, timeout=_SECONDS)
                    statuses["OK"] += 1
                except grpc.aio.AioRpcError as error:
                    statuses[error.code().name] += 1
        each = (time.perf_counter() - start) / _TIMES
        return f"{_listed(statuses)} of {len(message) / 1000:.0f} KB in {1000 * each:.0f} ms each"

    return load


def scrapes(server: Predictor) -> Load:
    """/metrics again and again, each on a connection of its own."""

    async def load() -> str:
        statuses: Counter[str] = Counter()
        size = 0
        start = time.perf_counter()
        for _ in range(_TIMES):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.http)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), _SECONDS)
            statuses[answer.split(None, 2)[1].decode()] += 1
            size = len(answer)
            writer.close()
        each = (time.perf_counter() - start) / _TIMES
        return f"{_listed(statuses)} of {size / MIB:.1f} MiB in {1000 * each:.0f} ms each"

    return load


def doubled_key() -> bytes:
    """23,500 keys, of which the last is the one before it."""
    keys = [f"k{number:05d}" for number in range(23_500)]
    return ("{" + ",".join(f'"{key}":0' for key in [*keys, keys[-1]]) + "}").encode()


def doubled_input(model: Packaged) -> bytes:
    """A message of 6,500 inputs, of which the last has the name of the one before it."""
    request = protobuf().ModelInferRequest(model_name=model.name)
    for number in [*range(6499), 6498]:
        request.inputs.add(name=f"i{number}", datatype="FP64", shape=[1]).contents.fp64_contents.append(0.0)
    return bytes(request.SerializeToString())


def mistyped(model: Packaged) -> bytes:
    """One row by name, of which one name is mistyped."""
    row = {name: values[0] for name, values in model.columns.items()}
    row["nunber_2500"] = row.pop("number_2500")
    return json.dumps({"instances": [row]}).encode()


def bodies() -> dict[str, bytes]:
    """Bodies of nearly 16 MiB for the logistic example, by what they are."""
    size = 16 * MIB - 200
    row, named = b"[5.1,3.5,1.4,0.2]", b'{"number_0":5.1,"number_1":3.5,"number_2":1.4,"number_3":0.2}'
    count = size // (len(row) + 1)
    numbers = b",".join([b"5.1,3.5,1.4,0.2"] * (size // 16))
    rows = b",".join([row] * count)
    tensor = b'{"inputs":[{"name":"input-0","datatype":"FP64","shape":[%d,4],"data":[%b]}]}'
    return {
        "v1 rows": b'{"instances":[' + rows + b"]}",
        "v1 rows, an integer of 19 digits": b'{"instances":[' + rows + b",[1234567890123456789,3.5,1.4,0.2]]}",
        "v1 rows by name": b'{"instances":[' + b",".join([named] * (size // (len(named) + 1))) + b"]}",
        "v2 rows": tensor % (count, rows),
        "v2 numbers": tensor % (size // 16, numbers),
        "empty objects": b'{"instances":[' + b",".join([b'{"":[]}'] * (size // 8)) + b"]}",
        "one text": b'{"instances":["' + b"x" * size + b'"]}',
    }


def _listed(statuses: Counter[str]) -> str:
    return ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))


def main() -> None:
    """All of it, a few minutes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = package("logistic", logistic(), folder)
        path = f"/v1/models/{model.name}:predict"
        with Predictor(model, _SETTINGS) as server:
            measured("quiet", server, quiet())
            measured("a doubled key among 23,500", server, posts(server, path, doubled_key()))
            measured("6,500 inputs over gRPC, the last doubled", server, calls(server, doubled_input(model)))
            for title, body in bodies().items():
                target = f"/v2/models/{model.name}/infer" if title.startswith("v2") else path
                measured(f"16 MiB, {title}", server, posts(server, target, body))
        model = wide(folder)
        path = f"/v1/models/{model.name}:predict"
        row = json.dumps({"instances": [[values[0] for values in model.columns.values()]]}).encode()
        with Predictor(model, _SETTINGS) as server:
            measured("a row of 5,000 features, 300 times", server, posts(server, path, row, 300))
            measured("a mistyped name among 5,000 features", server, posts(server, path, mistyped(model)))
            measured("a scrape of 5,000 features", server, scrapes(server))


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.stalls", description=__doc__).parse_args()
    main()
