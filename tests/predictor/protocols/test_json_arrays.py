"""Bodies whose numbers and texts become arrays at once: the same requests and refusals as from lists of Python."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from artifact.errors import InvalidRequest
from artifact.validation.utf8_texts import Utf8Texts
from artifact.validation.validator import Validator
from predictor.errors import Unplain
from predictor.protocols import json_arrays, json_body, v1, v2
from tests.predictor.json_bodies import FREQUENT, SIGNATURES, bodies

PAD = b" " * 2100


def same(value: Any, plain: Any) -> bool:
    """Whether `value` is `plain`, with arrays in the place of some lists: to the bit."""
    if isinstance(value, Utf8Texts):
        return type(plain) is list and value.tolist() == list(value) == plain
    if isinstance(value, np.ndarray):
        return value.tobytes() == np.array(plain, dtype=value.dtype).tobytes() and value.shape == np.shape(plain)
    if type(value) is dict:
        return value.keys() == plain.keys() and all(same(value[key], plain[key]) for key in plain)
    if type(value) is list:
        return len(value) == len(plain) and all(map(same, value, plain))
    return bool(type(value) is type(plain) and value == plain)


def outcome(protocol: Any, validator: Validator, body: bytes, *, closely: bool = True) -> Any:
    """Columns as bytes, or what is said instead."""
    arguments = (body,) if protocol is v1 else (body, len(body))
    try:
        request = protocol.decode(*arguments, closely=closely).validated(validator, closely)
    except (InvalidRequest, Unplain) as error:
        return type(error), str(error)
    columns = {name: (values.dtype.str, values.tolist()) for name, values in request.columns.items()}
    return json.dumps(columns), type(request).__name__


def differences(count: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], int]:
    """Bodies that are read otherwise with arrays than without, and how many became arrays."""
    wrong, arrays = [], 0
    read = json_arrays.read
    for kind, signature in SIGNATURES.items():
        validator = Validator(signature, dict.fromkeys(signature.names, FREQUENT))
        for protocol in (v1, v2):
            for body in bodies(signature, protocol.__name__[-2:], count, seed):
                value = read(body)
                arrays += value is not None
                if value is not None and not same(value, json_body.read(body)):
                    wrong.append((kind, body, "payload"))
                with monkeypatch.context() as patch:
                    patch.setattr(json_arrays, "read", lambda _: None)
                    expected = outcome(protocol, validator, body)
                quickly = outcome(protocol, validator, body, closely=False)
                if outcome(protocol, validator, body) != expected:
                    wrong.append((kind, body, expected))
                if quickly != expected and quickly[0] not in (Unplain, InvalidRequest):
                    wrong.append((kind, body, quickly))
    return wrong, arrays


def test_the_same_as_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generated bodies, right and hostile, give the same columns to the bit, or the same refusal, with and without."""
    wrong, arrays = differences(30, 1, monkeypatch)
    assert not wrong, wrong[0]
    assert arrays > 150


@pytest.mark.story
def test_the_same_as_lists_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of 28,000 bodies."""
    wrong, arrays = differences(2000, 2, monkeypatch)
    assert not wrong, wrong[0]
    assert arrays > 10_000


NUMBERS = b"[" + b"7," * 40 + b"1]"


@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        (v1, b'{"instances":[{"a":%b,"b":1},{"a":1,"b":1}]}' % NUMBERS),
        (v1, b'{"instances":%b}' % NUMBERS),
        (v1, b'{"instances":[[1]],"probabilities":%b}' % NUMBERS),
        (v2, b'{"inputs":[{"name":"a","datatype":"FP64","shape":[1],"data":[1],"parameters":%b}]}' % NUMBERS),
        (v2, b'{"inputs":[{"name":"input-0","datatype":"FP64","shape":[1,1],"parameters":{"binary_data_size":%b}}]}'
         % NUMBERS),
        (v2, b'{"inputs":%b}' % NUMBERS),
        (v2, b'{"inputs":[{"name":%b}]}' % NUMBERS),
        (v2, b'{"inputs":[{"name":"a","datatype":"FP64","shape":%b,"data":[1]}]}' % NUMBERS),
    ],
)  # fmt: skip
def test_an_array_where_none_belongs(protocol: Any, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list of numbers in the place of anything else is refused as such a list, not by an error of ours."""
    validator = Validator(SIGNATURES["wholes" if protocol is v1 else "one"])
    refusal = outcome(protocol, validator, PAD + body)
    assert outcome(protocol, validator, PAD + body, closely=False)[0] in (Unplain, InvalidRequest)
    monkeypatch.setattr(json_arrays, "read", lambda _: None)
    assert refusal == outcome(protocol, validator, PAD + body)
    assert refusal[0] is InvalidRequest


TEXTS = '", "'.join(["x", "ü", ", ", ""] * 10)


@pytest.mark.parametrize(
    ("texts", "as_bytes"),
    [
        (f'["{TEXTS}"]', True),
        (f'["{TEXTS}"]'.replace('", "', '","'), True),
        (f'["{TEXTS}","y"]', False),
        (f'[ "{TEXTS}"]', False),
        (f'["{TEXTS}" ]', True),
        (f'["{TEXTS}" , "y"]', False),
        (f'["{TEXTS}", null]', False),
        (f'["{TEXTS}", "{"y" * 33}"]', False),
        (f'["{TEXTS}", "{"y" * 32}"]', True),
        (rf'["{TEXTS}", "\u0031"]', False),
    ],
)
def test_lists_of_texts(texts: str, as_bytes: bool) -> None:
    """A long list stays in bytes where texts alone are in it, one like the other; it holds the same in any case."""
    for body in (f'{{"data": {texts}}}', f'{{"other": ["a", "b"], "data": {texts}, "more": [1], "x": "{TEXTS[:1]}"}}'):
        value = json_arrays.read(PAD + body.encode())
        assert value is not None
        assert isinstance(value["data"], Utf8Texts) == as_bytes
        assert list(value["data"]) == json.loads(body)["data"]
        assert value["data"][1:3] == json.loads(body)["data"][1:3]


def test_objects_among_texts() -> None:
    """A list of texts and objects is read otherwise."""
    for last in ('{"y": 1}', '{"y":"y"}'):
        assert json_arrays.read(PAD + f'{{"data": ["{TEXTS}", {last}]}}'.encode()) is None


def test_many_objects() -> None:
    """Objects are read one by one from Python only where they are few, with members or without."""
    lists = b",".join([b"[" + b",".join([b"{}"] * 60) + b"]"] * 10)
    for objects in (b",".join([b"{}"] * 600), b",".join([b'{"a":1}'] * 600), b'{"a":%b}' % lists):
        assert json_arrays.read(PAD + b'{"inputs":[%b]}' % objects) is None


def rows(*row: str) -> bytes:
    """A v1 body of 40 rows, the others of which are right."""
    return PAD + b'{"instances":[' + ",".join([*["[1.5,2]"] * (40 - len(row)), *row]).encode() + b"]}"


@pytest.mark.parametrize("row", ["[1.5,2,3],[4]", "[1.5,2,3]", "[1.5]", "[1.5,[2]]", "[],[1,2,3,4]", "5", "[[1.5,2]]"])
def test_ragged(row: str) -> None:
    """A table is no array unless each row is a list of as many numbers, even where all rows have as many together."""
    assert json_arrays.read(rows(row)) is None


@pytest.mark.parametrize(
    "row", ["[9007199254740993,1]", "[1e400,1]", "[1.5,true]", "[null,1]", "[1.5,NaN]", '[1,"2"]', '[1,{"a":1}]']
)
def test_not_a_number(row: str) -> None:
    """A table with a value that is no exact float64 is none."""
    assert json_arrays.read(rows(row)) is None


def test_lists_of_numbers() -> None:
    """Whole numbers of 64 bits and floats become arrays, -0 and -0.0 with their signs as JSON has them; what is short
    or not exact stays a list.
    """
    wide = [2**63 - 1, -(2**63), *range(30)]
    mixed = [-0.0, 0, 5e-324, 2**53 - 1, *[0.1] * 28]
    payload = {"a": wide, "b": mixed, "c": [1, 2], "d": [2**53 + 1, 0.5, *[1] * 30], "e": [None, *[1] * 40], "f": []}
    value = json_arrays.read(PAD + json.dumps(payload).encode())
    assert same(value, payload)
    types = {key: getattr(array, "dtype", None) for key, array in value.items()}
    assert types == {"a": np.int64, "b": np.float64, "c": None, "d": None, "e": None, "f": None}
    negative = json_arrays.read(PAD + b'{"a":[-0,0.5' + b",1.5" * 40 + b"]}")["a"]
    assert np.signbit(negative[0]) == np.signbit(json_body.read(b"[-0]")[0]) == np.False_


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[1],"a":[2]}',
        b'{"a":{"b":1,"\\u0062":2}}',
        b'{"a":["x",{"b":1,"b":2}]}',
        b'{"a":["x",["y"]]}',
        b'{"a":[1,[2' + b",3" * 40 + b"]]}",
        b'{"a":"x:y"}',
        b'{"a":[[1,2],[3,4]],"b":[[1,2],[3,4]]}',
        b'{"a":' + b"[" * 9 + b"1" + b"]" * 9 + b"}",
        b'{"a":["\\ud800"]}',
        b'{"a":["\xff"]}',
        b'{"a":[' + b"{}," * 600 + b"{}]}",
        b"{" + b",".join(b'"%d":1' % place for place in range(600)) + b"}",
        b"[1,2]",
        b'{"a":[1,2}',
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)
def test_left_to_the_other_reader(body: bytes) -> None:
    """What arrays cannot say, what hides a key twice, what is no JSON and what is of many parts is not read here."""
    assert json_arrays.read(PAD + body) is None


def test_sizes() -> None:
    """A short body, which orjson reads as fast, and a long one, which is read in pieces, are not read here."""
    body = b'{"a":[' + b"1.5," * 600 + b"1.5]}"
    assert json_arrays.read(body) is not None
    assert json_arrays.read(b'{"a":[' + b"1.5," * 40 + b"1.5]}") is None
    assert json_arrays.read(body + b" " * (256 << 10)) is None


def test_after_a_refusal() -> None:
    """A body that is refused half-way leaves nothing behind: the next one becomes arrays."""
    for _ in range(3):
        assert json_arrays.read(rows("[1,true]")) is None
        assert json_arrays.read(rows()) is not None
