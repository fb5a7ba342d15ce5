"""Which rows are held out: no row of the holdout, nor its twin, is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from artifact.errors import DataContractError
from pipeline.params import Split


@dataclass(frozen=True)
class Parts:
    """Row numbers from 0, ascending: trained on, held out, and left out because a twin of theirs is trained on."""

    train: np.ndarray
    test: np.ndarray
    left_out: np.ndarray


def twins(frame: pd.DataFrame) -> np.ndarray:
    """Group number of each row of `frame`, [rows]: rows equal in every feature share one, whatever their target.

    The numbers follow from the values alone, so that the order of the rows in the file decides nothing.
    """
    one_zero = frame.apply(lambda column: column + 0.0 if column.dtype == np.float64 else column)  # -0.0 is 0.0
    hashes = pd.util.hash_pandas_object(one_zero, index=False).to_numpy()
    return np.unique(hashes, return_inverse=True)[1]


def stratified(groups: np.ndarray, labels: np.ndarray, split: Split) -> Parts:
    """Hold out `test_size` of each class; twins of different classes go with the class most of them have.

    DataContractError (40) for a class that has fewer than two distinct rows.
    """
    classes, codes = np.unique(labels.astype(str), return_inverse=True)
    counts = np.zeros((groups.max() + 1, len(classes)), dtype=np.int64)
    np.add.at(counts, (groups, codes), 1)
    home, sizes = counts.argmax(axis=1), counts.sum(axis=1)
    generator = np.random.default_rng(split.seed)
    held = np.zeros(len(sizes), dtype=bool)
    for code, name in enumerate(classes):
        members = generator.permutation(np.flatnonzero(home == code))
        if len(members) < 2:
            raise DataContractError(
                f"class {str(name)!r} of the target has {int((codes == code).sum())} row(s), "
                f"{len(members)} of them distinct; training and holdout need one each: add rows, "
                "or take the class out of the data and of the schema"
            )
        held[_taken(members, sizes, split.test_size)] = True
    return _parts(held[groups])


def random(groups: np.ndarray, split: Split) -> Parts:
    """Hold out `test_size` of the rows, twins together; DataContractError (40) where all rows are twins."""
    sizes = np.bincount(groups)
    members = np.random.default_rng(split.seed).permutation(len(sizes))
    if len(members) < 2:
        raise DataContractError(
            f"all {len(groups)} rows are equal in every feature; training and holdout need one distinct row each"
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
    seen = np.isin(groups, groups[~late])
    parts = Parts(np.flatnonzero(~late), np.flatnonzero(late & ~seen), np.flatnonzero(late & seen))
    if len(parts.test) == 0:
        raise DataContractError(
            f"each of the {int(late.sum())} latest rows repeats an earlier one; nothing new is left to hold out: "
            "add the columns that tell them apart, or remove the repeats"
        )
    return parts


def check_classes(labels: np.ndarray, parts: Parts, declared: Sequence[object] | None) -> None:
    """Every class of the data, and every declared one, is trained on; DataContractError (40) names one that is not."""
    present, trained = set(labels.tolist()), set(labels[parts.train].tolist())
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
        raise DataContractError(f"the target has the one class {next(iter(trained))!r}; there is nothing to tell apart")


def _taken(members: np.ndarray, sizes: np.ndarray, share: float) -> np.ndarray:
    """The first of `members` whose sizes come nearest to `share` of all; at least one, and never all of them."""
    filled = np.cumsum(sizes[members])
    count = int(np.argmin(np.abs(filled - share * filled[-1]))) + 1
    return members[: min(count, len(members) - 1)]


def _parts(held: np.ndarray) -> Parts:
    return Parts(np.flatnonzero(~held), np.flatnonzero(held), np.empty(0, dtype=np.int64))
