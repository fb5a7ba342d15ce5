"""Rows that the signature lets in and the model has no finite answer for: the caller's error, in every protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from sklearn.linear_model import PoissonRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from artifact.signature import Feature
from tests.predictor.answer import check_message
from tests.predictor.conftest import Server, start
from tests.predictor.models import Packaged, package

GOOD, BAD = 0.5, 1e38  # 1e38 overflows an exponential, and float32 once it is divided by a small deviation
ROWS = [GOOD, GOOD, BAD, GOOD, BAD]  # the first without an answer is row 2
Ask = Callable[[Server, list[float]], tuple[str, str]]


def overflows(directory: Path) -> Packaged:
    """A Poisson regression: its answer is an exponential, infinite far from the training data."""
    columns = {"x": np.linspace(-1, 1, 60).tolist()}
    visits = np.exp(2 * np.array(columns["x"]))
    schema = {"x": {"dtype": "float64"}}
    return package(directory, "visits", schema, columns, Feature("visits", "float64"), visits, (PoissonRegressor(),))


def raises(directory: Path) -> Packaged:
    """A tree behind a scaler: scikit-learn raises for what is too large for float32 when it is scaled."""
    columns = {"x": np.linspace(-0.01, 0.01, 60).tolist()}
    schema = {"x": {"dtype": "float64"}}
    labels = np.array(["low", "high"], dtype=object)[(np.array(columns["x"]) > 0).astype(int)]
    steps = (StandardScaler(), DecisionTreeClassifier(random_state=0))
    return package(directory, "level", schema, columns, Feature("level", "string"), labels, steps)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Packaged]:
    """Both models."""
    folder = tmp_path_factory.mktemp("no-answer")
    return {maker.__name__: maker(folder / maker.__name__) for maker in (overflows, raises)}


@pytest.fixture(scope="module", params=["overflows", "raises"])
def server(
    request: pytest.FixtureRequest, pair: dict[str, Packaged], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    """A predictor with the fast path and one without, of each model in turn."""
    logs = tmp_path_factory.mktemp("logs")
    running = {mode: start(pair[request.param], logs / mode, PREDICTOR_FAST_PATH=mode) for mode in ("on", "off")}
    for server in running.values():
        server.wait()
    yield running
    for server in running.values():
        assert server.stop() == 0


def v1(server: Server, values: list[float]) -> tuple[str, str]:
    """Rows as lists."""
    answer = server.post(server.v1, {"instances": [[value] for value in values]})
    return str(answer.status), answer.checked()


def event(server: Server, values: list[float]) -> tuple[str, str]:
    """A structured CloudEvent."""
    attributes = {"specversion": "1.0", "id": "1", "source": "test", "type": "rows"}
    envelope = {**attributes, "data": {"instances": [[value] for value in values]}}
    answer = server.post(server.v1, envelope, {"content-type": "application/cloudevents+json"})
    return str(answer.status), answer.checked()


def v2(server: Server, values: list[float]) -> tuple[str, str]:
    """A JSON tensor."""
    tensor = {"name": "x", "shape": [len(values)], "datatype": "FP64", "data": values}
    answer = server.post(server.v2, {"inputs": [tensor]})
    return str(answer.status), answer.checked()


def binary(server: Server, values: list[float]) -> tuple[str, str]:
    """A binary tensor."""
    raw = np.array(values).tobytes()
    parameters = {"binary_data_size": len(raw)}
    tensor = {"name": "x", "shape": [len(values)], "datatype": "FP64", "parameters": parameters}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    answer = server.request("POST", server.v2, head + raw, headers)
    return str(answer.status), answer.checked()


def grpc_raw(server: Server, values: list[float]) -> tuple[str, str]:
    """gRPC, raw contents."""
    request = pb.ModelInferRequest(model_name=server.model.name)
    request.inputs.add(name="x", shape=[len(values)], datatype="FP64")
    request.raw_input_contents.append(np.array(values).tobytes())
    return server.call("ModelInfer", request.SerializeToString())


def grpc_typed(server: Server, values: list[float]) -> tuple[str, str]:
    """gRPC, typed contents."""
    request = pb.ModelInferRequest(model_name=server.model.name)
    tensor = request.inputs.add(name="x", shape=[len(values)], datatype="FP64")
    tensor.contents.fp64_contents.extend(values)
    return server.call("ModelInfer", request.SerializeToString())


FORMS: list[Ask] = [v1, event, v2, binary, grpc_raw, grpc_typed]


@pytest.mark.parametrize("mode", ["on", "off"])
@pytest.mark.parametrize("ask", FORMS, ids=lambda ask: ask.__name__)
def test_the_row_is_named(server: dict[str, Server], ask: Ask, mode: str) -> None:
    """422, or OUT_OF_RANGE, with the number of the first such row; without that row there is an answer."""
    refused, answered = ("OUT_OF_RANGE", "OK") if ask.__name__.startswith("grpc") else ("422", "200")
    for values, row in ((ROWS, 2), ([BAD], 0), ([GOOD] * 3000 + [BAD], 3000)):
        code, text = ask(server[mode], values)
        assert (code, text.startswith(f"row {row}: the model")) == (refused, True), text
        check_message(text)
    assert ask(server[mode], [GOOD] * 3)[0] == answered


@pytest.mark.parametrize("mode", ["on", "off"])
def test_who_shares_its_batch_is_answered(server: dict[str, Server], mode: str) -> None:
    """Of many requests at once, only those with such a row are refused."""
    tables = [[BAD] if number % 4 == 3 else [GOOD, GOOD] for number in range(160)]

    def some(first: int) -> list[tuple[int, str]]:
        own = replace(server[mode], _local={})
        codes = [(number, v1(own, tables[number])[0]) for number in range(first, len(tables), 16)]
        own._local["http"][0].close()
        return codes

    with ThreadPoolExecutor(16) as pool:
        codes = dict(pair for pairs in pool.map(some, range(16)) for pair in pairs)
    assert codes == {number: "422" if BAD in values else "200" for number, values in enumerate(tables)}


@pytest.mark.parametrize("mode", ["on", "off"])
def test_counted_and_no_fault_of_ours(server: dict[str, Server], mode: str) -> None:
    """The refusal has a reason of its own among the counters, and leaves no traceback and no error in the log."""
    before = refusals(server[mode])
    v1(server[mode], ROWS)
    grpc_raw(server[mode], ROWS)
    assert refusals(server[mode]) == before + 2
    log = server[mode].log.read_text()
    assert "Traceback" not in log
    assert '"level":"error"' not in log


def refusals(server: Server) -> float:
    """modelpin_rejects_total of this reason."""
    text = server.request("GET", "/metrics").body.decode()
    return sum(map(float, re.findall(r'^modelpin_rejects_total\{reason="no-answer"\} (\S+)', text, re.M)))
