"""Which rows are held out: no row of the holdout, nor its twin, is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from artifact.errors import DataContractError
from pipeline.params.prepare import Split


@dataclass(frozen=True)
class Parts:
    """Row numbers from 0, ascending: trained on, held out, and left out because a twin of theirs is trained on."""

    train: np.ndarray
    test: np.ndarray
    left_out: np.ndarray


@dataclass(frozen=True)
class Labels:
    """Classes of the rows: `codes` ([rows], int32) are places in `names`, which are in the order of their text."""

    codes: np.ndarray
    names: tuple[Any, ...]

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """From the values themselves, [rows]."""
        codes, names = pd.factorize(values)
        return cls.of_codes(codes.astype(np.int32), names.tolist())

    @classmethod
    def of_codes(cls, codes: np.ndarray, names: Sequence[Any]) -> Self:
        """From places in `names`, in whatever order those are."""
        order = sorted(range(len(names)), key=lambda place: str(names[place]))
        place_of = np.empty(len(names), dtype=np.int32)
        place_of[order] = np.arange(len(names), dtype=np.int32)
        return cls(place_of[codes], tuple(names[place] for place in order))

    def counts(self, rows: np.ndarray) -> dict[Any, int]:
        """How many of `rows` each class has; without those that have none."""
        counted = np.bincount(self.codes[rows], minlength=len(self.names))
        return {name: int(count) for name, count in zip(self.names, counted, strict=True) if count}


def twin_hashes(frame: pd.DataFrame) -> np.ndarray:
    """A 64-bit hash of each row of `frame`, [rows]: equal for rows equal in every feature, whatever their target.

    Of 10 million different rows, two share one with a chance of 3 in a million; they then stay on one side, no more.
    pandas' own hash, which another version of pandas may change: that is another lock, which trains again anyhow. The
    hashes that an artifact carries are read under other locks: `packaging.training_rows.row_hashes`, which is slower.
    With one hash for both, each model's rows would be split anew by the change, and its digest with them.
    """
    one_zero = frame.apply(lambda column: column + 0.0 if column.dtype == np.float64 else column)  # -0.0 is 0.0
    return np.asarray(pd.util.hash_pandas_object(one_zero, index=False).to_numpy())


def twins(hashes: np.ndarray) -> np.ndarray:
    """Group number of each row, [rows], by `twin_hashes`.

    The numbers follow from the values alone, so that the order of the rows in the file decides nothing.
    """
    return np.unique(hashes, return_inverse=True)[1]


def stratified(groups: np.ndarray, labels: Labels, split: Split) -> Parts:
    """Hold out `test_size` of each class; twins of different classes go with the class most of them have.

    DataContractError (40) for a class that has fewer than two distinct rows.
    """
    home, sizes = _home(groups, labels), np.bincount(groups)
    generator = np.random.default_rng(split.seed)
    held = np.zeros(len(sizes), dtype=bool)
    for code, name in enumerate(labels.names):
        members = generator.permutation(np.flatnonzero(home == code))
        if len(members) < 2:
            raise DataContractError(
                f"class {str(name)!r} of the target has {int((labels.codes == code).sum())} row(s), "
                f"{len(members)} of them distinct; training and holdout need one each: add rows, "
                "or take the class out of the data and of the schema"
            )
        held[_taken(members, sizes, split.test_size)] = True
    return _parts(held[groups])


def _home(groups: np.ndarray, labels: Labels) -> np.ndarray:
    """The most frequent class of each group, the first of several: in the memory of the rows, not groups × classes."""
    pairs, counts = np.unique(groups * len(labels.names) + labels.codes, return_counts=True)
    group, code = np.divmod(pairs, len(labels.names))
    order = np.lexsort((code, -counts, group))
    first = np.r_[True, np.diff(group[order]) > 0]
    return np.asarray(code[order][first])


def random(groups: np.ndarray, split: Split) -> Parts:
    """Hold out `test_size` of the rows, twins together; DataContractError (40) where all rows are twins."""
    sizes = np.bincount(groups)
    members = np.random.default_rng(split.seed).permutation(len(sizes))
    if len(members) < 2:
        raise DataContractError(
            f"all {len(groups)} rows are equal in every feature; training and holdout need one distinct row each: "
            "add rows, or the columns that tell these apart"
        )
    held = np.zeros(len(sizes), dtype=bool)
    held[_taken(members, sizes, split.test_size)] = True
    return _parts(held[groups])


def by_time(groups: np.ndarray, moments: np.ndarray, split: Split) -> Parts:
    """Hold out the last `test_size` of the rows: each of them later than every row trained on.

    Rows of one moment stay together; a held-out row whose twin is trained on is left out of both.
    """
    ordered = np.sort(moments)
    cut = ordered[min(len(ordered) - 1, round(len(ordered) * (1 - split.test_size)))]
    if cut == ordered[0]:
        later = ordered[ordered > cut]
        if len(later) == 0:
            raise DataContractError(
                f"all {len(moments)} rows have one time, a split by time needs two; "
                "use the split 'random', or another column"
            )
        cut = later[0]
    late = moments >= cut
    early = np.isin(groups, groups[~late])
    parts = Parts(np.flatnonzero(~late), np.flatnonzero(late & ~early), np.flatnonzero(late & early))
    if len(parts.test) == 0:
        raise DataContractError(
            f"each of the {int(late.sum())} latest rows repeats an earlier one; nothing new is left to hold out: "
            "add the columns that tell them apart, or remove the repeats"
        )
    return parts


def check_classes(labels: Labels, parts: Parts, declared: Sequence[object] | None) -> None:
    """Every class of the data, and every declared one, is trained on; DataContractError (40) names one that is not."""
    present, trained = set(labels.names), set(labels.counts(parts.train))
    for name in sorted(set(declared or ()) - present, key=str):
        raise DataContractError(
            f"class {name!r} of the target is declared and no row has it; add rows, or take it out of its categories"
        )
    for name in sorted(present - trained, key=str):
        raise DataContractError(
            f"class {name!r} of the target has no row in the training part; "
            "use the split 'stratified', or add earlier rows of it"
        )
    if len(trained) < 2:
        raise DataContractError(
            f"the target has the one class {next(iter(trained))!r}; there is nothing to tell apart: add rows of another"
        )


def _taken(members: np.ndarray, sizes: np.ndarray, share: float) -> np.ndarray:
    """The first of `members` whose sizes come nearest to `share` of all; at least one, and never all of them."""
    filled = np.cumsum(sizes[members])
    count = int(np.argmin(np.abs(filled - share * filled[-1]))) + 1
    return members[: min(count, len(members) - 1)]


def _parts(held: np.ndarray) -> Parts:
    return Parts(np.flatnonzero(~held), np.flatnonzero(held), np.empty(0, dtype=np.int64))
