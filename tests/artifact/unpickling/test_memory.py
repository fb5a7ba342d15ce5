"""Reading a pickle takes at most 64 bytes of memory for each of its own, and 16 MiB; more is refused with 21."""

from __future__ import annotations

import contextlib
import tracemalloc

import joblib
import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

from artifact.errors import ForbiddenTypeError
from artifact.unpickling import unpickle
from tests.artifact.components import dumped
from tests.artifact.unpickling.test_work import named, put, text

SIZE = 100_000
SPARE = 1 << 20  # instead of 16 MiB, so that a tenth of the bytes goes beyond it
KIND = b"0" + named("sklearn.dummy.DummyClassifier") + put(1) + b"0]("
DICT = b"0" + named("collections.OrderedDict") + put(1) + b"0]("
# What comes first, and an operation or a few that are repeated, each of which makes objects.
REPEATED = {
    "empty sets": (b"", b"\x8f"),
    "empty lists": (b"", b"]"),
    "empty dicts": (b"", b"}"),
    "tuples of one": (b"", b")\x85"),
    "frozen sets": (b"", b"(\x91"),
    "sets of one": (b"", b"\x8f(N\x90"),
    "dicts of one": (b"", b"}NNs"),
    "marks": (b"", b"("),
    "remembered values": (b"N", b"\x94"),
    "objects": (KIND, b"h\x01)\x81"),
    "objects with a state": (KIND, b"h\x01)\x81}b"),
    "results of a builder": (DICT, b"h\x01)R"),
}
WITHIN = {
    "small numbers": b"K\x01",
    "numbers of two bytes": b"M\x01\x02",
    "numbers of four bytes": b"J\x01\x02\x03\x04",
    "empty tuples": b")",
    "texts": text("ab"),
    "wide texts": b"\x8c\x40" + b"a" * 60 + "\N{GRINNING FACE}".encode(),
}


def repeated(first: bytes, operation: bytes, size: int) -> bytes:
    """A list of what `operation` makes, again and again for `size` bytes."""
    return b"\x80\x04](" + first + operation * (size // len(operation)) + b"e."


def peak(data: bytes) -> int:
    """Bytes of memory that reading takes at the most, or takes until it is refused."""
    tracemalloc.start()
    try:
        with contextlib.suppress(ForbiddenTypeError):
            unpickle.loads(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore:Trying to unpickle estimator")  # of no version: written by hand
@pytest.mark.parametrize("title", REPEATED)
def test_refused(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that take far more than the operations that make them are refused before they fill the memory."""
    monkeypatch.setattr("artifact.unpickling.memory._SPARE", SPARE)
    data = repeated(*REPEATED[title], SIZE)
    with pytest.raises(ForbiddenTypeError, match="far more memory than its size"):
        unpickle.loads(data)
    assert peak(data) < 64 * len(data) + SPARE


def test_the_memory_to_spare() -> None:
    """It is 16 MiB."""
    data = repeated(*REPEATED["sets of one"], 10 * SIZE)
    with pytest.raises(ForbiddenTypeError, match="far more memory than its size"):
        unpickle.loads(data)
    assert 16 << 20 < peak(data) < 64 * len(data) + (16 << 20)


@pytest.mark.parametrize("title", WITHIN)
def test_within(title: str) -> None:
    """Numbers and texts stay within the factor without being refused."""
    data = repeated(b"", WITHIN[title], SIZE)
    unpickle.loads(data)
    assert peak(data) < 64 * len(data)


def test_models_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that are nothing but short texts, vocabularies and names are read, without the spare memory, too."""
    monkeypatch.setattr("artifact.unpickling.memory._SPARE", 1 << 16)
    words = [f"{number:x}" for number in range(256, 20_000)]
    for model in (
        OneHotEncoder().fit(np.array(words, object)[:, None]),
        CountVectorizer(vocabulary=set(words)).fit(words),
        CountVectorizer(stop_words=words).fit(["word " + word for word in words] + ["another"]),
        LogisticRegression(class_weight={word: np.float64(1) for word in words}),
    ):
        assert joblib.hash(unpickle.loads(dumped(model))) == joblib.hash(model)
