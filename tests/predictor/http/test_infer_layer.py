"""The outermost layer on its own, where a real client would take long or have to be ill: limits and our own faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pandas as pd
import pytest

from artifact.prediction import Prediction
from predictor.http.infer_layer import InferLayer
from predictor.model import Model
from predictor.serving.lifecycle import Lifecycle
from predictor.settings import Settings
from tests.predictor.answer import Answer
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged

PATH = "/v1/models/iris:predict"
BODY = b'{"instances":[[5.1,3.5,1.4,0.2]]}'
Message = dict[str, Any]


@pytest.fixture(scope="module")
def model(packaged: dict[str, Packaged]) -> Model:
    """The model iris, loaded in this process."""
    return loaded(packaged["iris"])


def layer_of(model: Model, app: Any = None, **settings: Any) -> InferLayer:
    """The layer around `app`, with these settings."""
    return InferLayer(app or kserve, Lifecycle(model, Settings(**settings)))


async def kserve(scope: Any, receive: Any, send: Any) -> None:
    """Stands for KServe's application, where a test is not about it."""
    raise AssertionError("not for KServe")


def ask(layer: InferLayer, *messages: Message, path: str = PATH, method: str = "POST", **headers: str) -> Answer | None:
    """The answer to one request whose body comes as `messages`, and then nothing more; None for no answer."""
    waiting = list(messages)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": pairs}
    asyncio.run(asyncio.wait_for(layer(scope, receive, send), 10))
    if not sent:
        return None
    start, *rest = sent
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], named, b"".join(part["body"] for part in rest))


def part(body: bytes, more: bool = False) -> Message:
    """One piece of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def answered(answer: Answer | None) -> tuple[int, str]:
    """Status and text."""
    assert answer is not None
    return answer.status, answer.checked()


def test_body_in_pieces(model: Model) -> None:
    """However a body is cut, it is one body."""
    pieces = [part(BODY[at : at + 5], more=True) for at in range(0, len(BODY), 5)]
    assert answered(ask(layer_of(model), *pieces, part(b""))) == (200, '{"predictions":["setosa"]}')


def test_body_over_the_limit(model: Model) -> None:
    """A body over the limit is refused when its length is declared, and when its pieces have added up to it."""
    layer = layer_of(model, body_bytes=40)
    assert answered(ask(layer, part(BODY)))[0] == 200
    assert answered(ask(layer, content_length="41")) == (413, "the body has 41 bytes, the limit is 40; send fewer rows")
    pieces = [part(b"x" * 20, more=True)] * 3
    assert answered(ask(layer, *pieces)) == (413, "the body is over the limit of 40 bytes; send fewer rows")


def test_body_too_slow(model: Model) -> None:
    """A body that stops coming is answered 408 after the time allowed, and the connection ends."""
    answer = ask(layer_of(model, body_seconds=0.05), part(BODY[:10], more=True))
    assert answered(answer) == (408, "the body did not arrive within 0.05 seconds")
    assert answer is not None
    assert answer.headers["connection"] == "close"


def test_client_gone(model: Model) -> None:
    """A client that goes away before its body has arrived is not answered."""
    assert ask(layer_of(model), part(BODY[:10], more=True), {"type": "http.disconnect"}) is None


@pytest.mark.parametrize(
    "predict",
    [
        lambda frame: (_ for _ in ()).throw(RuntimeError("/secret/path.py says no")),
        lambda frame: (_ for _ in ()).throw(ValueError("Input X contains NaN")),
    ],
    ids=["raises", "raises ValueError"],
)
def test_our_own_fault(
    packaged: dict[str, Packaged], caplog: pytest.LogCaptureFixture, predict: Callable[[pd.DataFrame], Prediction]
) -> None:
    """A model that fails on a valid row is a 500 that tells the caller nothing, and the log everything."""
    model = loaded(packaged["iris"])
    model.batcher._runner = type("Broken", (), {"predict": staticmethod(predict)})()
    answer = ask(layer_of(model), part(BODY))
    assert answer is not None
    assert (answer.status, json.loads(answer.body)) == (500, {"error": "internal error; the server's log says more"})
    assert [record.exc_info is not None for record in caplog.records] == [True]


@pytest.mark.parametrize("started", [False, True])
def test_fault_in_kserve(model: Model, caplog: pytest.LogCaptureFixture, started: bool) -> None:
    """What KServe's application raises becomes our 500, unless it has begun an answer of its own."""

    async def broken(scope: Any, receive: Any, send: Callable[[Message], Awaitable[None]]) -> None:
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("/secret/path.py says no")

    answer = ask(layer_of(model, broken), path="/v2", method="GET")
    assert answer is not None
    assert (answer.status, b"secret" in answer.body) == (200 if started else 500, False)
    assert answer.headers["x-model-digest"] == model.digest
    assert "a request failed" in caplog.text


def test_a_value_too_great_to_compute_with(packaged: dict[str, Packaged]) -> None:
    """Where the model fails and a value is beyond float32, the value is to blame: 400, by feature and row."""
    model = loaded(packaged["people"])
    row = [170.0, 1, True, "Bonn", "a"]
    body = json.dumps({"instances": [row, [1e300, *row[1:]]]}).encode()
    status, text = answered(ask(layer_of(model), part(body), path="/v1/models/people:predict"))
    assert (status, text) == (400, "feature 'größe (cm)', row 1: 1e+300 is more than float32 holds")
