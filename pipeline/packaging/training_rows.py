"""Which rows a model was trained on, small enough to travel inside its artifact: docs/adr/0012.

A row's hash is of its features alone, as `split` counts twins. Kept are the LIMIT smallest different hashes (a
bottom-k sketch: Bar-Yossef et al., Counting Distinct Elements in a Data Stream, 2002). Every hash up to the largest one
kept is known for certain to be trained on or not; hashes are spread evenly, so that those rows are a random sample.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from artifact.errors import IntegrityError
from artifact.prediction import Columns

FILE = "seen.npy"
LIMIT = 32_768  # hashes of 8 bytes: 256 KiB, however large the data
_MISSING = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Seen:
    """The smallest hashes of the rows trained on, ascending; `complete`: all of them."""

    hashes: np.ndarray
    complete: bool

    @classmethod
    def of(cls, columns: Columns) -> Self:
        """Of the table that is trained on."""
        distinct = np.unique(row_hashes(columns))
        return cls(distinct[:LIMIT], len(distinct) <= LIMIT)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote; IntegrityError (20) for anything else."""
        try:
            stored = np.load(io.BytesIO(data), allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise IntegrityError(f"{FILE} cannot be read: {error}; train and package again") from error
        if stored.dtype != np.uint64 or stored.ndim != 1 or len(stored) < 2:
            raise IntegrityError(f"{FILE} holds {stored.dtype} of shape {stored.shape}, expected uint64 of one axis")
        return cls(stored[1:], bool(stored[0]))

    def to_bytes(self) -> bytes:
        """One array: 1 where it is complete, 0 where not, then the hashes."""
        stream = io.BytesIO()
        np.save(stream, np.r_[np.uint64(self.complete), self.hashes].astype("<u8"))
        return stream.getvalue()

    def known(self, hashes: np.ndarray) -> np.ndarray:
        """For each row, [rows]: whether this tells if it was trained on."""
        return np.ones(len(hashes), dtype=bool) if self.complete else hashes <= self.hashes[-1]

    def trained(self, hashes: np.ndarray) -> np.ndarray:
        """For each known row, [rows]: whether it was trained on."""
        return np.isin(hashes, self.hashes)


def row_hashes(columns: Columns) -> np.ndarray:
    """A 64-bit hash of each row of `columns`, uint64 [rows]; the same on every machine and for every library version.

    -0.0 counts as 0.0, and every missing value as one.
    """
    total: Any = np.uint64(0)
    with np.errstate(over="ignore"):
        for position, (name, values) in enumerate(columns.items()):
            total = _mixed(total ^ _mixed(_bits(values) + _text(f"{position} {name}")))
    return np.asarray(total, dtype=np.uint64)


def _bits(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.float64:
        return np.where(np.isnan(values), _MISSING, (values + 0.0).view(np.uint64))
    if values.dtype == object:
        codes, distinct = pd.factorize(values, use_na_sentinel=True)
        table = np.array([*(_text(str(value)) for value in distinct), _MISSING], dtype=np.uint64)
        return table[codes]  # -1, the last, is the missing one
    return values.astype(np.int64, copy=False).view(np.uint64)


def _text(value: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), "little"))


def _mixed(value: Any) -> Any:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014), which spreads every bit over all others."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
