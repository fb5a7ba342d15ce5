"""A JSON body, read so that nothing in it is lost (no key twice, no whole number rounded, nothing but UTF-8), and the
arrays of an answer, written.

orjson reads fast, but keeps the last of two equal keys and turns a whole number beyond 64 bits into a float. Where the
number of colons or a long run of digits shows that either may have happened, the standard library reads the body again.
It also reads what orjson refuses: NaN and Infinity (the signature says where they may stand) and a byte order mark.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import Any

import numpy as np
import orjson

from artifact import checkpoint
from artifact.errors import InvalidRequest
from predictor.errors import Unplain
from predictor.protocols import json_pieces

# 19 digits of a whole number, where the 64 bits of orjson may end; digits after a point do not match.
_LONG = re.compile(rb"(?:^|[\s,:\[-])[0-9]{19}")
_DIGITS, _RUN = bytes.maketrans(b"123456789", b"0" * 9), b"0" * 19
# A colon behind a quotation mark, or behind a blank, where a key may stand before it; others are within a text.
_NAMED = re.compile(rb'["\s]:')
_PIECE = 1 << 20
_STRICT_PIECE = 16 << 10  # bytes: the standard library takes some ten times as long as orjson
_SMALL = 1 << 13  # bytes up to which a regular expression is faster than operations on whole arrays
_PLAIN = 64 << 10  # bytes: of more, orjson may make more objects than the event loop has time for
_NUMBERS = 1 << 13  # of an array, written at once
_FEW = 16  # numbers of an array that are written faster as a list
_ITEMS = 1 << 14  # of a list, looked at without a pause for other threads
_DEEPEST = 8  # lists and objects within objects in any request that is right


def read(body: bytes) -> Any:
    """The JSON value in `body`; InvalidRequest says what is wrong with it."""
    try:
        value = orjson.loads(body) if len(body) <= json_pieces.LONG else json_pieces.read(body, orjson.loads)
    except json.JSONDecodeError:  # orjson's is one, too
        return _strictly(body)
    if _is_doubtful(body, value):
        json_pieces.free(value)
        return _strictly(body)
    return value


def read_plain(body: bytes) -> Any:
    """As `read`, by orjson alone; Unplain where the standard library would have to read, which takes long, and for a
    body of more than 64 KiB.
    """
    if len(body) > _PLAIN:
        raise Unplain
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unplain from None
    if _is_doubtful(body, value):
        raise Unplain
    return value


def array_json(array: np.ndarray) -> Any:
    """`array` as orjson takes it with OPT_SERIALIZE_NUMPY; a long one is encoded here, in pieces."""
    if array.size <= _FEW:
        return array.tolist()
    if array.size <= _NUMBERS:
        return _orjson_array(array)
    step = max(1, _NUMBERS * len(array) // array.size)
    parts: list[bytes] = []
    for start in range(0, len(array), step):
        checkpoint.check()
        parts.append(orjson.dumps(_orjson_array(array[start : start + step]), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1])
    return orjson.Fragment(b"[" + b",".join(parts) + b"]")


def _orjson_array(array: np.ndarray) -> Any:
    return array.tolist() if array.dtype.kind in "OU" else np.ascontiguousarray(array)


def _is_doubtful(body: bytes, value: Any) -> bool:
    return _may_have_doubled(body, value) or _may_have_long(body)


def _may_have_doubled(body: bytes, value: Any) -> bool:
    """Whether an object of `body` may have a key twice, of which `value` has lost one.

    Each member has a colon behind its key. More colons than members: a member was dropped, or a text holds a colon.
    """
    data = np.frombuffer(body, np.uint8) if len(body) > _SMALL else None
    colons = body.count(b":") if data is None else int(np.count_nonzero(data == ord(":")))
    listed = _listed(value)
    if colons == listed or (listed > 0 and colons == listed + _of_parameters(value)):
        return False
    members = _members(value, _DEEPEST)
    return members != colons and members != _named(body, data)


def _listed(value: Any) -> int:
    """Members of an object, of the objects in it, and of those in its lists: most requests have no others. -1 where a
    list holds something else, too.
    """
    if type(value) is not dict:
        return -1
    members = len(value)
    for item in value.values():
        if type(item) is dict:
            members += len(item)
        elif type(item) is list and item and type(item[0]) is dict:
            for start in range(0, len(item), _ITEMS):
                checkpoint.check()
                piece = item[start : start + _ITEMS]
                if set(map(type, piece)) != {dict}:
                    return -1
                members += sum(map(len, piece))
    return members


def _of_parameters(value: dict[str, Any]) -> int:
    """Members of the `parameters` of v2's tensors, where the lists of `value` hold nothing but objects."""
    members = 0
    for item in value.values():
        if type(item) is list and item and type(item[0]) is dict:
            members += sum(len(tensor["parameters"]) for tensor in item if type(tensor.get("parameters")) is dict)
    return members


def _members(value: Any, depth: int) -> int:
    """Members of the objects in `value`; not those deeper than `depth`, or in a list that begins otherwise."""
    count, level = 0, [value]
    while level and depth >= 0:
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                count += len(item)
                below += [inner for inner in item.values() if type(inner) is dict or type(inner) is list]
            elif type(item) is list and item and type(item[0]) is dict:
                below += item
        level, depth = below, depth - 1
    return count


def _named(body: bytes, data: np.ndarray | None) -> int:
    """Colons behind a quotation mark or a blank."""
    if data is None:
        return len(_NAMED.findall(body))
    before = data[np.flatnonzero(data[1:] == ord(":"))]
    return int(np.isin(before, np.frombuffer(b'" \t\r\n', np.uint8)).sum())


def _may_have_long(body: bytes) -> bool:
    """Whether a number may be too long for orjson, looked for in pieces: other threads run between them."""
    if len(body) <= _SMALL:
        return _RUN in body.translate(_DIGITS) and _LONG.search(body) is not None
    data = np.frombuffer(body, np.uint8)
    return any(
        _has_digits(data[at : at + _PIECE + 19]) and _LONG.search(body, at, at + _PIECE + 20)
        for at in range(0, len(body), _PIECE)
    )


def _has_digits(data: np.ndarray) -> bool:
    """Whether 19 digits stand one behind the other in `data`."""
    runs = (data - np.uint8(ord("0"))) < 10  # bytes before 0 wrap around to great numbers
    for shift in (1, 2, 4, 8, 3):  # 2, 4, 8, 16 and then 19 in a row
        runs = runs[:-shift] & runs[shift:]
    return bool(runs.any())


def _strictly(body: bytes) -> Any:
    try:
        return json_pieces.read(body.removeprefix(BOM_UTF8), _read_strictly, _STRICT_PIECE)
    except InvalidRequest:
        raise
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8 at byte {error.start}; JSON is") from None
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deep") from None
    except ValueError:  # Python refuses to convert more digits than this to a number
        raise InvalidRequest("the body has a number of more than 4300 digits") from None


def _read_strictly(text: bytes) -> Any:
    return json.loads(text.decode(), object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    checkpoint.check()
    members = dict(pairs)
    if len(members) != len(pairs):
        once = object()
        for name, _ in pairs:
            if members.pop(name, once) is once:  # taken out before, so this is its second time
                raise InvalidRequest(f"{name[:80]!r} stands twice in one object of the body")
    return members
