"""Batch scoring: the predictor's own judgement and answers, for tables of any size, whatever cuts a run off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from artifact import load
from artifact.errors import UsageError
from artifact.validation.validator import Validator
from predictor.protocols import v1
from scoring.__main__ import main as scoring_main
from tests.conftest import Bucket
from tests.predictor.models import Packaged
from tests.scoring.table import arguments, read, rows, scored, write

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
    if target == "parquet":  # dictionaries of text alone: a probability is rarely there twice
        group = pq.read_metadata(tmp_path / "out.parquet").row_group(0)
        columns = [group.column(place) for place in range(group.num_columns)]
        assert [column.path_in_schema for column in columns if column.has_dictionary_page] == ["id"]
    assert sorted(result.name for result in tmp_path.iterdir()) == [f"in.{source}", f"out.{target}"]


def test_no_row_fits(people: Packaged, tmp_path: Path) -> None:
    """Then the output has its columns and no rows, and the command ends with 40."""
    table = rows(people)
    table["rooms"] = 77
    source = write(table, tmp_path / "in.parquet")
    assert scored(*arguments(people, source, tmp_path / "out.parquet")) == 40
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
    assert f"an earlier run finished {KILLED_AFTER} pieces of 5 rows" in capsys.readouterr().out

    def body(key: str) -> bytes:
        return bytes(s3.client.get_object(Bucket=s3.name, Key=key)["Body"].read())

    for name in (f".{kind}", f".rejected.{kind}"):
        assert body(f"cut{name}") == body(f"whole{name}")
    assert s3.keys() == sorted(
        ["in.csv", *(f"{run}{name}" for run in ("cut", "whole") for name in (f".{kind}", f".rejected.{kind}"))]
    )


def test_another_run_is_not_taken_up(people: Packaged, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pieces of another model or another table are refused with 10, until --restart forgets them; those of a run that
    has ended are forgotten."""
    source, target = write(rows(people), tmp_path / "in.csv"), tmp_path / "out.csv"
    words = arguments(people, source, target, "--rows", "5")
    subprocess.run([sys.executable, "-c", KILL, *words], cwd=ROOT, capture_output=True)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.csv", "out.csv.partial", "out.csv.parts"]
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
    folder.mkdir()  # what is left where a run was killed while it removed its pieces
    (folder / "000000-5-0.arrow").write_bytes(b"of a run that has ended")
    assert scored(*words) == 0
    assert len(read(target)) == 9
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.csv", "out.csv"]


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
    assert scored(*arguments(people, source, tmp_path / "other.csv")) == 40
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


def test_an_artifact_without_its_digest_is_answered_with_it(
    people: Packaged, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the digest that the folder holds; a folder without an artifact is named as such."""
    for folder, says in (
        (people.directory, f"add --digest {people.digest} if"),
        (Path("none"), "none holds no artifact"),
    ):
        with pytest.raises(UsageError, match=says):
            scoring_main(["--artifact", str(folder), "--input", "x.csv", "--output", "y.csv"])
