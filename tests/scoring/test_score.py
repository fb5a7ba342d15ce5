"""Batch scoring: the predictor's own judgement and answers, for tables of any size, whatever cuts a run off."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from artifact import load
from artifact.command import run
from artifact.errors import InvalidRequest
from artifact.validation.validator import Validator
from predictor.protocols import v1
from scoring.__main__ import main
from tests.conftest import Bucket
from tests.predictor import models, test_no_answer
from tests.predictor.models import Packaged

ROOT = Path(__file__).parents[2]
KILLED_AFTER = 3
KILL = f"""
import os, signal
from artifact.command import run
from scoring import parts
from scoring.__main__ import main
add = parts.Parts.add
def then_die(self, piece):
    add(self, piece)
    if len(self._pieces) == {KILLED_AFTER}:
        os.kill(os.getpid(), signal.SIGKILL)
parts.Parts.add = then_die
run(main)
"""


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """A model with a column of every dtype."""
    return models.people(tmp_path_factory.mktemp("people") / "artifact")


def rows(people: Packaged, repeated: int = 1) -> pd.DataFrame:
    """The model's rows as a table, with a column that it does not take."""
    table = pd.DataFrame({name: pd.Series(values * repeated, dtype=object) for name, values in people.rows.items()})
    table.insert(0, "id", [f"r{number}" for number in range(len(table))])
    return table


def write(table: pd.DataFrame, path: Path) -> Path:
    """`table` as a person would save it."""
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.infer_objects().to_parquet(path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of an output."""
    table = pyarrow.csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path)
    return table.to_pylist()


def arguments(people: Packaged, source: Path | str, target: Path | str, *more: str) -> list[str]:
    named = ["--artifact", str(people.directory), "--digest", people.digest]
    return [*named, "--input", str(source), "--output", str(target), *more]


def scored(*words: str) -> int:
    """Run the command in this process; its exit code."""
    with pytest.raises(SystemExit) as ended:
        run(main, words)
    return int(ended.value.code or 0)


@pytest.mark.parametrize(("source", "target"), [("csv", "parquet"), ("parquet", "csv")])
def test_a_table_gets_the_answers_that_serving_gives(
    people: Packaged, tmp_path: Path, source: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """To the bit, in pieces of any size, with the row's number and the columns that were asked to stay."""
    table = rows(people)
    loaded = load.load(people.directory, expected_digest=people.digest)
    request = v1.parse(
        Validator(loaded.signature),
        {"instances": table.drop(columns="id").to_dict("records"), "probabilities": True},
    )
    online = v1.reply(request, loaded.runner.predict(request.columns))
    path = write(table, tmp_path / f"in.{source}")
    assert scored(*arguments(people, path, tmp_path / f"out.{target}", "--keep", "id", "--rows", "7")) == 0
    answers = read(tmp_path / f"out.{target}")
    assert [row["row"] for row in answers] == list(range(1, len(table) + 1))
    assert [row["id"] for row in answers] == table["id"].tolist()
    assert [row["label"] for row in answers] == online["predictions"]
    assert [[row["probability_false"], row["probability_true"]] for row in answers] == online["probabilities"]
    assert f"{len(table)} rows scored" in capsys.readouterr().out
    assert sorted(found.name for found in tmp_path.iterdir()) == [f"in.{source}", f"out.{target}"]


BAD = {  # row, from 1 → column, text of the cell, what the reason says
    2: ("rooms", "4.5", "'rooms': '4.5' does not fit dtype: int64"),
    3: ("rooms", "", "'rooms': missing, and the feature is not nullable"),
    5: ("rooms", "51", "'rooms': 51 is above 50"),
    6: ("smoker", "perhaps", "'smoker': 'perhaps' does not fit dtype: bool, written true, false, 1 or 0"),
    9: ("grade", "d", "'grade': 'd' is not one of the 3 declared categories"),
    10: ("größe (cm)", "1e40", "'größe (cm)': 1e+40 is more than float32 holds"),
}


@pytest.fixture
def bad(people: Packaged, tmp_path: Path) -> Path:
    """A CSV with the rows of BAD."""
    table = rows(people).astype(object)
    for row, (column, cell, _) in BAD.items():
        table.loc[row - 1, column] = cell
    return write(table, tmp_path / "bad.csv")


def test_a_row_that_does_not_fit_is_written_with_its_reason(people: Packaged, bad: Path, tmp_path: Path) -> None:
    """Beside the output, as it was; the other rows are scored as if it were not there."""
    assert scored(*arguments(people, bad, tmp_path / "out.csv", "--max-rejected", str(len(BAD)))) == 0
    rejected = read(tmp_path / "out.rejected.csv")
    assert {row["row"]: row["reason"] for row in rejected} == {row: f"feature {why}" for row, (*_, why) in BAD.items()}
    assert str(rejected[0]["rooms"]) == "4.5"
    assert scored(*arguments(people, write(rows(people), tmp_path / "good.csv"), tmp_path / "all.csv")) == 0
    assert read(tmp_path / "out.csv") == [row for row in read(tmp_path / "all.csv") if row["row"] not in BAD]


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
    assert scored(*arguments(model, only, tmp_path / "none.csv")) == 0
    assert read(tmp_path / "none.csv") == []


def test_more_rejected_rows_than_allowed_end_with_40(
    people: Packaged, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no output then, but the reasons; a run that allows more goes on."""
    words = arguments(people, bad, tmp_path / "out.csv", "--rows", "4")
    assert scored(*words, "--max-rejected", "2") == 40
    assert "4 rows of the first 8 are rejected, --max-rejected is 2" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out.csv").exists()
    assert [row["row"] for row in read(tmp_path / "out.rejected.csv")] == [2, 3, 5, 6]
    assert scored(*words) == 0
    assert "2 pieces of 4 rows are there already" in capsys.readouterr().out
    assert len(read(tmp_path / "out.rejected.csv")) == len(BAD)


def test_no_row_fits(people: Packaged, tmp_path: Path) -> None:
    """Then the output has its columns and no rows."""
    table = rows(people)
    table["rooms"] = 77
    source = write(table, tmp_path / "in.parquet")
    assert scored(*arguments(people, source, tmp_path / "out.parquet")) == 0
    assert pq.read_table(tmp_path / "out.parquet").column_names == [
        "row",
        "label",
        "probability_false",
        "probability_true",
    ]
    assert len(read(tmp_path / "out.parquet")) == 0
    assert len(read(tmp_path / "out.rejected.parquet")) == len(table)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    people: Packaged, bad: Path, tmp_path: Path, s3: Bucket, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """kill -9 in the middle, on S3: nothing stands under the output's name; the next run does only what is left."""
    whole, cut = f"s3://{s3.name}/whole.{kind}", f"s3://{s3.name}/cut.{kind}"
    s3.client.put_object(Bucket=s3.name, Key="in.csv", Body=bad.read_bytes())
    source = f"s3://{s3.name}/in.csv"
    assert scored(*arguments(people, source, whole, "--rows", "5")) == 0
    words = arguments(people, source, cut, "--rows", "5")
    killed = subprocess.run([sys.executable, "-c", KILL, *words], cwd=ROOT, env={**os.environ}, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    pieces = [key for key in s3.keys(f"cut.{kind}.parts/") if "rejected" not in key and key.endswith(".arrow")]
    assert len(pieces) == KILLED_AFTER
    assert s3.keys(f"cut.{kind}") == s3.keys(f"cut.{kind}.parts/")
    assert scored(*words) == 0
    assert f"{KILLED_AFTER} pieces of 5 rows are there already" in capsys.readouterr().out

    def body(key: str) -> bytes:
        return bytes(s3.client.get_object(Bucket=s3.name, Key=key)["Body"].read())

    for name in (f".{kind}", f".rejected.{kind}"):
        assert body(f"cut{name}") == body(f"whole{name}")
    assert s3.keys() == sorted(
        ["in.csv", *(f"{run}{name}" for run in ("cut", "whole") for name in (f".{kind}", f".rejected.{kind}"))]
    )


def test_another_run_is_not_taken_up(people: Packaged, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pieces of another model or another table are refused with 10, until --restart forgets them."""
    source, target = write(rows(people), tmp_path / "in.csv"), tmp_path / "out.csv"
    words = arguments(people, source, target, "--rows", "5")
    subprocess.run([sys.executable, "-c", KILL, *words], cwd=ROOT, capture_output=True)
    folder = tmp_path / "out.csv.parts"
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps(plan | {"model_digest": "sha256-" + "0" * 64}))
    assert scored(*words) == 10
    assert "was begun with model_digest 'sha256-000" in capsys.readouterr().err
    (folder / "plan.json").write_text(json.dumps(plan))
    write(rows(people).head(9), source)
    assert scored(*words) == 10
    assert "was begun with input" in capsys.readouterr().err
    assert scored(*words, "--restart") == 0
    assert len(read(target)) == 9


TABLES = {
    "a column is missing": (b"id,rooms\n1,2\n", "has no column"),
    "it is empty": (b"", "is empty; a table begins with a line of column names"),
    "it has a header only": ("größe (cm),rooms,smoker,city,grade\n".encode(), "a header and no rows"),
    "a column is there twice": ("größe (cm),rooms,smoker,city,grade,rooms\n1,1,1,a,a,1\n".encode(), "2 times"),
    "a row is short": ("größe (cm),rooms,smoker,city,grade\n1,2\n".encode(), "every row with every column"),
    "it is Latin-1": ("größe (cm),rooms,smoker,city,grade\n".encode("latin-1"), "UTF-8"),
    "it is Latin-1 further down": ("größe (cm),rooms,smoker,city,grade\n1,2,1,".encode() + b"K\xf6ln,a\n", "UTF-8"),
    "it is UTF-16": ("größe (cm),rooms\n".encode("utf-16"), "UTF-16"),
    "a quote is never closed": ('größe (cm),rooms,smoker,city,grade\n1,2,1,b,"a\n'.encode(), "odd number of quotes"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_scored_ends_with_40(
    people: Packaged, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong stands in the last line, and there is no output."""
    data, message = TABLES[name]
    (tmp_path / "in.csv").write_bytes(data)
    assert scored(*arguments(people, tmp_path / "in.csv", tmp_path / "out.csv")) == 40
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out.csv").exists()


def test_a_parquet_that_cannot_be_scored_ends_with_40(
    people: Packaged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cut off, or with a column whose type no value of the feature has."""
    whole = write(rows(people), tmp_path / "whole.parquet")
    (tmp_path / "cut.parquet").write_bytes(whole.read_bytes()[:-100])
    assert scored(*arguments(people, tmp_path / "cut.parquet", tmp_path / "out.csv")) == 40
    table = rows(people).assign(rooms="many")
    assert scored(*arguments(people, write(table, tmp_path / "text.parquet"), tmp_path / "out.csv")) == 40
    assert "the column 'rooms' is string, the model takes int64" in capsys.readouterr().err


def test_words_that_a_table_uses_for_no_value(people: Packaged, tmp_path: Path) -> None:
    """--missing NA reads it as missing; else it is a text, which is no number."""
    table = rows(people).assign(**{"größe (cm)": "NA"})
    source = write(table, tmp_path / "in.csv")
    assert scored(*arguments(people, source, tmp_path / "out.csv", "--missing", "NA")) == 0
    assert len(read(tmp_path / "out.csv")) == len(table)
    assert scored(*arguments(people, source, tmp_path / "other.csv")) == 0
    assert len(read(tmp_path / "other.rejected.csv")) == len(table)


def test_categories_of_pandas_are_text(people: Packaged, tmp_path: Path) -> None:
    """A dictionary of Parquet is its values, also where its pieces have other dictionaries."""
    table = rows(people).astype({"grade": "category", "city": "category"})
    source = write(table, tmp_path / "in.parquet")
    assert scored(*arguments(people, source, tmp_path / "out.csv", "--rows", "3", "--keep", "city")) == 0
    assert len(read(tmp_path / "out.csv")) == len(table)


def test_only_the_named_artifact_scores(people: Packaged, tmp_path: Path) -> None:
    """Another digest is 20, none at all 2, before the table is opened."""
    wrong = [word.replace(people.digest, "sha256-" + "0" * 64) for word in arguments(people, "none.csv", "out.csv")]
    assert scored(*wrong) == 20
    assert scored("--input", "none.csv", "--output", "out.csv") == 2
    assert scored("--artifact", "x", "--input", "none.csv", "--output", "out.csv") == 2


def test_what_cannot_be_reached_says_so(
    people: Packaged, tmp_path: Path, s3: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table that is not there is 40, a store that does not answer 30."""
    assert scored(*arguments(people, tmp_path / "none.csv", tmp_path / "out.csv")) == 40
    assert "none.csv is not there; put the table there, or correct --input" in capsys.readouterr().err
    assert scored(*arguments(people, f"s3://{s3.name}/none.csv", tmp_path / "out.csv")) == 40
    assert scored(*arguments(people, "gs://bucket/in.csv", tmp_path / "out.csv")) == 10
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert scored(*arguments(people, f"s3://{s3.name}/in.csv", tmp_path / "out.csv")) == 30
    assert "it goes on where it was" in capsys.readouterr().err.splitlines()[-1]
