"""A JSON body, read so that nothing in it is lost: no key twice, no whole number rounded, nothing but UTF-8.

orjson reads fast, but keeps the last of two equal keys and turns a whole number beyond 64 bits into a float. Bodies
where either may have happened, found by two looks at the bytes, are read again by the standard library, which also
decides about what orjson refuses: NaN and Infinity (the signature says where they may stand) and a byte order mark.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from artifact.errors import InvalidRequest

# 19 digits of a whole number, where the 64 bits of orjson may end; digits after a point do not match.
_LONG = re.compile(rb"[\s,:\[-][0-9]{19}")
_PIECE = 1 << 20
_DEEPEST = 4  # objects within objects in any request that is right


def read(body: bytes) -> Any:
    """The JSON value in `body`; InvalidRequest says what is wrong with it."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _strictly(body)
    # Each member of an object has its colon. More colons than members: one was dropped, or a text holds one.
    if body.count(b":") != _members(value, _DEEPEST) or _has_long(body):
        return _strictly(body)
    return value


def _members(value: Any, depth: int) -> int:
    """Members of the objects in `value`; not those deeper than `depth`, or in a list that begins otherwise."""
    if type(value) is dict:
        inner = sum(_members(item, depth - 1) for item in value.values() if type(item) in (dict, list)) if depth else 0
        return len(value) + inner
    if type(value) is list and value and type(value[0]) is dict:
        return sum(_members(item, depth) for item in value)
    return 0


def _has_long(body: bytes) -> bool:
    """Whether a number may be too long for orjson, looked for in pieces: other threads run between them."""
    return any(_LONG.search(body, at, at + _PIECE + 19) for at in range(0, len(body), _PIECE))


def _strictly(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object)
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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"{doubled[:80]!r} stands twice in one object of the body")
    return found
