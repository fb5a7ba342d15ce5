"""Whatever arrives is answered, and never by blaming ourselves; whatever a float64 is, it arrives as that."""

from __future__ import annotations

import json
import string
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artifact.validation.column import LARGEST
from tests.predictor import corpus_grpc
from tests.predictor.answer import INSIDE, Answer, check_message
from tests.predictor.conftest import Server, Servers
from tests.predictor.corpus import NAMES, PERSON
from tests.predictor.corpus_binary import LENGTH

quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

numbers = st.integers() | st.integers(-(2**70), 2**70) | st.floats()
WORDS = (
    "x input-0 instances inputs probabilities id name shape datatype data parameters outputs binary_data_size "
    "FP64 FP32 INT64 INT8 BOOL BYTES label"
)
words = st.sampled_from([*WORDS.split(), *NAMES, *PERSON])
scalars = st.none() | st.booleans() | numbers | st.text(max_size=8) | words
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)
texts = st.text(st.characters(codec=None), max_size=6)  # halves of surrogate pairs included
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "float64": st.floats() | st.floats(0, 9) | st.integers(-(2**80), 2**80) | st.none(),
    "int64": st.integers(-(2**66), 2**66) | st.integers(0, 9) | st.floats() | st.integers(0, 9).map(float),
    "bool": st.booleans() | st.none(),
    "string": texts | st.sampled_from(["a", "Bonn", "2024-02-29T12:00:00Z", "2024-13-01", "0000-00-00"]) | st.none(),
}
DATATYPES = "FP64 FP64 FP64 FP32 FP16 INT64 INT64 INT32 INT8 UINT8 UINT64 BOOL BYTES".split()


@st.composite
def v1_requests(draw: st.DrawFn, server: Pair) -> Any:
    """Rows of the right features, most values of the right type; sometimes one thing is anything at all."""
    result: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        row = {
            feature.name: draw(CELLS[feature.dtype]) for feature in draw(st.permutations(server.model.signature.inputs))
        }
        if draw(st.integers(0, 9)) == 0:
            row[draw(words)] = draw(values)
        result.append(row)
    if draw(st.booleans()):
        result = [[row[feature.name] for feature in server.model.signature.inputs] for row in result]
    return {"instances": result, **draw(st.dictionaries(st.just("probabilities"), st.booleans(), max_size=1))}


@st.composite
def v2_requests(draw: st.DrawFn, server: Pair) -> Any:
    """A tensor a feature, or a wide one, most of it right."""
    count = draw(st.integers(1, 3))
    features = list(draw(st.permutations(server.model.signature.inputs)))
    shapes = st.sampled_from([[count], [count], [count, 1], [count, 2], [1, count], [count, 1, 1], [-count]])
    cells = {feature.name: st.lists(CELLS[feature.dtype], min_size=count, max_size=count) for feature in features}
    if draw(st.booleans()):
        wide = [draw(CELLS[features[0].dtype]) for _ in range(count * len(features))]
        nested = [wide[at : at + len(features)] for at in range(0, len(wide), len(features))]
        data = draw(st.sampled_from([wide, nested]))
        shape = draw(st.sampled_from([[count, len(features)], [len(features), count], [len(wide)]]))
        tensors = [{"name": "input-0", "shape": shape, "datatype": draw(st.sampled_from(DATATYPES)), "data": data}]
    else:
        right = {"float64": ["FP64", "FP32"], "int64": ["INT64", "FP64"], "bool": ["BOOL"], "string": ["BYTES"]}
        tensors = [
            {
                "name": feature.name,
                "shape": draw(shapes),
                "datatype": draw(st.sampled_from(right[feature.dtype] * 3 + DATATYPES)),
                "data": draw(cells[feature.name]),
            }
            for feature in features
        ]
    if draw(st.integers(0, 4)) == 0:
        changed = draw(st.sampled_from(tensors))
        changed[draw(st.sampled_from(["name", "shape", "datatype", "data", "parameters", "x"]))] = draw(values)
    more = st.fixed_dictionaries({}, optional={"id": texts, "outputs": values, "parameters": values})
    return {"inputs": tensors, **(draw(more) if draw(st.integers(0, 4)) == 0 else {})}


models = st.sampled_from(["iris", "people", "counts", "prices", "echo"])
kinds = st.sampled_from(["application/json", "application/octet-stream", "", "application/cloudevents+json"])


def dumps(value: Any) -> bytes:
    """JSON with whatever `value` holds: NaN, huge numbers, lone surrogates escaped."""
    return json.dumps(value).encode()


class Pair:
    """A predictor, and the same one without the fast path: what they answer must be the same."""

    def __init__(self, fast: Server, slow: Server) -> None:
        self.model = fast.model
        self._fast, self._slow = fast, slow

    def ask(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        """The answer of both, right in form."""
        path = f"/v1/models/{self.model.name}:predict" if path == "v1" else f"/v2/models/{self.model.name}/infer"
        answer = self._fast.request("POST", path, body, headers or {})
        assert answer.same(self._slow.request("POST", path, body, headers or {}))
        answer.checked()
        return answer


@pytest.fixture(scope="module")
def pairs(servers: Servers, without_fast_path: Servers) -> dict[str, Pair]:
    """Every model twice."""
    return {name: Pair(server, without_fast_path[name]) for name, server in servers.items()}


@quick
@given(model=models, value=values)
def test_any_json(pairs: dict[str, Pair], model: str, value: Any) -> None:
    """Any JSON value at all is answered by less than 500, in time, in the form of every error."""
    for protocol in ("v1", "v2"):
        pairs[model].ask(protocol, dumps(value))


@quick
@given(model=models, data=st.data())
def test_almost_v1(pairs: dict[str, Pair], model: str, data: st.DataObject) -> None:
    """So is JSON that is a v1 request, or nearly one."""
    pairs[model].ask("v1", dumps(data.draw(v1_requests(pairs[model]))))


@quick
@given(model=models, data=st.data(), tail=st.binary(max_size=40))
def test_almost_v2(pairs: dict[str, Pair], model: str, data: st.DataObject, tail: bytes) -> None:
    """So is JSON that is a v2 request, or nearly one, with bytes behind it."""
    head = dumps(data.draw(v2_requests(pairs[model])))
    pairs[model].ask("v2", head)
    pairs[model].ask("v2", head + tail, {LENGTH: str(len(head))})


@quick
@given(model=models, body=st.binary(max_size=200), kind=kinds, length=st.none() | st.integers(-2, 210))
def test_any_bytes(pairs: dict[str, Pair], model: str, body: bytes, kind: str, length: int | None) -> None:
    """So are any bytes, whatever they are said to be."""
    headers = {"content-type": kind} if kind else {}
    for protocol in ("v1", "v2"):
        pairs[model].ask(protocol, body, headers if length is None else {**headers, LENGTH: str(length)})


@quick
@given(
    # A path that looks like one of ours comes back in the message as it was given.
    path=st.text(string.printable + "é%/:.", max_size=30).map(str.strip).filter(lambda text: not INSIDE.search(text)),
    method=st.sampled_from(["GET", "POST"]),
)
def test_any_path(iris: Server, path: str, method: str) -> None:
    """So is any path below the protocols' own."""
    quoted = "".join(
        letter if letter.isascii() and letter.isalnum() else f"%{ord(letter):02X}" if letter not in "/:." else letter
        for letter in path
    )
    for root in ("/", "/v1/models/", "/v2/models/", "/v2/models/iris/"):
        iris.request(method, root + quoted).checked()


@quick
@given(
    model=models,
    message=st.binary(max_size=100)
    | st.builds(
        lambda name, datatype, shape, numbers, raw: corpus_grpc.request(
            corpus_grpc.one_input(name, shape, datatype, fp64_contents=numbers, int_contents=[1] * len(raw)), raw=raw
        ),
        words,
        words,
        st.lists(st.integers(-2, 5), max_size=3),
        st.lists(st.floats(), max_size=4),
        st.lists(st.binary(max_size=32), max_size=2),
    ),
)
def test_any_call(servers: Servers, model: str, message: Any) -> None:
    """gRPC blames the caller for any bytes, and for any message that is nearly right."""
    if not isinstance(message, bytes):
        message.model_name = model
        message = message.SerializeToString()
    code, text = servers[model].call("ModelInfer", message)
    assert code in ("OK", "INVALID_ARGUMENT", "NOT_FOUND")
    if code != "OK":
        check_message(text)


@settings(quick, max_examples=200)
@given(numbers=st.lists(st.floats(-LARGEST, LARGEST), min_size=1, max_size=20))
def test_every_bit_of_a_float(pairs: dict[str, Pair], numbers: list[float]) -> None:
    """A float64 comes back through v1 and v2 JSON as the same 64 bits."""
    echo = pairs["echo"]
    expected = [value + 0.0 for value in numbers]  # the model itself adds 0.0, which turns -0.0 into 0.0
    v1 = echo.ask("v1", dumps({"instances": [[value] for value in numbers]})).json["predictions"]
    tensor = {"name": "x", "shape": [len(numbers)], "datatype": "FP64", "data": numbers}
    v2 = echo.ask("v2", dumps({"inputs": [tensor]})).json["outputs"][0]["data"]
    assert np.array(v1, dtype=float).tobytes() == np.array(expected).tobytes() == np.array(v2, dtype=float).tobytes()
