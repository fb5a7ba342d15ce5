"""v2 inputs accepted at once: the same columns, or the same refusal, as a look at each part of them gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifact.errors import InvalidRequest
from artifact.signature import Feature, Output, Signature
from artifact.validation.utf8_texts import Utf8Texts
from artifact.validation.validator import Validator
from predictor.protocols import raw_texts, tensors_fast, v2

OUTPUT = (Output("prediction", "float64"),)
MIXED = Validator(
    Signature(
        "regression",
        (
            Feature("size", "float64", nullable=True),
            Feature("rooms", "int64", range=(0, 300)),
            Feature("flag", "bool", nullable=True),
            Feature("city", "string"),
        ),
        OUTPUT,
    )
)
WIDE = {
    dtype: Validator(Signature("regression", (Feature("a", dtype), Feature("b", dtype, range=(-9, None))), OUTPUT))
    for dtype in ("float64", "int64")
}
NUMBERS = ("FP64", "FP32", "FP16", "INT64", "INT32", "INT8", "UINT8", "UINT64")
DATATYPES = st.sampled_from([*NUMBERS, "BOOL", "BYTES", "FP99"])
VALUES = st.sampled_from([0, 1, 2, 7.0, 2.5, -3, 200, 2**24 + 1, 2**53 + 1, 1e39, True, False, None, "x", "", [1], "é"])
NATURAL = {"size": ("FP64", 2.5), "rooms": ("INT64", 7), "flag": ("BOOL", True), "city": ("BYTES", "Bonn")}


def outcome(validator: Validator, payload: dict[str, Any], binary: bytes) -> Any:
    """The columns, or what is said about them."""
    try:
        columns = v2.parse(validator, payload, memoryview(binary)).columns
    except InvalidRequest as error:
        return str(error)
    return {name: (column.dtype, [*map(repr, column.tolist())]) for name, column in columns.items()}


def check(validator: Validator, inputs: list[Any], binary: bytes = b"") -> None:
    """`tensors_fast` gives the columns that the slow reading gives."""
    result = outcome(validator, {"inputs": inputs}, binary)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensors_fast, "columns", lambda *_: None)
        assert result == outcome(validator, {"inputs": inputs}, binary)


@pytest.mark.parametrize("rows", [1, 2, 40])
@pytest.mark.parametrize(("value", "right"), [(0.0, True), (1.0, True), (np.nan, True), (7.5, False), (-1.0, False)])
def test_floats_for_booleans(rows: int, value: float, right: bool) -> None:
    """A tensor of floats says 0, 1 and missing for a boolean, and nothing else, however many rows it has."""
    raw = {"size": np.ones(rows), "rooms": np.ones(rows, np.int64), "city": ["x"] * rows}
    flags = np.array([*[1.0] * (rows - 1), value])
    if right:
        assert MIXED.columns(raw | {"flag": flags})["flag"].tobytes() == flags.tobytes()
    else:
        with pytest.raises(InvalidRequest, match=f"'flag', row {rows - 1}: {value} is neither 0, 1 nor NaN"):
            MIXED.columns(raw | {"flag": flags})


@st.composite
def tensors(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A tensor a feature, plain but for a few things."""
    rows = draw(st.integers(1, 3))
    tensors = []
    for name, (datatype, value) in NATURAL.items():
        data = [draw(st.just(value) | VALUES) for _ in range(rows)]
        tensor = {"name": name, "datatype": draw(st.just(datatype) | DATATYPES), "shape": [rows], "data": data}
        tensors.append(
            draw(st.just(tensor) | st.just(tensor | {"shape": draw(st.sampled_from([[rows, 1], [1], [0]]))}))
        )
    odd = draw(st.none() | st.sampled_from([{"parameters": {"missing": "x"}}, {"parameters": 1}, {"more": 1}]))
    tensors[draw(st.integers(0, 3))] |= odd or {}
    return tensors if draw(st.booleans()) else tensors + tensors[: draw(st.integers(0, 1))]


@given(tensors())
def test_a_tensor_a_feature(inputs: list[dict[str, Any]]) -> None:
    """JSON, whatever its datatypes and values."""
    check(MIXED, inputs)


@given(
    st.sampled_from(sorted(WIDE)),
    DATATYPES,
    st.sampled_from([[2, 2], [1, 2], [2], [4, 1], [2, 3]]),
    st.lists(VALUES, min_size=2, max_size=4),
    st.booleans(),
)
def test_one_wide_tensor(dtype: str, datatype: str, shape: list[int], data: list[Any], nested: bool) -> None:
    """JSON, flat or nested, of the right size or not."""
    nested_data = [data[at : at + 2] for at in range(0, len(data), 2)] if nested else data
    check(WIDE[dtype], [{"name": "input-0", "datatype": datatype, "shape": shape, "data": nested_data}])


@given(
    st.sampled_from([*NUMBERS, "BOOL", "BYTES"]),
    st.lists(st.sampled_from([0, 1, 5, -3, 200, 2**24 + 1, 2**53 + 1]), min_size=4, max_size=4),
    st.sampled_from([0, 0, 0, -1, 1, 8]),
    st.sampled_from(sorted(WIDE)),
)
def test_binary(datatype: str, values: list[int], surplus: int, dtype: str) -> None:
    """Raw bytes, too few and too many among them; the columns are the model's own to write into."""
    with np.errstate(over="ignore"):
        array = np.array(values).astype(v2.tensors.DTYPES[datatype])
    raw = v2.to_raw(datatype, array)
    raw = raw[:surplus] if surplus < 0 else raw + b"\0" * surplus
    size = {"binary_data_size": len(raw)}
    check(WIDE[dtype], [{"name": "input-0", "datatype": datatype, "shape": [2, 2], "parameters": size}], raw)
    half = {"datatype": datatype, "shape": [2], "parameters": {"binary_data_size": len(raw) // 2}}
    check(WIDE[dtype], [{"name": "b", **half}, {"name": "a", **half}], raw)


TEXTS = ["x", "東京", "ein Text", "y" * 32] * 20


@pytest.mark.parametrize("odd", ["z", "", "y" * 33, "a\0", "\0", "a\0\0\0b", "\x02\0\0\0ab", "ü" * 16, "é"])
@pytest.mark.parametrize("place", [0, 7, 79])
def test_binary_texts(odd: str, place: int) -> None:
    """Texts among them that are empty, long, or hold zeros as a length does."""
    texts = [*TEXTS]
    texts[place] = odd
    raw = v2.to_raw("BYTES", np.array(texts, dtype=object))
    plain = odd and len(odd.encode()) <= 32 and "\0" not in odd
    assert isinstance(v2.tensors.from_raw("", "BYTES", (80,), raw).values, Utf8Texts) == bool(plain)
    assert list(v2.tensors.from_raw("", "BYTES", (80,), raw).values) == texts
    named = [
        {"name": name, "datatype": datatype, "shape": [80], "data": [value] * 80}
        for name, (datatype, value) in NATURAL.items()
    ]
    del named[3]["data"]
    for validator in (MIXED, Validator(MIXED.signature, {"city": ["x", "東京", "ein Text", "y" * 32, "z"]})):
        check(validator, [*named[:3], named[3] | {"parameters": {"binary_data_size": len(raw)}}], raw)
        assert validator.columns(
            {"size": [1] * 80, "rooms": [1] * 80, "flag": [True] * 80}
            | {"city": v2.tensors.from_raw("", "BYTES", (80,), raw).values}
        )["city"].tolist() == texts  # fmt: skip


RAW = v2.to_raw("BYTES", np.array(TEXTS, dtype=object))


@pytest.mark.parametrize(
    "raw",
    [
        *(RAW.replace(b"x", other, 1) for other in (b"\xff", b"\xc3", b"xx", b"")),
        *(RAW.replace(b"\1\0\0\0x", other, 1) for other in (b"\2\0\0\0x", b"\0\0\0\0x", b"\1\0\0\1x", b"\1\0\0x")),
        RAW.replace(b"\x08\0\0\0ein Text", b"\x08\0\0\1ein\0Text", 1),
        *(RAW + other for other in (b"x", b"\0", b"\1\0\0\0x")),
        *(b"x" + RAW, RAW[1:], RAW[:-1], RAW[:-36], RAW[:-35], b"\0" * len(RAW), b"x" * len(RAW), b""),
    ],
)
def test_binary_texts_that_are_none(raw: bytes) -> None:
    """What is no UTF-8, lengths that do not fit, and other numbers of texts are refused as by a look at each."""
    with pytest.raises(InvalidRequest) as refusal:
        v2.tensors.from_raw("t", "BYTES", (80,), raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_texts, "read", lambda *_: None)
        with pytest.raises(InvalidRequest, match=re.escape(str(refusal.value))):
            v2.tensors.from_raw("t", "BYTES", (80,), raw)


def plainly() -> Iterator[tuple[Validator, list[dict[str, Any]], bytes]]:
    """Requests as clients make them."""
    wide = {"name": "input-0", "shape": [3, 2]}
    yield WIDE["float64"], [wide | {"datatype": "FP64", "data": [1.0, 2.5] * 3}], b""
    yield WIDE["float64"], [wide | {"datatype": "FP32", "data": [[1, 2.5]] * 3}], b""
    yield WIDE["float64"], [wide | {"datatype": "INT32", "data": [1, 2] * 3}], b""
    raw = np.arange(6, dtype="<f4").tobytes()
    yield WIDE["float64"], [wide | {"datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}], raw
    for rows in (1, 3):
        named = [
            {"name": name, "datatype": datatype, "shape": [rows], "data": [value] * rows}
            for name, (datatype, value) in NATURAL.items()
        ]
        yield MIXED, named[::-1], b""


@pytest.mark.parametrize("request_", list(plainly()))
def test_what_clients_send_is_plain(request_: tuple[Validator, list[dict[str, Any]], bytes]) -> None:
    """It never takes the long way, and the long way agrees."""
    validator, inputs, binary = request_
    assert tensors_fast.columns(validator, inputs, memoryview(binary)) is not None
    check(validator, inputs, binary)
