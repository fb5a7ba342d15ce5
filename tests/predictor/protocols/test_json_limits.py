"""What a JSON body may have: counted as the standard library reads it, and never too little for a request that fits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifact.errors import InvalidRequest
from artifact.signature import Feature, Output, Signature
from predictor.errors import TooManyRows
from predictor.protocols import json_limits
from predictor.protocols.json_limits import JsonLimits

NAMES = [f"x{at}" for at in range(4)]
SIGNATURE = Signature(
    "regression", tuple(Feature(name, "string") for name in NAMES), (Output("prediction", "float64"),)
)
ROWS = 3000
V1, V2 = JsonLimits.of_v1(SIGNATURE, ROWS), JsonLimits.of_v2(SIGNATURE, ROWS)
ODD = '[{,:\\"\n€😀'  # within texts none of it is an object, a list or a value
VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet=ODD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet=ODD), inner, max_size=4),
)


def count(value: Any) -> tuple[int, int, int]:
    """Objects, lists and commas of a value that the standard library has written."""
    if not isinstance(value, list | dict):
        return 0, 0, 0
    counts = [count(item) for item in (value.values() if isinstance(value, dict) else value)]
    counts.append((int(isinstance(value, dict)), int(isinstance(value, list)), max(0, len(value) - 1)))
    objects, lists, commas = map(sum, zip(*counts, strict=True))
    return objects, lists, commas


@given(VALUES, st.integers(2, 12), st.booleans())
def test_what_stands_within_texts(value: Any, piece: int, ascii_only: bool) -> None:
    """Objects, lists and commas are counted outside texts alone, wherever a piece of the body ends."""
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_limits, "_PIECE", piece)
        assert json_limits._counts(json_limits._blanked(body)) == count(value)


def _v1_lists(value: str) -> Any:
    return {"instances": [[value] * 4] * ROWS, "probabilities": True}


def _v1_objects(value: str) -> Any:
    return {"instances": [dict.fromkeys(NAMES, value)] * ROWS}


def _v2(data: list[Any], shape: list[int], names: list[str]) -> Any:
    parameters = {"a": {"b": ["c"]}}
    head = {"datatype": "BYTES", "shape": shape, "parameters": parameters, "data": data}
    outputs = [{"name": "prediction", "parameters": {"binary_data": False}}]
    return {
        "id": "1",
        "parameters": parameters,
        "inputs": [{"name": name, **head} for name in names],
        "outputs": outputs,
    }


FITTING = {
    "v1, lists": (V1, _v1_lists),
    "v1, objects": (V1, _v1_objects),
    "v1, an event": (V1, lambda value: {"data": _v1_lists(value), **{f"x{at}": value for at in range(500)}}),
    "v2, flat": (V2, lambda value: _v2([value] * ROWS, [ROWS], NAMES)),
    "v2, nested": (V2, lambda value: _v2([[value]] * ROWS, [ROWS, 1], NAMES)),
    "v2, wide": (V2, lambda value: _v2([[value] * 4] * ROWS, [ROWS, 4], ["input-0"])),
    "v2, wide and flat": (V2, lambda value: _v2([value] * 4 * ROWS, [ROWS, 4], ["input-0"])),
}


@pytest.mark.parametrize("value", ["", "a", ODD, "[" * 50], ids=["empty", "short", "odd", "brackets"])
@pytest.mark.parametrize("form", FITTING)
def test_a_request_that_fits(form: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of as many rows as may be is never refused, in whatever form, and whatever its texts hold."""
    monkeypatch.setattr(json_limits, "_SHORT", 0)
    limits, make = FITTING[form]
    for indent in (None, 1):
        limits.check(json.dumps(make(value), indent=indent).encode())


MUCH = {
    "v1, objects": (V1, b'{"":[]}', TooManyRows, "20000 objects, a request to this model at most 4024"),
    "v1, lists": (V1, b"[0,0]", TooManyRows, "20001 lists, a request of 3000 rows to this model has at most 4024"),
    "v1, values": (V1, b"0", TooManyRows, "19999 values"),
    "v2, objects": (V2, b"{}", InvalidRequest, "20000 objects, a request to this model at most 1034"),
    "v2, lists": (V2, b"[0]", TooManyRows, "20001 lists"),
    "v2, lists within lists": (V2, b"[" * 500 + b"]" * 500, InvalidRequest, "nested too deep"),
}


@pytest.mark.parametrize("case", MUCH)
def test_too_much(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a request has is refused with the number, the limit and the remedy."""
    monkeypatch.setattr(json_limits, "_SHORT", 0)
    limits, part, kind, problem = MUCH[case]
    times = 20_000 if len(part) < 100 else 20
    with pytest.raises(kind, match=problem):
        limits.check(b"[" + b",".join([part] * times) + b"]")
