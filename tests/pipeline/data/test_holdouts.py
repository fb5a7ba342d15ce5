"""The splits that people need, as stage prepare makes them: by group, hash, file; and tables of few combinations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifact.errors import DataContractError
from pipeline.data import prepare
from pipeline.shared import paths, tables
from pipeline.training import folds
from tests.pipeline.params.test_params import read

ROWS = 400
RANDOM = np.random.default_rng(11)
TABLE = pd.DataFrame(
    {
        "a": RANDOM.permutation(ROWS) / 8,
        "b": RANDOM.choice(["x", "z"], ROWS),
        "owner": RANDOM.integers(0, 40, ROWS),
        "y": RANDOM.choice(["no", "yes"], ROWS),
    }
)
# What tells the rows apart in the prepared files.
BY_A = TABLE.set_index("a")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path


def prepared(root: Path, table: pd.DataFrame, **changes: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features of the rows trained on, and of those held out."""
    if not Path("data/toy").is_dir():
        table.to_csv("data/toy.csv", index=False)
    params = read(root, **changes)
    prepare.main([])
    return tables.read(paths.TRAIN, params)[0], tables.read(paths.TEST, params)[0]


def test_a_group_stands_on_one_side(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the holdout, and of each fold inside the training part; the share obtained is printed beside the one asked."""
    train, test = prepared(root, TABLE, prepare__split={"method": "group", "by": ["owner"], "test_size": 0.25})
    owners = [set(BY_A.loc[part["a"], "owner"]) for part in (train, test)]
    assert not owners[0] & owners[1]
    assert abs(len(test) / ROWS - 0.25) < 0.05
    assert f"held out {len(test) / ROWS:.1%} of 25.0% asked for" in capsys.readouterr().out
    labels = BY_A.loc[train["a"], "y"].to_numpy()
    for fold in folds.spread(tables.units(paths.TRAIN), labels, 4, 1):
        sides = [set(BY_A.loc[train["a"].iloc[rows], "owner"]) for rows in (fold.train, fold.test)]
        assert not sides[0] & sides[1]


def test_a_hash_keeps_old_rows_on_their_side(root: Path) -> None:
    """By the row, or by a key: rows that are added move none of those that were there."""
    for rule in ({"method": "hash"}, {"method": "hash", "by": ["owner"]}):
        before = prepared(root, TABLE.iloc[:300], prepare__split=rule)
        after = prepared(root, TABLE, prepare__split=rule)
        assert set(before[0]["a"]) <= set(after[0]["a"])
        assert set(before[1]["a"]) <= set(after[1]["a"])
        assert 0.1 < len(after[1]) / ROWS < 0.4
    other = prepared(root, TABLE, prepare__split=rule | {"seed": 21})
    assert set(other[1]["a"]) != set(after[1]["a"])


def test_the_side_of_a_key_is_the_same_in_every_file(root: Path) -> None:
    """Whether the key is text or a number, and whatever else the row holds."""
    rule = {"method": "hash", "by": ["owner"]}
    _, numbers = prepared(root, TABLE, prepare__split=rule)
    _, texts = prepared(root, TABLE.assign(b="q", owner=TABLE["owner"].astype(str)), prepare__split=rule)
    assert set(numbers["a"]) == set(texts["a"])


def test_a_file_of_its_own_is_the_holdout(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file, or a folder, within data.path; a row that is trained on as well is left out of it."""
    folder = root / "data/toy"
    folder.mkdir()
    TABLE.iloc[:300].to_csv(folder / "train.csv", index=False)
    pd.concat([TABLE.iloc[300:], TABLE.iloc[:2]]).to_csv(folder / "test.csv", index=False)
    rule = {"method": "file", "path": "test.csv"}
    train, test = prepared(root, TABLE, data__path="data/toy", prepare__split=rule)
    assert set(train["a"]) == set(TABLE["a"][:300])
    assert set(test["a"]) == set(TABLE["a"][300:])
    assert "300 train, 100 test, 2 left out (file; held out 25.0%)" in capsys.readouterr().out
    with pytest.raises(DataContractError, match=r"no row of data/toy stands in prepare.split.path 'tset.csv'"):
        prepared(root, TABLE, data__path="data/toy", prepare__split=rule | {"path": "tset.csv"})


FEW = pd.DataFrame({"a": RANDOM.integers(1, 6, 300), "b": RANDOM.choice(["u", "v"], 300, p=[0.8, 0.2])})
FEW = FEW.assign(y=np.where(RANDOM.random(300) < 0.25, "no", "yes"))


@pytest.mark.parametrize("method", ["stratified", "random", "hash", "time"])
def test_rows_of_few_combinations_are_split_one_by_one(
    root: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    """Ten combinations in 300 rows: the holdout has the share that was asked for, and both sides see every class."""
    table = FEW.assign(day=[f"2024-01-{number % 28 + 1:02d}" for number in range(300)])
    rule = {"method": method, "test_size": 0.25} | ({"by": ["day"]} if method == "hash" else {})
    train, test = prepared(root, table, data__time="day" if method == "time" else None, prepare__split=rule)
    assert len(train) + len(test) == 300
    assert abs(len(test) / 300 - 0.25) < (0.02 if method in ("stratified", "random") else 0.2)
    assert "equal rows are split one by one" in capsys.readouterr().out
    assert json.loads(paths.PREPARED.read_text())["twins"] == "apart"
    assert len(set(tables.units(paths.TRAIN).tolist())) > 100


def test_twins_stay_together_where_asked(root: Path) -> None:
    """The choice is prepare.split.twins, in either direction."""
    train, test = prepared(root, FEW, prepare__split={"method": "random", "twins": "together"})
    assert not set(map(tuple, train.to_numpy())) & set(map(tuple, test.to_numpy()))
    double = pd.concat([TABLE, TABLE])
    train, test = prepared(root, double, prepare__split={"method": "random"})
    assert not set(train["a"]) & set(test["a"])
    train, test = prepared(root, double, prepare__split={"method": "random", "twins": "apart"})
    assert set(train["a"]) & set(test["a"])


def test_a_row_without_its_group_is_named(root: Path) -> None:
    """Exit 40 with the row, as any cell that is missing."""
    table = TABLE.astype({"owner": "Int64"})
    table.loc[6, "owner"] = None
    with pytest.raises(
        DataContractError, match=r"'owner': prepare.split.by: a row without it has no side: 1 row \(7\)"
    ):
        prepared(root, table, prepare__split={"method": "group", "by": ["owner"]})


def test_rows_are_left_out_for_their_target(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those without one, and those of rare classes, where params.yaml says so; errors still count rows as the file."""
    table = TABLE.copy()
    table.loc[[0, 3], "y"] = None
    table.loc[[5], "y"] = "rare"
    rules = {"data__drop_missing_target": True, "data__min_class_rows": 2, "schema__y": {"dtype": "string"}}
    train, test = prepared(root, table, **rules)
    assert len(train) + len(test) == ROWS - 3
    output = capsys.readouterr().out
    assert "2 rows without a target" in output
    assert "1 row of the class 'rare'" in output
    assert json.loads(paths.DATA.read_text())["not_used"] == {"of the class 'rare'": 1, "without a target": 2}
    table["a"] = table["a"].astype(object)
    table.loc[7, "a"] = "many"
    with pytest.raises(DataContractError, match=r"'a': dtype: float64: 1 row \(8\), the first holds 'many'"):
        prepared(root, table, **rules)
