"""Reading JSON: nothing is lost on the way in, and what would be lost is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artifact.errors import InvalidRequest
from predictor.protocols import json_body

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def typed(value: Any) -> Any:
    """`value` with its types, so that 1, 1.0 and true differ, and -0.0 from 0.0."""
    if isinstance(value, list):
        return [typed(item) for item in value]
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return type(value), repr(value)


@given(json_values, st.booleans())
@example(2**64, False)  # orjson makes a float of it
def test_reads_what_was_written(value: Any, ascii_only: bool) -> None:
    """Every JSON value comes back as itself: whole numbers of any size, text of any script, empty or nested."""
    assert typed(json_body.read(json.dumps(value, ensure_ascii=ascii_only).encode())) == typed(value)


@given(json_values, st.text(), st.lists(st.sampled_from(["list", "object"]), max_size=5))
def test_a_key_twice_is_refused(value: Any, key: str, around: list[str]) -> None:
    """A key given twice is found wherever it stands, whatever stands around it."""
    text = f"{{{json.dumps(key)}:{json.dumps(value)},{json.dumps(key, ensure_ascii=False)}:1}}"
    for kind in around:
        text = f"[1,{text}]" if kind == "list" else f'{{"a:b":{text}}}'
    with pytest.raises(InvalidRequest, match="stands twice"):
        json_body.read(text.encode())


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_beyond_json(text: str) -> None:
    """NaN and infinities are read: what they are worth is for the signature to say."""
    (value,) = json_body.read(f"[{text}]".encode())
    assert not math.isfinite(value)


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, 2**64 + 1, -(2**63) - 1, 10**18, 10**30])
@pytest.mark.parametrize("shape", ["[{}]", '{{"a":{}}}', "[1, {}]", "[1,\n{}]"])
def test_whole_numbers_of_any_size(number: int, shape: str) -> None:
    """No whole number becomes a float, wherever it stands."""
    value = json_body.read(shape.format(number).encode())
    assert typed(number) in (
        typed(value),
        *([typed(item) for item in value] if isinstance(value, list) else [typed(value["a"])]),
    )


@pytest.mark.parametrize("at", [json_body._PIECE - 21, json_body._PIECE - 10, json_body._PIECE - 1, json_body._PIECE])
def test_a_long_number_wherever_it_stands(at: int) -> None:
    """A whole number beyond 64 bits is kept exactly, also where a piece of a long body ends in it."""
    number = 2**64 + 1
    body = b"[" + b" " * (at - 1) + b"%d" % number + b" " * 100 + b"]"
    assert json_body.read(body) == [number]


@pytest.mark.parametrize("rows", [1, 500])
@pytest.mark.parametrize("value", ['"2024-05-06T07:08:09"', '":"', '"\\":"', '"a : b"', '{"a":{"b":[1]}}', "[[1]]"])
def test_colons_in_texts(monkeypatch: pytest.MonkeyPatch, rows: int, value: str) -> None:
    """Colons within texts are no keys, whether a body is small or large, and a time of day takes no second reading."""
    body = '{"instances":[' + ",".join([f'{{"at" : {value},"b":1}}'] * rows) + "]}"
    assert json_body.read(body.encode()) == json.loads(body)
    with pytest.raises(InvalidRequest, match="'b' stands twice"):
        json_body.read(body.replace(',"b":1', ',"b":1,"b":1', 1).encode())
    if "T" in value:
        monkeypatch.setattr(json_body, "_strictly", lambda _: pytest.fail("read again"))
        json_body.read(body.encode())


@pytest.mark.parametrize("size", [0, json_body._SMALL])
def test_long_numbers_in_bodies_of_any_size(size: int) -> None:
    """The digits of a fraction are no long number; a whole number beyond 64 bits is kept exactly."""
    fraction, whole = "0." + "0123456789" * 3, str(2**64 + 1)
    body = f"[{fraction}, {whole}," + " " * size + "1]"
    assert json_body.read(body.encode()) == [float(fraction), 2**64 + 1, 1]


@pytest.mark.parametrize("ending", ["]}", " ] } ", ",]}", ",,[1]]}", "]", ',[1]],"inputs":[]}', ",[[1],[2]]]}"])
def test_many_rows(ending: str) -> None:
    """A great body of rows, which is read in pieces, is read or refused as the standard library reads or refuses it."""
    row = "[1.5, 2, -3e5]"
    body = '{"instances":[' + ",".join([row] * (json_body._PIECE // len(row))) + ending
    try:
        expected = json.loads(body)
    except json.JSONDecodeError:
        with pytest.raises(InvalidRequest, match="not JSON"):
            json_body.read(body.encode())
    else:
        assert json_body.read(body.encode()) == expected


@pytest.mark.parametrize("rows", ["[1],", "[1],,[2]", ",[1]", "[1],[2],", "[1], ,[2]"])
def test_a_comma_too_many(monkeypatch: pytest.MonkeyPatch, rows: str) -> None:
    """A comma with no row behind or before it is refused, also where a piece ends there."""
    monkeypatch.setattr(json_body, "_PIECE", 4)
    with pytest.raises(InvalidRequest, match="not JSON"):
        json_body.read(f'{{"instances":[{rows}]}}'.encode())
