"""`:explain` and the parameter `explain`: what each feature added to a score, over the wire, counted apart."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artifact.validation.frame import of as frame_of
from tests.deadlines import ANSWER_SECONDS
from tests.predictor import models
from tests.predictor.conftest import Server, pb, start
from tests.predictor.models import Packaged


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A predictor of iris that explains at most four rows at once, and logs what is asked."""
    folder = tmp_path_factory.mktemp("explain")
    packaged = models.iris(folder / "iris", explain=True)
    running = start(
        packaged,
        folder / "log",
        PREDICTOR_EXPLAIN_ROWS="4",
        PREDICTOR_INFERENCE_LOG=str(folder / "asked"),
        PREDICTOR_INFERENCE_SHARE="1",
    )
    running.wait()
    yield running
    assert running.stop() == 0


def rows(model: Packaged, count: int) -> list[list[float]]:
    return [list(row) for row in zip(*model.rows.values(), strict=True)][:count]


def scores(model: Packaged, some: list[list[float]]) -> np.ndarray:
    """The scores of scikit-learn's own Pipeline, [rows, classes]."""
    columns = dict(zip(model.signature.names, map(list, zip(*some, strict=True)), strict=True))
    return np.asarray(model.pipeline.decision_function(frame_of(model.signature, columns)))


def test_v1(server: Server) -> None:
    """Base and contributions add up to the model's own log-odds, beside the labels of `:predict`."""
    some = rows(server.model, 3)
    answer = server.post(server.v1.replace(":predict", ":explain"), {"instances": some, "probabilities": True})
    assert answer.status == 200
    explanations = answer.json["explanations"]
    assert {key: explanations[key] for key in ("method", "scale", "features", "outputs")} == {
        "method": "linear",
        "scale": "log-odds",
        "features": list(server.model.signature.names),
        "outputs": ["setosa", "versicolor", "virginica"],
    }
    shares = np.array(explanations["contributions"])
    assert shares.shape == (3, 3, 4)
    assert np.array(explanations["base"]) + shares.sum(axis=2) == pytest.approx(scores(server.model, some), abs=1e-9)
    plain = server.post(server.v1, {"instances": some, "probabilities": True}).json
    assert {key: answer.json[key] for key in plain} == plain


def test_v2_rest_and_grpc(server: Server) -> None:
    """The same numbers as tensors beside the outputs, in JSON, binary, and over gRPC."""
    some = rows(server.model, 2)
    explanations = server.post(server.v1.replace(":predict", ":explain"), {"instances": some}).json["explanations"]
    tensor = {"name": "input-0", "datatype": "FP64", "shape": [2, 4], "data": some}
    answer = server.post(server.v2, {"inputs": [tensor], "parameters": {"explain": True}}).json
    assert answer["parameters"] == {"explanation_method": "linear", "explanation_scale": "log-odds"}
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert outputs["label"]["data"]
    assert outputs["explanation_contributions"]["shape"] == [2, 3, 4]
    assert outputs["explanation_contributions"]["data"] == np.ravel(explanations["contributions"]).tolist()
    assert outputs["explanation_base"]["data"] == explanations["base"]
    assert outputs["explanation_outputs"]["data"] == explanations["outputs"]

    raw = np.array(some, "<f8").tobytes()
    message = pb.ModelInferRequest(model_name="iris", raw_input_contents=[raw])
    message.inputs.add(name="input-0", datatype="FP64", shape=[2, 4])
    message.parameters["explain"].bool_param = True
    reply = server.stub.ModelInfer(message)
    places = [output.name for output in reply.outputs]
    shares = np.frombuffer(reply.raw_output_contents[places.index("explanation_contributions")], "<f8")
    assert shares.tolist() == np.ravel(explanations["contributions"]).tolist()
    assert reply.parameters["explanation_scale"].string_param == "log-odds"


def evidence(server: Server) -> tuple[list[str], float]:
    """The samples that a canary and drift are judged by, and how many explanations were counted."""
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    names = "requests_total rows_total input_bin_total predictions_total confidence_total request_seconds_count".split()
    apart = [line for line in lines if re.match(r'modelpin_apart_requests_total\{.*purpose="explain"', line)]
    samples = [line for line in lines if line.startswith(tuple(f"modelpin_{name}" for name in names))]
    return samples, sum(float(line.split()[-1]) for line in apart if 'code="200"' in line)


def logged(server: Server, folder: Path) -> set[str]:
    """The ids of the requests in the inference log, once the last prediction is in it."""
    last = f"last-{time.monotonic()}"
    body = {"instances": rows(server.model, 1)}
    assert server.post(server.v1, body, {"x-request-id": last}).status == 200
    end = time.monotonic() + ANSWER_SECONDS
    names: set[str] = set()
    while last not in names:
        assert time.monotonic() < end, "the log is not written"
        time.sleep(0.05)
        lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
        names = {json.loads(line)["request_id"] for line in lines if line.endswith("}")}
    return names


def test_it_is_counted_apart(server: Server) -> None:
    """No explanation is evidence: not on a canary, not on drift, and not in the inference log, by v1 or by v2."""
    some = rows(server.model, 3)
    assert server.post(server.v1, {"instances": some}).status == 200
    before = evidence(server)
    assert len(before[0]) > 10
    tensor = {"name": "input-0", "datatype": "FP64", "shape": [3, 4], "data": some}
    for _ in range(2):
        headers = {"x-request-id": "explained"}
        assert server.post(server.v1.replace(":predict", ":explain"), {"instances": some}, headers).status == 200
        assert server.post(server.v2, {"inputs": [tensor], "parameters": {"explain": True}}, headers).status == 200
    assert evidence(server) == (before[0], before[1] + 4)
    assert "explained" not in logged(server, server.log.parent / "asked")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"instances": [[5.1, 3.5, 1.4, 0.2]] * 5}, 413, "5 rows to explain, the limit is 4"),
        ({"instances": [[5.1, 3.5, 1.4]]}, 400, "row 0"),
        ({"rows": []}, 400, "unknown key 'rows'"),
    ],
)
def test_what_is_refused(server: Server, body: object, status: int, says: str) -> None:
    """Validation is that of `:predict`; the limit of rows is its own."""
    answer = server.post(server.v1.replace(":predict", ":explain"), body)
    assert (answer.status, says in answer.json["error"]) == (status, True)


def test_openapi_has_it_when_it_is_on(server: Server, iris: Server) -> None:
    """The route, with its rows and its answer; a model that explains nothing has neither."""
    document = server.request("GET", "/openapi.json").json
    assert "/v1/models/iris:explain" in document["paths"]
    assert document["components"]["schemas"]["ExplainRequest"]["properties"]["instances"]["maxItems"] == 4
    assert "explain" in json.dumps(document["components"]["schemas"]["V2Request"])
    assert ":explain" not in json.dumps(iris.request("GET", "/openapi.json").json)


@pytest.mark.story
def test_what_a_subclass_overrides_shows_on_the_wire(tmp_path: Path) -> None:
    """`kserve.Model.explain`, overridden, is what v1 and v2 answer."""
    packaged = models.iris(tmp_path / "iris", explain=True)
    running = start(packaged, tmp_path / "log", "tests.predictor.overriding", "explain")
    running.wait()
    some = rows(packaged, 2)
    explanations = running.post(running.v1.replace(":predict", ":explain"), {"instances": some}).json["explanations"]
    tensor = {"name": "input-0", "datatype": "FP64", "shape": [2, 4], "data": some}
    outputs = running.post(running.v2, {"inputs": [tensor], "parameters": {"explain": True}}).json["outputs"]
    assert running.stop() == 0
    assert not np.any(explanations["contributions"])
    assert not np.any(next(output["data"] for output in outputs if output["name"] == "explanation_contributions"))


def test_off(iris: Server) -> None:
    """Without package.explain the answer is 501 with the remedy, in v2 and over gRPC too, and predictions go on."""
    refused = iris.post(iris.v1.replace(":predict", ":explain"), {"instances": rows(iris.model, 1)})
    tensor = {"name": "input-0", "datatype": "FP64", "shape": [1, 4], "data": rows(iris.model, 1)}
    also = iris.post(iris.v2, {"inputs": [tensor], "parameters": {"explain": True}})
    for answer in (refused, also):
        assert answer.status == 501
        assert "set package.explain to true in params.yaml" in answer.json["error"]
    message = pb.ModelInferRequest(model_name="iris")
    entry = message.inputs.add(name="input-0", datatype="FP64", shape=[1, 4])
    entry.contents.fp64_contents.extend(rows(iris.model, 1)[0])
    message.parameters["explain"].bool_param = True
    code, details = iris.call("ModelInfer", message.SerializeToString())
    assert (code, "package.explain" in details) == ("UNIMPLEMENTED", True)
    assert iris.post(iris.v1, {"instances": rows(iris.model, 1)}).status == 200
