"""Contents that a file of an artifact must not have: every kind of junk, and JSON with values out of all bounds."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

# What may stand in the place of any value of a JSON file. Texts are written as they are: JSON itself may be wrong.
VALUES = [
    "null",
    "true",
    "0",
    "-1",
    "1e308",
    "1e999",
    "NaN",
    "-Infinity",
    "9" * 400,
    "9" * 5000,
    '""',
    '"x"',
    '"\\ud800"',
    "[]",
    "{}",
    "[null]",
    "[[]]",
    '{"":[]}',
]
OTHERS = [
    b"null",
    b"true",
    b"5",
    b'"x"',
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 5000,
    b"NaN",
    b'{"a":1,"a":1}',
    b"\xef\xbb\xbf{}",
    b'"\\ud800"',
    b"[" + b"[]," * 1_100_000 + b"[]]",
    b"[" + b"0," * 8_100_000 + b"0]",
]
_PLACE = "a place for a value"


def junk(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Title and content: `data` cut short or changed, and bytes that have nothing to do with it."""
    random = np.random.default_rng(20)
    for size in {1, 2, len(data) // 2, len(data) - 2}:
        yield f"the first {size} bytes", data[:size]
    yield "two bytes more", data + b"\xff\xff"
    yield "its bytes twice", data + data
    yield "zeros", bytes(len(data))
    for size in (1, 100, 10_000):
        yield f"{size} random bytes", random.bytes(size)
    for other in OTHERS:
        yield f"{other[:20].decode('latin-1')!r}, {len(other)} bytes", other


def flipped(data: bytes, count: int) -> Iterator[tuple[str, bytes]]:
    """Title and content: `data` with one bit, or one byte, changed at `count` places."""
    random = np.random.default_rng(21)
    for place in np.linspace(0, len(data) - 1, count).astype(int).tolist():
        for mask in (1 << int(random.integers(8)), 0xFF):
            changed = bytearray(data)
            changed[place] ^= mask
            yield f"byte {place} ^ {mask}", bytes(changed)


def changed(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Title and content: the JSON of `data` with each value in turn replaced, removed, or joined by a key that is new.

    Of a list, the first and the last value stand for all.
    """
    value = json.loads(data)
    for path in _paths(value, ()):
        location = "/".join(map(str, path))
        for text in VALUES:
            yield f"{location} = {text[:12]}", _with(value, path, _PLACE).replace(f'"{_PLACE}"', text).encode()
        yield f"{location} removed", _with(value, path, None, remove=True).encode()
    for path in [(), *_paths(value, ())]:
        if type(_at(value, path)) is dict:
            location = "/".join(map(str, path))
            yield f"{location} with a key more", _with(value, (*path, "more"), 1).encode()
            text = _with(value, (*path, _PLACE), 1)
            for key in list(_at(value, path))[:1]:
                yield f"{location}/{key} twice", text.replace(f'"{_PLACE}"', json.dumps(key)).encode()


def _paths(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    keys: list[Any] = list(value) if type(value) is dict else []
    if type(value) is list:
        keys = sorted({0, len(value) - 1}) if value else []
    for key in keys:
        yield (*path, key)
        yield from _paths(value[key], (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _with(value: Any, path: tuple[Any, ...], other: Any, remove: bool = False) -> str:
    value = copy.deepcopy(value)
    parent = _at(value, path[:-1])
    if remove:
        del parent[path[-1]]
    else:
        parent[path[-1]] = other
    return json.dumps(value, ensure_ascii=False)
