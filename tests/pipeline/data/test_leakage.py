"""Answers that leak into the features are found, and let through only by column and by name of the check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifact.errors import DataContractError
from artifact.signature import Feature
from pipeline.data import prepare, single_feature
from pipeline.data.id_columns import Distinct
from pipeline.shared import paths
from tests.pipeline.params.test_params import read
from tests.pipeline.toy import GOOD, csv

RANDOM = np.random.default_rng(9)
X = RANDOM.normal(size=4000)
CLASSES = (X > 0).astype(np.int64)
SCORES: list[tuple[str, Any, Any, int, float, float]] = [
    ("a copy", X, X, 0, 0.9999, 1),
    ("a monotone function", np.exp(X), X, 0, 0.999, 1),
    ("of a few hundred rows with a long tail", 2 * np.exp(X[:240]) + 1, np.exp(X[:240]), 0, 0.999, 1),
    ("whether there is an amount at all", (X > 1.2).astype(np.float64), np.exp(X) * (X > 1.2), 0, 0.5, 0.95),
    ("with a long tail and noise", np.exp(X + RANDOM.normal(0, 0.3, 4000)), np.exp(X), 0, 0.5, 0.95),
    ("in steps", X.round(1), X, 0, 0.98, 0.9999),
    ("with a tenth of noise", X + RANDOM.normal(0, 0.33, 4000), X, 0, 0.7, 0.9),
    ("noise", RANDOM.normal(size=4000), X, 0, -2, 0.2),
    ("classes by a threshold", X, CLASSES, 2, 0.99, 1),
    ("classes by a code", CLASSES.astype(np.float64) * 7, CLASSES, 2, 1, 1),
    ("classes by their absence", np.where(CLASSES, np.nan, X), CLASSES, 2, 1, 1),
    ("classes by text", np.where(CLASSES, "yes", "no").astype(object), CLASSES, 2, 1, 1),
    ("classes by other text", RANDOM.choice(["a", "b"], 4000).astype(object), CLASSES, 2, 0.4, 0.6),
    ("an id in text", np.array([f"r{row}" for row in range(4000)], dtype=object), CLASSES, 2, 0.4, 0.6),
    ("always the frequent class", np.ones(4000), (X > 2).astype(np.int64), 2, 0.5, 0.5),
]


@pytest.mark.parametrize("case", SCORES, ids=[case[0] for case in SCORES])
def test_a_score_near_one_means_determined(case: tuple[str, Any, Any, int, float, float]) -> None:
    """Copies, codes, functions and thresholds score near 1; noise, ids and a frequent class do not."""
    _, feature, target, classes, low, high = case
    score = single_feature.score(feature, target, classes)
    assert score is not None
    assert low <= score <= high


def test_too_few_rows_say_nothing() -> None:
    """With a handful of rows, or one answer, chance determines as well."""
    assert single_feature.score(X[:19], X[:19], 0) is None
    assert single_feature.score(X, np.zeros(4000), 0) is None


NUMBERS = np.arange(500)
IDS: list[tuple[str, str, Any, bool]] = [
    ("counted", "row", NUMBERS + 10**6, True),
    ("counted, shuffled", "anything", RANDOM.permutation(NUMBERS), True),
    ("drawn, by its name", "customer_id", RANDOM.choice(10**12, 500, replace=False), True),
    ("prices in cents that happen to differ", "price", RANDOM.choice(10**7, 500, replace=False), False),
    ("two alike", "row", np.r_[NUMBERS[:-1], 0], False),
    ("codes", "ref", np.array([f"A-{row:x}" for row in NUMBERS], dtype=object), True),
    ("dates", "at", np.array([str(day) for day in np.arange("2020", 500, dtype="M8[D]")], dtype=object), False),
    ("sentences", "text", np.array([f"it was a good day {row}" for row in NUMBERS], dtype=object), False),
    ("codes that may be missing", "ref", np.array([None, *map(str, NUMBERS)], dtype=object), False),
    ("a few", "row", NUMBERS[:19], False),
]


@pytest.mark.parametrize(("kind", "name", "values", "expected"), IDS, ids=[row[0] for row in IDS])
def test_an_id_tells_every_row_from_every_other(kind: str, name: str, values: Any, expected: bool) -> None:
    """Row numbers and codes do; dates, sentences and amounts describe, even where all of them differ."""
    distinct = Distinct(Feature(name, "string" if values.dtype == object else "int64"))
    for part in np.array_split(values, 7):
        distinct.add(part)
    assert distinct.is_id(np.array([value for value in values if value is not None])) is expected


SCHEMA = {"order": {"dtype": "int64"}, "b": {"dtype": "string"}, "y": {"dtype": "string"}}
LEAKS: list[tuple[str, str, pd.DataFrame, dict[str, Any]]] = [
    ("id", "order", GOOD, {"schema": SCHEMA, "train__preprocessing": {}}),
    ("determines", "b", GOOD.assign(b=GOOD["y"]), {}),
    ("ahead", "day", GOOD, {"data__time": "day"}),
]


@pytest.mark.parametrize(("check", "column", "frame", "changes"), LEAKS, ids=[row[0] for row in LEAKS])
def test_a_leak_is_allowed_by_check_and_column(
    toy: Path, check: str, column: str, frame: pd.DataFrame, changes: dict[str, Any]
) -> None:
    """Another check's permission does not help; the permission is kept in the report."""
    Path("data/toy.csv").write_bytes(csv(frame))
    other = "ahead" if check == "determines" else "determines"
    read(toy, **changes, prepare__leakage={"allow": {other: [column]}})
    with pytest.raises(DataContractError, match=f"'{column}': {check}: "):
        prepare.main([])
    read(toy, **changes, prepare__leakage={"allow": {check: [column]}})
    prepare.main([])
    (leak,) = json.loads(paths.DATA.read_text(encoding="utf-8"))["leakage"]
    assert (leak["check"], leak["column"], leak["allowed"]) == (check, column, True)
    assert f"| {column} | {check}: " in paths.DATA_TEXT.read_text(encoding="utf-8")


def test_the_threshold_is_declared(toy: Path) -> None:
    """prepare.leakage.threshold says from which score a feature gives the target away."""
    noisy = GOOD.assign(b=[*GOOD["y"][:54], *GOOD["y"][54:].map({"no": "yes", "yes": "no"})])
    Path("data/toy.csv").write_bytes(csv(noisy))
    read(toy)
    prepare.main([])
    read(toy, prepare__leakage={"threshold": 0.8})
    with pytest.raises(DataContractError, match=r"balanced accuracy 0\.[89]\d+, at least 0\.8"):
        prepare.main([])
