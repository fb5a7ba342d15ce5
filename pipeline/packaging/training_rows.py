"""Which rows a model was trained on, in a file small enough for its artifact: docs/adr/0012.

A row's hash is of its features alone, as `split` counts twins. Kept are the LIMIT smallest different hashes (a
bottom-k sketch: Bar-Yossef et al., Counting Distinct Elements in a Data Stream, 2002). Every hash up to the largest one
kept is known for certain to be trained on or not; hashes are spread evenly, so that those rows are a random sample.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Self

import numpy as np

from artifact.errors import IntegrityError
from artifact.prediction import Columns
from pipeline.shared import row_hashes

FILE = "seen.npy"
LIMIT = 32_768  # hashes of 8 bytes: 256 KiB, however large the data


@dataclass(frozen=True)
class TrainingRows:
    """The smallest hashes of the rows trained on, ascending; `complete`: all of them."""

    hashes: np.ndarray
    complete: bool

    @classmethod
    def of(cls, columns: Columns) -> Self:
        """The hashes of the table that is trained on."""
        distinct = np.unique(row_hashes.of(columns))
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

    def covers(self, hashes: np.ndarray) -> np.ndarray:
        """For each row, [rows]: whether it is known if the model was trained on it."""
        return np.ones(len(hashes), dtype=bool) if self.complete else hashes <= self.hashes[-1]

    def trained(self, hashes: np.ndarray) -> np.ndarray:
        """For each known row, [rows]: whether it was trained on."""
        return np.isin(hashes, self.hashes)
