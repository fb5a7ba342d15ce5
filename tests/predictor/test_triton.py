"""NVIDIA's tritonclient, over HTTP and gRPC, as people who come from Triton have it, against the predictor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pool

from tests.predictor import forms
from tests.predictor.conftest import Server, Servers
from tests.predictor.test_clients import whole

# Its messages have the names of KServe's, with more fields: in one process they need a pool of their own.
with pytest.MonkeyPatch.context() as patch:
    pool = descriptor_pool.DescriptorPool()
    patch.setattr(descriptor_pool, "Default", lambda: pool)
    import tritonclient.grpc

import tritonclient.http
from tritonclient.utils import InferenceServerException

MODELS = ("iris", "people", "counts", "prices")
DTYPES = {"float64": np.float64, "int64": np.int64, "bool": np.bool_, "string": np.object_}


@pytest.fixture(params=["http", "grpc"])
def triton(request: pytest.FixtureRequest) -> Any:
    """The module of one of its two clients; they have the same names."""
    return getattr(tritonclient, request.param)


@pytest.fixture
def client(triton: Any, iris: Server) -> Iterator[Any]:
    """A client of the model iris."""
    with connected(triton, iris) as client:
        yield client


def connected(triton: Any, server: Server) -> Any:
    """A client of `server`."""
    port = server.http_port if triton is tritonclient.http else server.grpc_port
    return triton.InferenceServerClient(f"127.0.0.1:{port}")


def inputs(triton: Any, server: Server, **options: Any) -> list[Any]:
    """The rows without gaps, one tensor a feature."""
    inputs = []
    for feature in server.model.signature.inputs:
        values = np.array(whole(server)[feature.name], dtype=DTYPES[feature.dtype])
        tensor = triton.InferInput(feature.name, list(values.shape), forms.DATATYPES[feature.dtype])
        tensor.set_data_from_numpy(values, **options)
        inputs.append(tensor)
    return inputs


def check(server: Server, result: Any) -> None:
    """The answer holds what the Pipeline says, under the names of the signature."""
    for name, expected in forms.offline(server, server.model.pipeline, whole(server)).items():
        values = result.as_numpy(name)
        if values.dtype.kind == "O":
            values = np.array([value.decode() if isinstance(value, bytes) else value for value in values])
        assert np.array_equal(values, np.asarray(expected))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("binary_in", [False, True], ids=["json-in", "binary-in"])
@pytest.mark.parametrize("binary_out", [False, True], ids=["json-out", "binary-out"])
def test_infer_http(servers: Servers, name: str, binary_in: bool, binary_out: bool) -> None:
    """Tensors as JSON and as bytes, each way, for every dtype."""
    server, http = servers[name], tritonclient.http
    outputs = [
        http.InferRequestedOutput(output.name, binary_data=binary_out) for output in server.model.signature.outputs
    ]
    with connected(http, server) as client:
        result = client.infer(name, inputs(http, server, binary_data=binary_in), outputs=outputs, request_id=forms.ID)
    check(server, result)
    assert result.get_response()["id"] == forms.ID
    assert result.get_response()["model_version"] == server.model.digest


@pytest.mark.parametrize("name", MODELS)
def test_infer_grpc(servers: Servers, name: str) -> None:
    """Its gRPC client sends raw contents, and reads them."""
    server, rpc = servers[name], tritonclient.grpc
    with connected(rpc, server) as client:
        result = client.infer(name, inputs(rpc, server), request_id=forms.ID)
    check(server, result)
    assert (result.get_response().id, result.get_response().model_version) == (forms.ID, server.model.digest)


def test_defaults(triton: Any, client: Any, iris: Server) -> None:
    """An infer call with nothing but its inputs, and one that names the digest as the version."""
    check(iris, client.infer("iris", inputs(triton, iris)))
    check(iris, client.infer("iris", inputs(triton, iris), model_version=iris.model.digest))


def test_compressed(iris: Server) -> None:
    """What its HTTP client compresses is refused for its media type, not misread."""
    with (
        connected(tritonclient.http, iris) as client,
        pytest.raises(InferenceServerException) as caught,
    ):
        client.infer("iris", inputs(tritonclient.http, iris), request_compression_algorithm="gzip")
    assert caught.value.status() == "415"


def test_health_and_metadata(client: Any, iris: Server) -> None:
    """Live, ready, and the metadata of server and model."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("iris")
    assert client.is_model_ready("iris", iris.model.digest)
    assert not _ready(client, "rose")
    metadata = client.get_model_metadata("iris")
    content = metadata if isinstance(metadata, dict) else None
    names = [
        tensor["name"] if content else tensor.name for tensor in (content["inputs"] if content else metadata.inputs)
    ]
    assert tuple(names) == iris.model.signature.names
    assert list(content["versions"] if content else metadata.versions) == [iris.model.digest]
    server = client.get_server_metadata()
    assert "binary_tensor_data" in (server["extensions"] if content else server.extensions)


def test_refusals(triton: Any, client: Any, iris: Server) -> None:
    """What is wrong reads the same in its exceptions, and nobody unloads the model."""
    wrong = triton.InferInput("input-0", [1, 4], "FP64")
    wrong.set_data_from_numpy(np.array([[5.1, 3.5, 1.4, 500.0]]))
    with pytest.raises(InferenceServerException, match=r"'petal width \(cm\)', row 0: 500.0 is above 100"):
        client.infer("iris", [wrong])
    with pytest.raises(InferenceServerException, match="model 'rose' does not exist"):
        client.infer("rose", [wrong])
    with pytest.raises(InferenceServerException):
        client.unload_model("iris")
    check(iris, client.infer("iris", inputs(triton, iris)))


def _ready(client: Any, name: str) -> bool:
    try:
        return bool(client.is_model_ready(name))
    except InferenceServerException:  # the gRPC client raises for NOT_FOUND
        return False
