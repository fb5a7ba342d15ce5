"""A small pickle that would take much more than its size, in time, in memory or on the stack, is refused with 21."""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable

import pytest

from artifact.errors import ForbiddenTypeError
from artifact.unpickling import unpickle

NONE, FALSE, TRUE = b"N", b"\x89", b"\x88"


def number(value: int) -> bytes:
    """A whole number."""
    return b"\x8a\x11" + value.to_bytes(17, "little", signed=True)


def text(value: str) -> bytes:
    """A text."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def octets(value: bytes) -> bytes:
    """Bytes."""
    return b"B" + struct.pack("<I", len(value)) + value


def named(place: str) -> bytes:
    """A class or a function."""
    module, _, name = place.rpartition(".")
    return text(module) + text(name) + b"\x93"


def row(*values: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(values) + b"t"


def call(place: str, *arguments: bytes) -> bytes:
    """What a builder makes."""
    return named(place) + row(*arguments) + b"R"


def put(place: int) -> bytes:
    """What is on the stack can be had again."""
    return b"r" + struct.pack("<I", place)


def get(place: int) -> bytes:
    """It is had again."""
    return b"j" + struct.pack("<I", place)


def members(**values: bytes) -> bytes:
    """A dict."""
    return b"}(" + b"".join(text(name) + value for name, value in values.items()) + b"u"


def model(place: str, **values: bytes) -> bytes:
    """An object with attributes."""
    return named(place) + b")\x81" + members(**values) + b"b"


def dtype(kind: str, size: int) -> bytes:
    """A dtype in its own memory, with its state; `kind` is its letter."""
    state = row(number(3), text("|" if kind in "VSb" else "<"), NONE, NONE, NONE, number(size), number(size and 1))
    return call("numpy.dtype", text(kind), FALSE, TRUE) + state[:-1] + number(0) + b"tb"


def array(shape: bytes, kind: bytes, values: bytes) -> bytes:
    """An array."""
    empty = call("numpy._core.multiarray._reconstruct", named("numpy.ndarray"), row(number(0)), octets(b"b"))
    return empty + row(number(1), shape, kind, FALSE, values) + b"b"


def doubled(first: bytes, pair: Callable[[bytes], bytes]) -> bytes:
    """A container of two, fifty times within each other."""
    return first + b"".join(put(place) + pair(get(place)) for place in range(50))


LISTS = doubled(b"]" + number(1) + b"a", lambda inner: b"0](" + inner + inner + b"e")
TUPLES = doubled(b")\x85", lambda inner: inner + b"\x86")
DEEP = b")" + b"\x85" * 300_000
FLOAT = dtype("f8", -1)
TREE = call(
    "sklearn.tree._tree.Tree",
    number(1),
    array(row(number(1)), dtype("i8", -1), octets(bytes(8))),
    number(1),
)
SHORT = dtype("S1", 1) + put(900)
MANY = 4_000

ATTACKS = {
    "a deep tuple for a key": b"}" + DEEP + NONE + b"s",
    "a doubled tuple for a key": b"}" + TUPLES + NONE + b"s",
    "a doubled tuple in a set": b"\x8f(" + TUPLES + b"\x90",
    "a doubled tuple in a frozen set": b"(" + TUPLES + b"\x91",
    "a slice of a deep tuple for a key": b"}" + call("builtins.slice", DEEP, NONE, NONE) + NONE + b"s",
    "keys of one hash": b"}(" + b"".join(number(k * (2**61 - 1)) + NONE for k in range(9, 30_000)) + b"u",
    "decimal keys of one hash": b"}("
    + b"".join(call("decimal.Decimal", text(str(k * (2**61 - 1)))) + NONE for k in range(9, 9_000))
    + b"u",
    "doubled lists in an argument": call("numpy.random._pickle.__generator_ctor", LISTS),
    "doubled lists for a shape": array(row(LISTS), FLOAT, octets(b"12345678")),
    "doubled lists for a name": model("sklearn.ensemble._stacking.StackingClassifier", stack_method=LISTS),
    "doubled lists for trees": model("sklearn.ensemble._forest.RandomForestClassifier", estimators_=LISTS),
    "doubled lists for weights": model("sklearn.ensemble._voting.VotingRegressor", weights=LISTS),
    "doubled tuples for weights": model("sklearn.ensemble._voting.VotingRegressor", weights=TUPLES),
    "a list that holds itself twice": model(
        "sklearn.ensemble._voting.VotingRegressor", weights=b"]" + put(1) + b"(" + get(1) + get(1) + b"e"
    ),
    "items from elsewhere, many times": b"]("
    + b"".join(row(number(k), NONE) for k in range(MANY))
    + b"e"
    + put(1)
    + named("collections.OrderedDict")
    + put(2)
    + (get(2) + get(1) + b"\x85R") * MANY,
    "bytes from elsewhere, many times": octets(bytes(1_000_000))
    + put(1)
    + dtype("S1000000", 1_000_000)
    + put(2)
    + (named("numpy._core.multiarray.scalar") + get(2) + get(1) + b"\x86R") * 100,
    "attributes from elsewhere, many times": members(**{f"a{k}": NONE for k in range(MANY)})
    + put(1)
    + named("sklearn.dummy.DummyClassifier")
    + b")\x81"
    + (get(1) + b"b") * MANY,
    "memory without bytes": call("numpy._core.multiarray.scalar", dtype("V2000000000", 2_000_000_000)),
    "a tree without nodes": model(
        "sklearn.tree._classes.DecisionTreeRegressor", n_features_in_=number(1), n_outputs_=number(1), tree_=TREE
    ),
    "a tree with nodes that are not there": TREE
    + members(max_depth=number(1), node_count=number(10**9), nodes=array(row(number(0)), FLOAT, octets(b"")))
    + b"b",
    "a dtype that grows when its array is there": row(
        array(row(number(10)), SHORT, octets(b"0123456789")),
        get(900) + row(number(3), text("|"), NONE, NONE, NONE, number(10**8), number(1), number(0)) + b"b",
    ),
    "a dtype that all arrays share": call("numpy.dtype", text("f8"))
    + row(number(3), text(">"), NONE, NONE, NONE, number(-1), number(-1), number(0))
    + b"b",
    "a dtype of objects without a state": call("numpy.dtype", b"]" + row(text("a"), text("O")) + b"a"),
    "a dtype larger than its memory": call("numpy.dtype", text("V8"), FALSE, TRUE)
    + row(number(3), text("|"), row(FLOAT, row(number(10**8))), NONE, NONE, number(8), number(1), number(0))
    + b"b",
}


@pytest.mark.filterwarnings("ignore:Trying to unpickle estimator")  # of no version: written by hand
@pytest.mark.parametrize("title", ATTACKS)
def test_refused(title: str) -> None:
    """21, at once."""
    with pytest.raises(ForbiddenTypeError, match=r"model\.joblib"):
        unpickle.loads(b"\x80\x04" + ATTACKS[title] + b".")


def test_each_is_a_pickle() -> None:
    """Each attack is a pickle to its end: it is refused for what it does."""
    for attack in ATTACKS.values():
        *_, (last, _, _) = pickletools.genops(b"\x80\x04" + attack + b".")
        assert last.name == "STOP"
