"""The kserve.Model as KServe's own code would call it, in this process: the answers of the wire."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from kserve import InferInput, InferRequest, InferResponse
from kserve.errors import InvalidInput

from artifact import load
from predictor.model import Model
from tests.predictor.corpus import ROW
from tests.predictor.models import Packaged


@pytest.fixture(scope="module")
def model(packaged: dict[str, Packaged]) -> Model:
    """The model iris."""
    return Model(load.load(packaged["iris"].directory, expected_digest=packaged["iris"].digest))


def ask(model: Model, payload: Any) -> Any:
    """The answer of one call."""
    return asyncio.run(model.predict(payload))


def request(values: list[float], binary: bool) -> InferRequest:
    """One row as KServe's own type."""
    tensor = InferInput("input-0", [1, len(values)], "FP64")
    tensor.set_data_from_numpy(np.array([values]), binary_data=binary)
    return InferRequest("iris", [tensor], request_id="ü")


def test_v1(model: Model) -> None:
    """A dictionary is a v1 request."""
    assert ask(model, {"instances": [ROW]}) == {"predictions": ["setosa"]}


@pytest.mark.parametrize("binary", [False, True])
def test_v2(model: Model, binary: bool) -> None:
    """An InferRequest is a v2 request, whether it holds JSON or bytes."""
    answer = ask(model, request(ROW, binary))
    assert isinstance(answer, InferResponse)
    assert (answer.id, answer.model_name, answer.model_version) == ("ü", "iris", model.digest)
    label, probabilities = answer.outputs
    assert label.as_numpy().tolist() == ["setosa"]
    assert probabilities.as_numpy().shape == (1, 3)


@pytest.mark.parametrize("payload", [{}, {"instances": [[1]]}, request([1.0], True), request([500.0, 1, 1, 1], False)])
def test_the_callers_mistake(model: Model, payload: Any) -> None:
    """What does not match the signature is KServe's InvalidInput, which is its 400."""
    with pytest.raises(InvalidInput):
        ask(model, payload)


def test_ready_from_the_start(model: Model) -> None:
    """A Model exists only when everything was proved, and cannot be loaded otherwise."""
    assert model.ready
    assert model.load()
