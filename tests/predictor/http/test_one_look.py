"""The event loop reads a longer plain request with one look, and answers a few at a time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from artifact.validation.validator import Validator
from predictor.errors import Unplain
from predictor.http.fast_path import FastPath
from predictor.protocols import json_body, v1, v2
from predictor.serving.lifecycle import Lifecycle
from predictor.serving.steps import LOOP_FEATURES
from predictor.settings import Settings
from tests.predictor.loaded import loaded
from tests.predictor.models import Packaged


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "[1234567890123456789]", "[NaN]", "[1,]", '["\\ud800"]'])
def test_no_second_reading(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the standard library would have to read is Unplain before it reads a byte."""
    monkeypatch.setattr(json_body, "_strictly", lambda _: pytest.fail("read again"))
    with pytest.raises(Unplain):
        json_body.read_plain(text.encode())
    assert json_body.read_plain(b'{"a":[1.5]}') == {"a": [1.5]}


@pytest.mark.parametrize("rows", [[["x", 1, 1, 1]], [[1, 1, 1]], [{"a": 1}], [[1, 1, 1, None]], []])
def test_no_second_look_at_rows(packaged: dict[str, Packaged], rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that do not fit are Unplain before anything is looked at value by value."""
    validator = Validator(packaged["iris"].signature)
    monkeypatch.setattr(Validator, "columns", lambda *_: pytest.fail("looked again"))
    with pytest.raises(Unplain):
        v1.parse(validator, {"instances": rows}, closely=False)
    assert len(v1.parse(validator, {"instances": [[1, 1, 1, 1]] * 9}, closely=False).columns) == 4


def test_no_second_look_at_tensors(packaged: dict[str, Packaged], monkeypatch: pytest.MonkeyPatch) -> None:
    """So are tensors."""
    validator = Validator(packaged["iris"].signature)
    monkeypatch.setattr(v2, "_read", lambda *_: pytest.fail("looked again"))
    wrong = {"name": "input-0", "datatype": "FP64", "shape": [1, 4], "data": [1, 1, 1, "x"]}
    for inputs in ([wrong], [{}], [wrong | {"name": "x"}]):
        with pytest.raises(Unplain):
            v2.parse(validator, {"inputs": inputs}, memoryview(b""), closely=False)


def test_sockets_between_groups(packaged: dict[str, Packaged], monkeypatch: pytest.MonkeyPatch) -> None:
    """When answering a group took its time, the event loop looks at its sockets before the next one."""
    model = loaded(packaged["iris"])
    fast_path = FastPath(Lifecycle(model, Settings()))
    looks: list[str] = []

    def answer(_: Any) -> None:
        looks.append("group")
        time.sleep(0.01)

    monkeypatch.setattr(fast_path, "_predict_at_once", answer)

    async def turns() -> None:
        request: Any = object()
        fast_path._groups.extend([[request], [request], [request]])
        fast_path._answer_groups()
        while fast_path._groups:
            await asyncio.sleep(0)
            looks.append("others")

    asyncio.run(turns())
    assert looks == ["group", "group", "others", "group", "others"]


def test_many_features_are_not_for_the_loop(packaged: dict[str, Packaged]) -> None:
    """Of a model with very many features even the shortest body is worked on by a thread."""
    model = loaded(packaged["iris"])
    assert Lifecycle(model, Settings()).loop_bytes > 0
    inputs = model.signature.inputs
    object.__setattr__(model.signature, "inputs", inputs * (LOOP_FEATURES // len(inputs) + 1))
    lifecycle = Lifecycle(model, Settings())
    assert (lifecycle.loop_bytes, FastPath(lifecycle)._most_bytes) == (0, 0)
