"""The holdout is what training never saw, not even as a twin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artifact.errors import DataContractError
from pipeline.params.prepare import Split
from pipeline.shared import split
from pipeline.shared.labels import Labels

RULE = Split(method="random", test_size=0.3, seed=7)
SMALL = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab")), min_size=6, max_size=60)


def twins(frame: pd.DataFrame) -> np.ndarray:
    return split.units(split.twin_hashes(frame))


def test_twins_are_rows_equal_in_every_feature() -> None:
    """Missing equals missing, and -0.0 equals 0.0; a row's number follows from its values, not from its place."""
    frame = pd.DataFrame({"x": [0.0, -0.0, np.nan, np.nan, 1.0], "s": ["a", "a", np.nan, np.nan, "a"]})
    groups = twins(frame)
    assert groups[0] == groups[1]
    assert groups[2] == groups[3]
    assert len(set(groups)) == 3
    assert twins(frame[::-1]).tolist() == groups[::-1].tolist()


@settings(max_examples=60, deadline=None)
@given(SMALL)
def test_no_twin_straddles_a_split(rows: list[tuple[int, str]]) -> None:
    """Stratified, random, by time: no group of twins is on both sides, and no row is lost or counted twice."""
    groups = np.unique([value for value, _ in rows], return_inverse=True)[1]
    labels = Labels.of(np.array([label for _, label in rows], dtype=object))
    moments = np.arange(len(rows)) // 2
    for make in (
        lambda: split.stratified(groups, labels, RULE),
        lambda: split.random(groups, RULE),
        lambda: split.by_time(groups, moments, RULE),
    ):
        try:
            parts = make()
        except DataContractError:
            continue
        assert not set(groups[parts.train]) & set(groups[parts.test])
        assert sorted([*parts.train, *parts.test, *parts.left_out]) == list(range(len(rows)))
        assert len(parts.train)
        assert len(parts.test)


def test_twins_of_two_classes_go_with_most_of_them() -> None:
    """A group counts for the class that most of its rows have, the first in order of text where they are even."""
    labels = Labels.of(np.array(["b", "a", "b", "a", "b", "a", "a"], dtype=object))
    assert labels.names == ("a", "b")
    home = split._home(np.array([0, 0, 0, 1, 1, 2, 2]), labels)
    assert home.tolist() == [1, 0, 0]


def test_stratified_holds_out_the_share_of_each_class() -> None:
    """A class of 100 gives 30, a class of 20 gives 6."""
    labels = np.array(["a"] * 100 + ["b"] * 20, dtype=object)
    parts = split.stratified(np.arange(120), Labels.of(labels), RULE)
    assert np.sum(labels[parts.test] == "a") == 30
    assert np.sum(labels[parts.test] == "b") == 6


def test_the_seed_decides_and_the_order_of_the_rows_does_not() -> None:
    """Rows written in another order are held out all the same."""
    frame = pd.DataFrame({"x": np.arange(50.0)})
    shuffled = frame.sample(frac=1, random_state=1)
    holdout = [set(part.iloc[split.random(twins(part), RULE).test]["x"]) for part in (frame, shuffled)]
    assert holdout[0] == holdout[1]
    assert set(split.random(twins(frame), Split(method="random", test_size=0.3, seed=8)).test) != holdout[0]


def test_time_never_looks_ahead() -> None:
    """Held-out rows are later than all rows trained on, those of one moment stay together, late twins are left out."""
    moments = np.array([5, 1, 2, 2, 3, 3, 3, 4, 1, 5])
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 1, 7, 8])
    parts = split.by_time(groups, moments, RULE)
    assert moments[parts.train].max() < moments[parts.test].min()
    assert parts.left_out.tolist() == [7]


REFUSED = [
    (
        lambda: split.stratified(np.array([0, 0, 1, 2]), Labels.of(np.array(["a", "a", "b", "b"])), RULE),
        "'a' .* has 2 row.*1 of them distinct",
    ),
    (lambda: split.random(np.zeros(9, int), RULE), "all 9 rows are equal"),
    (lambda: split.by_time(np.arange(9), np.ones(9), RULE), "all 9 rows have one time"),
    (lambda: split.by_time(np.zeros(9, int), np.arange(9), RULE), "each of the 3 rows to hold out repeats one"),
]


@pytest.mark.parametrize(("make", "problem"), REFUSED)
def test_data_that_cannot_be_split_is_refused(make: object, problem: str) -> None:
    """Exit 40 says which class or column leaves nothing to train on or to hold out."""
    with pytest.raises(DataContractError, match=problem):
        make()  # type: ignore[operator]


def test_every_class_is_trained_on() -> None:
    """A class that is declared but absent, or only held out, is named."""
    labels = Labels.of(np.array(["a", "a", "b", "c"], dtype=object))
    parts = split.Parts(np.array([0, 1, 2]), np.array([3]), np.array([], int))
    with pytest.raises(DataContractError, match=r"'c' of the target has no row in the training part"):
        split.check_classes(labels, parts, None)
    with pytest.raises(DataContractError, match=r"'d' of the target is declared"):
        split.check_classes(labels, parts, ["a", "b", "c", "d"])
    single = Labels.of(np.array(["a", "a"], dtype=object))
    with pytest.raises(DataContractError, match="one class 'a'"):
        split.check_classes(single, split.Parts(np.array([0]), np.array([1]), np.array([], int)), None)
