"""One row, one answer: whatever the protocol, and whatever the Pipeline itself says offline."""

from __future__ import annotations

import io
from typing import Any

import joblib
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from tests.predictor import forms
from tests.predictor.conftest import Server, Servers
from tests.predictor.forms import Answers, Columns, Form

MODELS = ("iris", "people", "counts", "prices", "echo")
ONE_TYPE = ("iris", "counts", "echo")  # models whose inputs one wide tensor can carry
WITH_FLOATS = ("iris", "people", "prices", "echo")


@pytest.fixture(scope="module", params=MODELS)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    """Each of the models in turn."""
    return servers[request.param]


def unpickled(server: Server) -> Any:
    """The Pipeline in the artifact, as a person would load it."""
    return joblib.load(io.BytesIO((server.model.directory / "model.joblib").read_bytes()))


def same(expected: Answers, actual: Answers) -> None:
    """Equal to the bit, in the same types."""
    assert set(expected) == set(actual)
    for name in expected:
        if isinstance(expected[name], np.ndarray):
            assert expected[name].shape == actual[name].shape
            assert expected[name].tobytes() == actual[name].astype(np.float64).tobytes(), name
        else:
            assert expected[name] == actual[name]
            assert list(map(type, expected[name])) == list(map(type, actual[name]))


def batches(server: Server) -> list[Columns]:
    """The model's rows together, and two of them alone: what BLAS computes depends on the batch in the last bit."""
    rows = server.model.rows
    return [rows, *({name: values[at : at + 1] for name, values in rows.items()} for at in (0, 1))]


@pytest.mark.parametrize("form", forms.ANY, ids=lambda form: form.__name__)
def test_equals_offline(server: Server, form: Form) -> None:
    """In float64 every form of a request gives the bits that the Pipeline gives offline."""
    model = unpickled(server)
    for columns in batches(server):
        same(form(server, columns), forms.offline(server, model, columns))


@pytest.mark.parametrize("name", ONE_TYPE)
@pytest.mark.parametrize("form", forms.WIDE, ids=lambda form: form.__name__)
def test_wide_equals_offline(servers: Servers, name: str, form: Form) -> None:
    """One wide tensor, flat or nested, gives the same bits, where the features share a type."""
    model = unpickled(servers[name])
    for columns in batches(servers[name]):
        same(form(servers[name], columns), forms.offline(servers[name], model, columns))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param(name, form, id=f"{name}-{form.__name__}")
        for name in WITH_FLOATS
        for form in (*forms.TYPED, *(forms.WIDE if name in ONE_TYPE else ()))
    ],
)
def test_float32_equals_after_the_cast(servers: Servers, name: str, form: Any) -> None:
    """FP32 gives what the Pipeline gives offline on the same values rounded to float32."""
    server = servers[name]
    floats = [feature.name for feature in server.model.signature.inputs if feature.dtype == "float64"]
    rounded = dict(server.model.rows)
    for feature in floats:
        rounded[feature] = [None if value is None else float(np.float32(value)) for value in rounded[feature]]
    expected = forms.offline(server, unpickled(server), rounded)
    same(form(server, rounded, "FP32"), expected)
    if form in (forms.binary, forms.grpc_raw):
        same(form(server, server.model.rows, "FP32"), expected)  # the cast made here instead of by hand


def test_metadata_names_the_inputs_and_outputs(server: Server) -> None:
    """v2 metadata is the signature: names, types and shapes in order, and the digest as the one version."""
    signature = server.model.signature
    wanted_inputs = [
        {"name": feature.name, "datatype": forms.DATATYPES[feature.dtype], "shape": [-1]}
        for feature in signature.inputs
    ]
    wanted_outputs = [
        {
            "name": output.name,
            "datatype": forms.DATATYPES[output.dtype],
            "shape": [-1] if output.columns is None else [-1, len(output.columns)],
        }
        for output in signature.outputs
    ]
    path = f"/v2/models/{server.model.name}"
    for route in (path, f"{path}/versions/{server.model.digest}"):
        assert server.request("GET", route).json == {
            "name": server.model.name,
            "versions": [server.model.digest],
            "platform": "sklearn",
            "inputs": wanted_inputs,
            "outputs": wanted_outputs,
        }
    answer = server.stub.ModelMetadata(pb.ModelMetadataRequest(name=server.model.name))
    assert list(answer.versions) == [server.model.digest]
    for described, expected in ((answer.inputs, wanted_inputs), (answer.outputs, wanted_outputs)):
        actual = [
            {"name": column.name, "datatype": column.datatype, "shape": list(column.shape)} for column in described
        ]
        assert actual == expected


def test_outputs_are_what_the_model_has(servers: Servers) -> None:
    """Labels have the target's own type; probabilities are there where the model has them, in the order of classes."""
    described = {
        name: [
            (output.name, output.dtype, output.categories or output.columns)
            for output in server.model.signature.outputs
        ]
        for name, server in servers.items()
    }
    flowers = ("setosa", "versicolor", "virginica")
    assert described == {
        "iris": [("label", "string", flowers), ("probabilities", "float64", flowers)],
        "people": [("label", "bool", (False, True)), ("probabilities", "float64", ("false", "true"))],
        "counts": [("label", "int64", (-1, 3, 7))],
        "prices": [("prediction", "float64", None)],
        "echo": [("prediction", "float64", None)],
    }


def test_outputs_in_the_order_asked(iris: Server) -> None:
    """Outputs come as asked for: some, in their order, each binary or not."""
    tensor = {"name": "input-0", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}
    outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}, {"name": "label"}]
    answer = iris.post(iris.v2, {"inputs": [tensor], "outputs": outputs})
    head = int(answer.headers["inference-header-content-length"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert len(answer.body) == head + 3 * 8
    assert b'"outputs":[{"name":"probabilities","datatype":"FP64","shape":[1,3],"parameters"' in answer.body[:head]
    assert b'{"name":"label","datatype":"BYTES","shape":[1],"data":["setosa"]}]' in answer.body[:head]


def test_grpc_answers_in_the_form_it_was_asked(iris: Server) -> None:
    """gRPC answers in the form it was asked in, since a response is either raw or typed as a whole."""
    columns = {name: values[:2] for name, values in iris.model.rows.items()}
    same(forms.grpc_raw(iris, columns), forms.grpc_typed(iris, columns))
