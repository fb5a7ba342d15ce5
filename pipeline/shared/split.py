"""Which rows are held out: rows of one unit stay on one side.

A unit is a group that the user names, or the rows that are equal in every feature (twins), or each row by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from artifact.errors import DataContractError
from pipeline.params.prepare import Split
from pipeline.shared.labels import Labels
from pipeline.shared.row_hashes import mixed

FEW = 5  # rows for each combination of features, in the mean: then equal rows are no copies


@dataclass(frozen=True)
class Parts:
    """Row numbers from 0, ascending: trained on, held out, and left out because a twin of theirs is trained on."""

    train: np.ndarray
    test: np.ndarray
    left_out: np.ndarray

    @property
    def share(self) -> float:
        """The share of held-out rows among those that are not left out."""
        return len(self.test) / (len(self.train) + len(self.test))


def twin_hashes(frame: pd.DataFrame) -> np.ndarray:
    """A 64-bit hash of each row of `frame`, [rows]: equal for rows equal in every feature, whatever their target.

    Of 10 million different rows, two share a hash with a chance of 3 in a million; all that follows is that they stay
    on one side. The hash is that of pandas, which another version may change: then the lock changed, and everything is
    trained again anyhow. The hashes in an artifact are read under other locks; `shared.row_hashes` makes those, slower.
    Using that one here too would split the rows of existing models anew, and change their digests.
    """
    one_zero = frame.apply(lambda column: column + 0.0 if column.dtype == np.float64 else column)  # -0.0 is 0.0
    return np.asarray(pd.util.hash_pandas_object(one_zero, index=False).to_numpy())


def units(hashes: np.ndarray) -> np.ndarray:
    """Number of the unit of each row, [rows], by a hash of what its rows have in common.

    The numbers follow from the values alone, so that the order of the rows in the file decides nothing.
    """
    return np.unique(hashes, return_inverse=True)[1]


def twins_apart(twins: np.ndarray, split: Split) -> bool:
    """Whether twins, rows with equal features, may stand on both sides. `twins`: the unit of each row, [rows].

    By default they may where the features have few combinations. Such rows are equal because little can differ; to hold
    out whole combinations would give a holdout of the wrong size, of combinations that training never saw.
    """
    combinations = int(twins.max()) + 1
    return split.twins == "apart" or (split.twins == "auto" and 1 < combinations <= len(twins) / FEW)


def stratified(groups: np.ndarray, labels: Labels, split: Split) -> Parts:
    """Hold out `test_size` of each class; units of several classes go with the class that most of their rows have.

    DataContractError (40) for a class that has fewer than two units.
    """
    home, sizes = _home(groups, labels), np.bincount(groups)
    generator = np.random.default_rng(split.seed)
    holdout = np.zeros(len(sizes), dtype=bool)
    for code, name in enumerate(labels.names):
        members = generator.permutation(np.flatnonzero(home == code))
        if len(members) < 2:
            rows = int((labels.codes == code).sum())
            raise DataContractError(
                f"class {str(name)!r} of the target has {rows} row(s), {len(members)} of them distinct; training and "
                "holdout need one each: add rows, or leave out such classes (data.min_class_rows in params.yaml, "
                f"--min-class-rows {rows + 1} of init); numbers that count something are a regression (--task "
                "regression)"
            )
        holdout[_choose_units(members, sizes, split.test_size)] = True
    return _parts(holdout[groups])


def by_groups(groups: np.ndarray, labels: Labels | None, split: Split) -> Parts:
    """Hold out whole groups that together have `test_size` of the rows; of a classification (`labels`), as nearly as
    groups allow, of each class. DataContractError (40) where there is one group only."""
    if labels is None:
        return random(groups, split)
    home, sizes = _home(groups, labels), np.bincount(groups)
    if len(sizes) < 2:
        raise _one_unit(len(groups), "have one value in prepare.split.by")
    generator = np.random.default_rng(split.seed)
    holdout = np.zeros(len(sizes), dtype=bool)
    for code in range(len(labels.names)):
        members = generator.permutation(np.flatnonzero(home == code))
        if len(members) > 1:
            holdout[_choose_units(members, sizes, split.test_size)] = True
    return _parts(holdout[groups]) if holdout.any() else random(groups, split)


def random(groups: np.ndarray, split: Split) -> Parts:
    """Hold out `test_size` of the rows, units together; DataContractError (40) where all rows are of one."""
    sizes = np.bincount(groups)
    members = np.random.default_rng(split.seed).permutation(len(sizes))
    if len(members) < 2:
        raise _one_unit(len(groups), "are equal in every feature")
    holdout = np.zeros(len(sizes), dtype=bool)
    holdout[_choose_units(members, sizes, split.test_size)] = True
    return _parts(holdout[groups])


def by_hash(hashes: np.ndarray, split: Split) -> Parts:
    """Hold out the rows whose hash, mixed with the seed, is in the first `test_size` of all hashes: each row's side
    follows from its own values, whatever other rows there are. DataContractError (40) where one side is empty."""
    with np.errstate(over="ignore"):
        mixed_hashes = mixed(hashes ^ mixed(np.uint64(split.seed) + np.uint64(0x9E3779B97F4A7C15)))
    holdout = mixed_hashes.astype(np.float64) < split.test_size * 2.0**64
    if holdout.all() or not holdout.any():
        raise DataContractError(
            f"a split by hash puts all {len(holdout)} rows on one side; add rows, or set another prepare.split.seed"
        )
    return _parts(holdout)


def by_time(twins: np.ndarray, moments: np.ndarray, split: Split) -> Parts:
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
    return without_twins(_parts(moments >= cut), twins)


def without_twins(parts: Parts, twins: np.ndarray) -> Parts:
    """`parts` without the held-out rows whose twin is trained on; DataContractError (40) where no other is left."""
    again = np.isin(twins[parts.test], twins[parts.train])
    if again.all():
        raise DataContractError(
            f"each of the {len(again)} rows to hold out repeats one that is trained on; nothing new is left to judge "
            "by: add the columns that tell them apart, remove the repeats, or set prepare.split.twins to apart"
        )
    left_out = np.sort(np.concatenate([parts.left_out, parts.test[again]]))
    return Parts(parts.train, parts.test[~again], left_out)


def check_classes(labels: Labels, parts: Parts, declared: Sequence[object] | None) -> None:
    """Check that every class of the data, and every declared one, is trained on; DataContractError (40) names one that
    is not.
    """
    present, trained = set(labels.names), set(labels.counts(parts.train))
    for name in sorted(set(declared or ()) - present, key=str):
        raise DataContractError(
            f"class {name!r} of the target is declared and no row has it; add rows, or take it out of its categories"
        )
    for name in sorted(present - trained, key=str):
        raise DataContractError(
            f"class {name!r} of the target has no row in the training part; "
            "use the split 'stratified', or another seed, or add earlier rows of it"
        )
    if len(trained) < 2:
        raise DataContractError(
            f"the target has the one class {next(iter(trained))!r}; there is nothing to tell apart: add rows of another"
        )


def _home(groups: np.ndarray, labels: Labels) -> np.ndarray:
    """The most frequent class of each group, the first of several: in the memory of the rows, not groups × classes."""
    pairs, counts = np.unique(groups * len(labels.names) + labels.codes, return_counts=True)
    group, code = np.divmod(pairs, len(labels.names))
    order = np.lexsort((code, -counts, group))
    first = np.r_[True, np.diff(group[order]) > 0]
    return np.asarray(code[order][first])


def _choose_units(members: np.ndarray, sizes: np.ndarray, share: float) -> np.ndarray:
    """As many of the first `members` as come nearest to `share` of the rows of all; at least one, and never all."""
    filled = np.cumsum(sizes[members])
    count = int(np.argmin(np.abs(filled - share * filled[-1]))) + 1
    return members[: min(count, len(members) - 1)]


def _parts(holdout: np.ndarray) -> Parts:
    return Parts(np.flatnonzero(~holdout), np.flatnonzero(holdout), np.empty(0, dtype=np.int64))


def _one_unit(rows: int, fact: str) -> DataContractError:
    return DataContractError(
        f"all {rows} rows {fact}; training and holdout need one distinct row each: add rows, or the columns that tell "
        "these apart"
    )
