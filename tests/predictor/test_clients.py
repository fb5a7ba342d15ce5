"""KServe's own clients, as a KServe user has them, against the predictor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest, InferResponse
from kserve.inference_client import InferenceRESTClient, RESTConfig

from tests.deadlines import ANSWER_SECONDS
from tests.predictor import forms
from tests.predictor.conftest import Server, Servers

Ask = Callable[[InferenceRESTClient], Awaitable[Any]]


def rest(protocol: str, ask: Ask) -> Any:
    """What `ask` gets from KServe's REST client."""

    async def run() -> Any:
        client = InferenceRESTClient(RESTConfig(protocol=protocol, timeout=ANSWER_SECONDS))
        try:
            return await ask(client)
        finally:
            await client.close()

    return asyncio.run(run())


def rpc(server: Server, ask: Callable[[InferenceGRPCClient], Awaitable[Any]]) -> Any:
    """What `ask` gets from KServe's gRPC client."""

    async def run() -> Any:
        async with InferenceGRPCClient(url=f"127.0.0.1:{server.grpc_port}", timeout=ANSWER_SECONDS) as client:
            return await ask(client)

    return asyncio.run(run())


def request(server: Server, binary: bool) -> InferRequest:
    """The model's rows without gaps, one tensor a feature."""
    datatypes = {"float64": np.float64, "int64": np.int64, "bool": np.bool_, "string": object}
    inputs = []
    for feature in server.model.signature.inputs:
        values = np.array(whole(server)[feature.name], dtype=datatypes[feature.dtype])
        tensor = InferInput(feature.name, list(values.shape), forms.DATATYPES[feature.dtype])
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    return InferRequest(server.model.name, inputs, request_id=forms.ID)


def whole(server: Server) -> dict[str, list[Any]]:
    """The rows in which nothing is missing."""
    rows = [row for row in zip(*server.model.rows.values(), strict=True) if None not in row]
    return dict(zip(server.model.rows, map(list, zip(*rows, strict=True)), strict=True))


def check(server: Server, response: InferResponse) -> None:
    """KServe's client reads from the answer what the Pipeline says."""
    expected = forms.offline(server, server.model.pipeline, whole(server))
    assert (response.id, response.model_name) == (forms.ID, server.model.name)
    assert response.model_version in (server.model.digest, None)  # the REST client does not read it
    assert [output.name for output in response.outputs] == list(expected)
    for output in response.outputs:
        values = output.as_numpy()
        if values.dtype.kind == "O":
            values = np.array([value.decode() if isinstance(value, bytes) else value for value in values])
        assert np.array_equal(values, np.asarray(expected[output.name]))


@pytest.mark.parametrize("name", ["iris", "people", "counts", "prices"])
@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_rest_v2(servers: Servers, name: str, binary: bool) -> None:
    """InferenceRESTClient with an InferRequest, its tensors as JSON or as bytes."""
    server = servers[name]
    check(server, rest("v2", lambda client: client.infer(server.url, request(server, binary), model_name=name)))


@pytest.mark.parametrize("name", ["iris", "people", "counts", "prices"])
@pytest.mark.parametrize("raw", [False, True], ids=["typed", "raw"])
def test_grpc(servers: Servers, name: str, raw: bool) -> None:
    """InferenceGRPCClient with typed or raw contents."""
    check(servers[name], rpc(servers[name], lambda client: client.infer(request(servers[name], raw))))


def test_rest_v1(iris: Server) -> None:
    """InferenceRESTClient with v1's plain dictionary."""
    rows = [list(row) for row in zip(*iris.model.rows.values(), strict=True)]
    answer = rest("v1", lambda client: client.infer(iris.url, {"instances": rows}, model_name="iris"))
    assert answer == {"predictions": forms.offline(iris, iris.model.pipeline, iris.model.rows)["label"]}


def test_health(iris: Server) -> None:
    """Server and model are live and ready through both clients; another model is not there."""
    assert rest("v1", lambda client: client.is_server_live(iris.url))
    assert rest("v1", lambda client: client.is_model_ready(iris.url, "iris"))
    assert rest("v2", lambda client: client.is_server_live(iris.url))
    assert rest("v2", lambda client: client.is_server_ready(iris.url))
    assert rest("v2", lambda client: client.is_model_ready(iris.url, "iris"))
    assert not rest("v2", lambda client: client.is_model_ready(iris.url, "rose"))
    assert rpc(iris, lambda client: client.is_server_live())
    assert rpc(iris, lambda client: client.is_server_ready())
    assert rpc(iris, lambda client: client.is_model_ready("iris"))


def test_errors_reach_the_user(iris: Server) -> None:
    """What is wrong with a request reads the same in the exceptions of both clients."""
    wrong = InferInput("input-0", [1, 4], "FP64")
    wrong.set_data_from_numpy(np.array([[5.1, 3.5, 1.4, 500.0]]))
    with pytest.raises(
        httpx.HTTPStatusError, match=r"'petal width \(cm\)', row 0: 500.0 is above 100.*400 Bad Request"
    ):
        rest("v2", lambda client: client.infer(iris.url, InferRequest("iris", [wrong]), model_name="iris"))
    with pytest.raises(grpc.RpcError) as caught:
        rpc(iris, lambda client: client.infer(InferRequest("iris", [wrong])))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "'petal width (cm)', row 0: 500.0 is above 100" in caught.value.details()
