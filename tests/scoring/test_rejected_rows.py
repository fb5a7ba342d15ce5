"""Rows that do not fit are written beside the output with the predictor's own reason; the others are scored."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from artifact.errors import InvalidRequest
from artifact.validation.validator import Validator
from scoring import scorer
from tests.predictor import test_no_answer
from tests.predictor.models import Packaged
from tests.scoring.table import BAD, arguments, read, rows, scored, write


def test_a_row_that_does_not_fit_is_written_with_its_reason(people: Packaged, bad: Path, tmp_path: Path) -> None:
    """Beside the output, as it was; the other rows are scored as if it were not there."""
    assert scored(*arguments(people, bad, tmp_path / "out.csv", "--max-rejected", str(len(BAD)))) == 0
    rejected = read(tmp_path / "out.rejected.csv")
    assert {row["row"]: row["reason"] for row in rejected} == {row: f"feature {why}" for row, (*_, why) in BAD.items()}
    assert str(rejected[0]["rooms"]) == "4.5"
    assert scored(*arguments(people, write(rows(people), tmp_path / "good.csv"), tmp_path / "all.csv")) == 0
    assert read(tmp_path / "out.csv") == [row for row in read(tmp_path / "all.csv") if row["row"] not in BAD]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_only_the_lot_of_a_bad_row_is_looked_at_closely(
    people: Packaged, bad: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels, reasons and numbers of rows are the same however a piece is divided."""
    table = rows(people)
    table.loc[[1, 6, 7], "rooms"] = [51, 77, 99]
    source = bad if kind == "csv" else write(table, tmp_path / "bad.parquet")
    monkeypatch.setattr(scorer, "SKLEARN", "divided, too")
    answers: list[Any] = []
    for lot in (4096, 3, 1):
        monkeypatch.setattr(scorer, "_LOT", lot)
        assert scored(*arguments(people, source, tmp_path / f"{lot}.csv")) == 0
        labels = [(row["row"], row["label"]) for row in read(tmp_path / f"{lot}.csv")]
        answers.append((labels, read(tmp_path / f"{lot}.rejected.csv")))
    assert answers[0] == answers[1] == answers[2]
    assert [row["row"] for row in answers[0][1]] == (sorted(BAD) if kind == "csv" else [2, 7, 8])


def test_what_serving_refuses_scoring_refuses(people: Packaged, bad: Path, tmp_path: Path) -> None:
    """A value that the predictor answers with 400 is rejected for the reason that the predictor gives."""
    assert scored(*arguments(people, bad, tmp_path / "out.parquet")) == 0
    reasons = {row["row"]: row["reason"] for row in read(tmp_path / "out.rejected.parquet")}
    validator = Validator(people.signature)
    for row, values in ((5, {"rooms": 51}), (9, {"grade": "d"}), (10, {"größe (cm)": 1e40})):
        first = {name: column[row - 1] for name, column in people.rows.items()} | values
        with pytest.raises(InvalidRequest) as refused:
            validator.columns_of_rows([first])
        assert reasons[row] == str(refused.value).replace(", row 0", "")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("maker", [test_no_answer.overflows, test_no_answer.raises])
def test_a_row_without_a_finite_answer_is_rejected(maker: Any, tmp_path: Path) -> None:
    """It is written beside the output with its reason; no infinity and no NaN stands among the answers."""
    model = maker(tmp_path / "artifact")
    far = test_no_answer.BAD
    table = pd.DataFrame({"x": ["0.5", str(far), "0.25", "text", str(far), str(far), "-0.5"]})
    source = write(table, tmp_path / "in.csv")
    assert scored(*arguments(model, source, tmp_path / "out.csv", "--rows", "5")) == 0
    rejected = {row["row"]: row["reason"] for row in read(tmp_path / "out.rejected.csv")}
    assert sorted(rejected) == [2, 4, 5, 6]
    assert all(rejected[row].startswith("the model") for row in (2, 5, 6))
    answers = read(tmp_path / "out.csv")
    assert [row["row"] for row in answers] == [1, 3, 7]
    assert all(math.isfinite(value) for row in answers for value in row.values() if isinstance(value, float))
    only = write(table[4:6], tmp_path / "only.csv")
    assert scored(*arguments(model, only, tmp_path / "none.csv")) == 40
    assert read(tmp_path / "none.csv") == []


def test_more_rejected_rows_than_allowed_end_with_40(
    people: Packaged, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no output then, but the reasons; a run that allows more goes on."""
    words = arguments(people, bad, tmp_path / "out.csv", "--rows", "4")
    assert scored(*words, "--max-rejected", "2") == 40
    assert "4 rows of the first 8 did not fit, --max-rejected is 2" in capsys.readouterr().err.splitlines()[-1]
    assert [path.name for path in tmp_path.glob("out.csv*")] == ["out.csv.parts"]
    assert [row["row"] for row in read(tmp_path / "out.rejected.csv")] == [2, 3, 5, 6]
    assert scored(*words) == 0
    assert "an earlier run finished 2 pieces of 4 rows" in capsys.readouterr().out
    assert len(read(tmp_path / "out.rejected.csv")) == len(BAD)
