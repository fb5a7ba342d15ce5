"""Long JSON in pieces: what is read, refused and written is what it would be as a whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artifact import checkpoint
from artifact.errors import InvalidRequest
from predictor.errors import Disconnected
from predictor.protocols import json_body, json_pieces

odd = st.sampled_from(['"', "\\", "[", "]", "{", "}", ",", ":", " ", "a", "é", "\n"])
texts = st.lists(odd, max_size=8).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | texts,
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(texts, inner, max_size=6),
    max_leaves=60,
)


def read(text: bytes, piece: int) -> Any:
    """The value, in pieces; or what is wrong."""
    try:
        return json_pieces.read(text, orjson.loads, piece)
    except json.JSONDecodeError:
        return "no JSON"


@settings(max_examples=100)
@given(json_values, st.booleans(), st.sampled_from([None, 1]), st.integers(4, 60))
def test_reads_the_same(value: Any, ascii_only: bool, indent: int | None, piece: int) -> None:
    """Every value is the same in pieces, whatever stands in its texts and wherever it is cut."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert read(text, piece) == value


@settings(max_examples=200)
@given(json_values, st.data(), st.integers(4, 60))
def test_refuses_the_same(value: Any, data: st.DataObject, piece: int) -> None:
    """What a changed byte makes of a JSON text is refused in pieces where it is refused as a whole, and only there."""
    text = bytearray(json.dumps(value, ensure_ascii=False).encode())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place : place + data.draw(st.integers(0, 1))] = data.draw(
        st.sampled_from([b"[", b"]", b"{", b"}", b",", b'"'])
    )
    try:
        whole = orjson.loads(bytes(text))
    except json.JSONDecodeError:
        whole = "no JSON"
    try:
        assert read(bytes(text), piece) == whole
    except InvalidRequest:  # a comma became another, and a key stands twice: as a whole, document.read finds it
        with pytest.raises(InvalidRequest, match="stands twice"):
            json_body.read(bytes(text))


def called(text: bytes) -> tuple[list[int], Any]:
    """The lengths of the pieces that were read, and the value."""
    lengths: list[int] = []

    def loads(part: bytes) -> Any:
        lengths.append(len(part))
        return orjson.loads(part)

    return lengths, json_pieces.read(text, loads)


@pytest.mark.parametrize(
    "text",
    [
        b'{"instances":[%b]}' % b",".join([b"[5.1,3.5,1.4,0.2]"] * 50_000),
        b'{"instances":[%b]}' % b",".join([b'{"a":"}{","b":[1,2]}'] * 40_000),
        b'{"inputs":[{"name":"x","data":[%b]},{"name":"y","data":[1]}]}' % b",".join([b"12.5"] * 150_000),
        b'{"inputs":[%b]}' % b",".join([b'{"name":"x","shape":[1],"data":[1]}'] * 20_000),
        b"{%b}" % b",".join([b'"k%06d":0' % place for place in range(60_000)]),
        b"[%b]" % b",".join([b"[]"] * 200_000),
    ],
    ids=["rows", "objects", "tensor", "tensors", "members", "lists"],
)
def test_no_piece_is_long(text: bytes) -> None:
    """Of no body that could be right is more than two pieces' bytes read at once."""
    lengths, value = called(text)
    assert value == orjson.loads(text)
    assert max(lengths) < 2 * json_pieces.PIECE + 200
    assert len(lengths) < 3 + 2 * len(text) // json_pieces.PIECE


@pytest.mark.parametrize("tail", [b"]", b",]}", b"}}", b']}"', b",[1,x]]}", b"]}]", b',"\xff"]}'])
def test_says_where(tail: bytes) -> None:
    """What is wrong at the end of a long body is refused with its place in the whole of it."""
    text = b'{"instances":[\n%b\n%b' % (b",\n".join([b'["\xc3\xa9",3.5]'] * 30_000), tail)
    with pytest.raises(InvalidRequest) as error:
        json_body.read(text)
    message = str(error.value)
    place = f"line {30_002} column" if tail != b',"\xff"]}' else f"at byte {text.index(0xFF)}"
    assert place in message


def test_a_key_twice_in_two_pieces() -> None:
    """A key that stands twice in one object is found where the two are in different pieces."""
    members = b",".join([b'"k%06d":0' % place for place in range(150_000)])
    with pytest.raises(InvalidRequest, match="'k000003' stands twice"):
        json_body.read(b'{%b,"k000003":1}' % members)


def test_given_up() -> None:
    """Reading ends between two pieces when nobody waits any more."""
    calls = 0

    def ask() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Disconnected

    with checkpoint.asking(ask), pytest.raises(Disconnected):
        json_body.read(b'{"instances":[%b]}' % b",".join([b"[5.1,3.5,1.4,0.2]"] * 100_000))


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(1).normal(size=30_000),
        np.random.default_rng(1).normal(size=(20_000, 3)),
        np.arange(9_000)[::2],
        np.arange(40_000) % 2 == 0,
        np.array(["é", 'a"b'] * 9_000, dtype=object),
        np.array(["é", "b"] * 9_000),
        np.ones(3),
    ],
)
def test_writes_the_same(array: np.ndarray) -> None:
    """An array is written in pieces as its list is written as a whole."""
    assert orjson.dumps({"x": json_body.array_json(array)}, option=orjson.OPT_SERIALIZE_NUMPY) == orjson.dumps(
        {"x": array.tolist()}
    )


def test_frees_in_pieces() -> None:
    """Nothing long is left of a decoded body, wherever in it lists are."""
    body = orjson.loads(
        orjson.dumps(
            {"inputs": [{"name": "x", "data": [[1.0]] * 50_000}, {"data": [2.0] * 50_000}], "instances": [[]] * 50_000}
        )
    )
    lists = [body["inputs"][0]["data"], body["inputs"][1]["data"], body["instances"]]
    json_pieces.free(body)
    assert max(map(len, lists)) <= 1 << 13
