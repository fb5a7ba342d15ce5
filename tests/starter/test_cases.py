"""Everyday tables: what `init` says of each, and that prepare then splits it as it was said."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifact.errors import DataContractError
from pipeline.data import prepare
from starter import comparison, init, new_model
from starter.draft import Drafted
from starter.params_yaml import Threshold, write
from tests.starter.everyday import ROWS, X, tables

TABLES = tables()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the table and for what prepare writes, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path


def described(root: Path, table: pd.DataFrame | str, *options: str) -> tuple[Drafted, list[str]]:
    """What init makes of the table, and its notes."""
    path = root / "data/toy.csv"
    path.write_text(table) if isinstance(table, str) else table.to_csv(path, index=False)
    arguments = init.parser().parse_args(["--data", str(path), "--target", "y", "--name", "toy", *options])
    _, drafted, _ = new_model.describe(arguments, scratch(root))
    return drafted, list(drafted.draft.notes)


def scratch(root: Path) -> Path:
    """A folder for one call of init."""
    return Path(tempfile.mkdtemp(dir=root))


def prepared(root: Path, drafted: Drafted) -> None:
    """Stage prepare with the params.yaml of the draft."""
    metric = comparison.METRIC[drafted.draft.task]
    text = write(drafted.draft, new_model.linear(drafted), Threshold(metric, 0.5, ()))
    (root / "params.yaml").write_text(text, encoding="utf-8")
    prepare.main([])


COMMA = {"thousands": ","}
EUROS = {"unit": "€", "decimal": ",", "thousands": "."}
DAYS = {"date": "%m/%d/%Y"}
SCHEMAS: list[tuple[str, list[str], str, dict[str, Any], str]] = [
    ("amounts", [], "amount", {"dtype": "float64", "format": COMMA}, "all cells are numbers once ',' is removed"),
    ("us dates", [], "day", {"dtype": "date", "format": DAYS}, "all cells are dates written %m/%d/%Y"),
    ("codes", [], "zip", {"dtype": "string"}, "taken as text, because '00501' begins with 0"),
    ("percent", [], "y", {"dtype": "float64", "format": {"unit": "%"}}, "numbers once '%' is removed, such as"),
    ("thousands", [], "y", {"dtype": "float64", "format": COMMA}, "numbers once ',' is removed"),
    ("decimals", [], "price", {"dtype": "float64", "format": EUROS}, "all cells are numbers"),
    (
        "N/A as an answer", [], "y", {"dtype": "string", "categories": ["N/A", "p", "q"]},
        "'N/A' is taken as a class; where it says that there is no answer, empty those cells",
    ),
    ("float classes", [], "y", {"dtype": "int64", "categories": [0, 1]}, ""),
    ("float classes", ["--task", "regression"], "y", {"dtype": "float64"}, ""),
    ("counts", ["--task", "regression"], "y", {"dtype": "float64"}, ""),
    ("rare", ["--min-class-rows", "2"], "y", {"dtype": "string", "categories": ["p", "q"]}, "1 row of rare classes"),
    ("no target", [], "y", {"dtype": "string", "categories": ["p", "q"]}, "leaves out 3 rows without 'y'"),
    (
        "spaces", [], "y", {"dtype": "string", "categories": ["no", "yes"], "format": {"strip": True}},
        "'no' and 'no ' differ by spaces only",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "column", "entry", "message"), SCHEMAS)
def test_what_a_table_holds_is_read_and_said(
    root: Path, name: str, options: list[str], column: str, entry: dict[str, Any], message: str
) -> None:
    """The schema has the line that reads the column, a note says why, and prepare takes the table with it."""
    drafted, notes = described(root, TABLES[name], *options)
    assert drafted.draft.schema[column] == entry
    assert message in " | ".join(notes)
    prepared(root, drafted)


@pytest.mark.parametrize("name", ["one feature", "likert", "small integers", "few values of a regression"])
def test_a_table_of_few_combinations_is_split(root: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Its holdout has the quarter of the rows that was asked for."""
    drafted, _ = described(root, TABLES[name])
    prepared(root, drafted)
    (share,) = re.findall(r"held out ([\d.]+)% of 25.0% asked for", capsys.readouterr().out)
    assert abs(float(share) - 25) < 0.5


REFUSED: list[tuple[str, list[str], list[str]]] = [
    ("counts", [], ["--task regression"]),
    ("rare", [], ["class 'rare' of the target has 1 row", "--min-class-rows 2"]),
    ("comment", [], ["begins with the comment '# exported 2024'", "sed -i 1d"]),
    (
        "several labels",
        [],
        ["several labels in one cell, such as 'a|b'", "for each of a, b, c", "data.targets: [a, b, c]", "multilabel"],
    ),
    (
        "nearly percent",
        [],
        ["299 of 300 cells are numbers once '%' is removed", "one holds 'n.k.'", 'format: {unit: "%"}'],
    ),
    ("nearly percent", ["--task", "regression"], ["299 of 300 cells", 'format: {unit: "%"}']),
]


@pytest.mark.parametrize(("name", "options", "parts"), REFUSED)
def test_what_a_person_has_to_decide_is_one_message(
    root: Path, name: str, options: list[str], parts: list[str]
) -> None:
    """It names the cells, and the line or the option to write."""

    def started() -> None:
        prepared(root, described(root, TABLES[name], *options)[0])

    with pytest.raises(DataContractError) as refused:
        started()
    assert [part for part in parts if part not in str(refused.value)] == []


def test_free_text_is_taken_by_its_words(root: Path) -> None:
    """A block of its own with TfidfVectorizer, in few numbers for trees; prepare and both recipes take it."""
    path = root / "data/toy.csv"
    table = TABLES["reviews"]
    assert isinstance(table, pd.DataFrame)
    table.to_csv(path, index=False)
    arguments = init.parser().parse_args(["--data", str(path), "--target", "y", "--name", "toy"])
    source, drafted, survey = new_model.describe(arguments, scratch(root))
    assert drafted.draft.schema["said"] == {"dtype": "string"}
    assert "free text, taken by its words" in " | ".join(drafted.draft.notes)
    chosen, compared, text = new_model.first_model(drafted, survey, source)
    assert 'columns: ["said"]' in text or "columns: [said]" in text
    steps = [next(iter(step)).rpartition(".")[2] for step in chosen.preprocessing["text"]["steps"]]
    assert steps in (["TfidfVectorizer"], ["TfidfVectorizer", "TruncatedSVD"])
    assert {len(trial.recipe.preprocessing["text"]["steps"]) for trial in compared.tried if trial.recipe} == {1, 2}
    assert compared.score(compared.best) < 0.9 * compared.score(compared.guess)
    prepared(root, drafted)


def test_a_column_that_may_group_the_rows_is_said(root: Path) -> None:
    """And taken as the group where asked: it is no feature then, and the rows of one customer stay on one side."""
    drafted, notes = described(root, TABLES["customers"])
    assert "'customer_id' repeats: 40 values in 300 rows" in " | ".join(notes)
    assert "customer_id" in drafted.draft.schema
    drafted, notes = described(root, TABLES["customers"], "--group", "customer_id")
    assert drafted.draft.split["by"] == ["customer_id"]
    assert "customer_id" not in drafted.draft.schema
    prepared(root, drafted)


@pytest.mark.parametrize(
    ("times", "rest", "how"),
    [
        ([str(2015 + row // 30) for row in range(ROWS)], False, "number"),
        ([f"{row % 12 + 1}/{row % 28 + 1}/{2015 + row // 30}" for row in range(ROWS)], True, None),
    ],
)
def test_no_year_of_a_split_by_time_is_a_feature(root: Path, times: list[str], rest: bool, how: str | None) -> None:
    """Every year to come is beyond those trained on: a column of years stays out, and of dates the year does."""
    drafted, _ = described(root, pd.DataFrame({"when": times, "x": X, "y": X + np.arange(ROWS)}), "--time", "when")
    assert ("when" in drafted.draft.schema) == rest
    assert drafted.draft.data.get("time_format") == how
    assert "year" not in str(new_model.linear(drafted).preprocessing)
    prepared(root, drafted)


def test_a_missing_boolean_keeps_its_meaning(root: Path) -> None:
    """A blank that decides the target is told from true and false by an indicator of its own."""
    drafted, _ = described(root, TABLES["blanks"])
    assert drafted.draft.schema["flag"] == {"dtype": "bool", "nullable": True}
    (imputer,) = new_model.linear(drafted).preprocessing["flags"]["steps"]
    assert imputer == {"sklearn.impute.SimpleImputer": {"strategy": "most_frequent", "add_indicator": True}}


def test_a_feature_that_the_answer_leaked_into_is_left_out(root: Path) -> None:
    """With the reason and the option that keeps it; prepare would refuse it."""
    drafted, notes = described(root, TABLES["leak"])
    assert list(drafted.draft.schema) == ["x", "y"]
    assert "left out: 'paid back': determines: alone it gives 'y'" in " | ".join(notes)
    drafted, _ = described(root, TABLES["leak"], "--keep", "paid back")
    assert drafted.draft.allowed == {"determines": ["paid back"]}
    prepared(root, drafted)


def test_a_date_that_could_be_read_in_two_ways_is_asked_for(root: Path) -> None:
    """Day and month are told apart by a value above 12; where there is none, both lines are named and none is taken."""
    days = pd.DataFrame({"day": [f"{row % 12 + 1}/{row % 11 + 1}/2024" for row in range(ROWS)], "x": X, "y": X > 0})
    _, notes = described(root, days)
    assert "dates written '%m/%d/%Y' or '%d/%m/%Y'; say which one" in " | ".join(notes)


def test_a_file_of_rows_to_hold_out_is_the_holdout(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both files become one folder under their parts' names, and prepare holds out the second, whatever its share."""
    frame = pd.DataFrame({"x": X, "z": X[::-1], "y": np.where(X + X[::-1] > 0.3, "q", "p")})
    frame[:200].to_csv(root / "known.csv", index=False)
    frame[200:].to_csv(root / "new.csv", index=False)
    words = ["--data", str(root / "known.csv"), "--test", str(root / "new.csv"), "--target", "y", "--name", "toy"]
    source, drafted, survey = new_model.describe(init.parser().parse_args(words), scratch(root))
    assert (survey.rows, drafted.draft.split["method"]) == (300, "file")
    for origin, target in source.files:
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(origin.read_bytes())
    assert [str(target) for _, target in source.files] == ["data/toy/train.csv", "data/toy/test.csv"]
    prepared(root, drafted)
    assert "200 train, 100 test (file; held out 33.3%)" in capsys.readouterr().out
    other = frame[200:].rename(columns={"z": "w"})
    other.to_csv(root / "new.csv", index=False)
    with pytest.raises(DataContractError, match="are not alike"):
        new_model.describe(init.parser().parse_args(words), scratch(root))
