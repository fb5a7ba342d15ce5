"""Reads long JSON in pieces, and frees long lists in pieces, so that other threads run in between.

A JSON reader written in C lets no other thread run until it is done, and so does the release of a list of a million
lists: with a body of 16 MiB the event loop would wait for most of a second.

A long text is cut at commas, outside of strings, where as few lists and objects as possible are open. Each piece is
completed to a JSON text, by opening before it and closing behind it what is open there, read by itself, and put behind
the pieces before it. So whatever is wrong in the text is wrong in one of its pieces.
"""

from __future__ import annotations

import gc
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from artifact import checkpoint
from artifact.errors import InvalidRequest

PIECE = 128 << 10  # bytes; a piece is up to two of these where commas are
LONG = 2 * PIECE  # bytes of a body that is read in pieces; a shorter one is read at once
_DEEPEST = 8  # lists and objects that may be open at a cut
_SPACE = b" \t\n\r"
_MANY = 1 << 13  # values freed at once
_GOES_ON = secrets.token_hex(16)  # a key that no caller knows: its value goes on with what an earlier piece began


@dataclass(frozen=True)
class _Cut:
    """A comma at which a text is cut, and what is open there: `[` and `{`, the outermost first."""

    at: int
    open: bytes


def read(body: bytes, loads: Callable[[bytes], Any], piece: int = PIECE) -> Any:
    """What `loads` gives for `body`, the bytes of UTF-8.

    Raises json.JSONDecodeError and UnicodeDecodeError with the place in `body`, and whatever else `loads` raises for a
    piece; InvalidRequest where two pieces have the same key of one object.
    """
    if len(body) <= 2 * piece:
        return loads(body)
    value: Any = None
    start, opened = 0, b""
    for cut in chain(_cuts(body, piece), (_Cut(len(body), b""),)):
        checkpoint.check()
        text = body[start : cut.at]
        if start and text.lstrip(_SPACE)[:1] in (b"", b",", b":", b"]", b"}"):
            raise _not_json("Expecting value", body, start)
        if cut.open and text.rstrip(_SPACE)[-1:] in (b"", b",", b":", b"[", b"{"):
            raise _not_json("Expecting value", body, cut.at)
        before = b"".join(b"[" if bracket == ord("[") else b'{"%b":' % _GOES_ON.encode() for bracket in opened[:-1])
        before += opened[-1:]
        after = b"".join(b"]" if bracket == ord("[") else b"}" for bracket in reversed(cut.open))
        try:
            part = loads(before + text + after)
        except json.JSONDecodeError as error:  # orjson's is one, too
            at = len(text.decode("utf-8", "replace")[: max(0, error.pos - len(before))].encode("utf-8", "replace"))
            raise _not_json(error.msg, body, start + at) from None
        except UnicodeDecodeError as error:
            at = start + error.start - len(before)
            raise UnicodeDecodeError("utf-8", body, at, at + 1, error.reason) from None
        value = _joined(value, part, len(opened)) if start else part
        start, opened = cut.at + 1, cut.open
    return value


def _not_json(message: str, body: bytes, at: int) -> json.JSONDecodeError:
    before = body[:at].decode("utf-8", "replace")
    return json.JSONDecodeError(message, before, len(before))


def free(value: Any) -> None:
    """Empty the long lists of a decoded body, those within objects too, once nothing needs them any more."""
    level = [value]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                below += [inner for inner in item.values() if type(inner) is list or type(inner) is dict]
            elif type(item) is list and item:
                if type(item[0]) is dict:  # the collector tracks those that hold a list or an object
                    below += filter(gc.is_tracked, item[:_MANY])
                _empty(item)
        level = below


def _empty(values: list[Any]) -> None:
    each = len(values[0]) if type(values[0]) in (list, dict) else 1
    step = max(1, _MANY // max(1, each))
    while len(values) > step:
        del values[-step:]


def _joined(value: Any, part: Any, depth: int) -> Any:
    """Append `part` to `value`: down to `depth`, the first member of `part` goes on with the last one of `value`."""
    if type(value) is list and type(part) is list:
        if depth > 1:
            value[-1] = _joined(value[-1], part[0], depth - 1)
            value += part[1:]
        else:
            value += part
        return value
    if type(value) is dict and type(part) is dict:
        if depth > 1:
            last = next(reversed(value))
            value[last] = _joined(value[last], part.pop(_GOES_ON), depth - 1)
        for key in part:
            if key in value:
                raise InvalidRequest(f"{key[:80]!r} stands twice in one object of the body")
        value |= part
        return value
    raise AssertionError("pieces of one list or object")  # both were opened by the same byte


def _cuts(body: bytes, piece: int) -> Iterator[_Cut]:
    """Where to cut `body`: about one cut in `piece` bytes; none where too many lists are open throughout."""
    depth, in_text, opened = 0, False, b""
    start = 0
    while start < len(body) - piece:
        end = start + piece
        while end < len(body) and body[end - 1] == ord("\\"):  # a pair of them stays together
            end += 1
        part = body[start:end]
        if b"\\" in part:  # what is escaped ends no text
            part = part.replace(b"\\\\", b"xx").replace(b'\\"', b"xx")
        data = np.frombuffer(part, np.uint8)
        quotes = np.flatnonzero(data == ord('"'))
        lower = data | 0x20  # [ and { become {, ] and } become }
        brackets = np.flatnonzero((lower == ord("{")) | (lower == ord("}")))
        brackets = brackets[~_in_text(brackets, quotes, in_text)]
        opens = lower[brackets] == ord("{")
        depths = depth + np.cumsum(np.where(opens, 1, -1))
        cut = _cut(data, quotes, in_text, brackets, depths, depth)
        if cut is not None:
            at, level = cut
            if level <= _DEEPEST:
                yield _Cut(
                    start + at, _open(data, brackets[: np.searchsorted(brackets, at)], opens, depths, level, opened)
                )
        if len(brackets):
            depth = int(depths[-1])
            opened = _open(data, brackets, opens, depths, min(max(depth, 0), _DEEPEST), opened)
        in_text ^= len(quotes) % 2 == 1
        start = end


def _in_text(places: np.ndarray, quotes: np.ndarray, in_text: bool) -> np.ndarray:
    """Which of `places` are within a text, before whose first place one may be open."""
    if not len(quotes):
        return np.full(len(places), in_text)
    inside: np.ndarray = np.searchsorted(quotes, places) % 2 == 1
    return ~inside if in_text else inside


def _cut(
    data: np.ndarray, quotes: np.ndarray, in_text: bool, brackets: np.ndarray, depths: np.ndarray, depth: int
) -> tuple[int, int] | None:
    """The comma to cut at, and how many lists and objects are open there: the last one of those with the fewest."""
    for first in (
        len(data) - len(data) // 8,
        0,
    ):  # there are many commas: all are looked at only where the last eighth has none that will do
        commas = first + np.flatnonzero(data[first:] == ord(","))
        commas = commas[~_in_text(commas, quotes, in_text)]
        if not len(commas):
            continue
        before = np.searchsorted(brackets, commas)
        levels = np.where(before > 0, depths[before - 1], depth) if len(depths) else np.full(len(commas), depth)
        least = int(levels.min())
        if 1 <= least <= _DEEPEST:
            return int(commas[np.flatnonzero(levels == least)[-1]]), least
    return None


def _open(
    data: np.ndarray, brackets: np.ndarray, opens: np.ndarray, depths: np.ndarray, level: int, before: bytes
) -> bytes:
    """What is open behind `brackets`, `level` deep; `before` was open before the first of them."""
    stack = bytearray()
    opens, depths = opens[: len(brackets)], depths[: len(brackets)]
    for deep in range(1, level + 1):
        last = np.flatnonzero(opens & (depths == deep))
        stack.append(data[brackets[last[-1]]] if len(last) else before[deep - 1])
    return bytes(stack)
