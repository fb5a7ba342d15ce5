"""A model from a table: what `init` writes trains, and what it cannot use it names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from dvc.utils.serialize import load_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from artifact.errors import ModelpinError
from pipeline.params import yaml12
from pipeline.params.params import Params, load
from starter import init, yaml_lines
from tests.pipeline.repository import Repository

RANDOM = np.random.default_rng(3)
ROWS = 240


def houses() -> pd.DataFrame:
    """A regression: spaces and non-ASCII in names, a quoted comma in a text, a boolean, an id."""
    frame = pd.DataFrame(
        {
            "id": np.arange(ROWS) + 1000,
            "Fläche (m²)": RANDOM.uniform(20, 200, ROWS).round(1),
            "rooms": RANDOM.integers(1, 8, ROWS),
            "Straße": RANDOM.choice(["Hauptstraße", "Am Wald", "Markt, Nord"], ROWS),
            "has balcony": RANDOM.choice(["true", "false"], ROWS),
        }
    )
    noise = RANDOM.normal(0, 9000, ROWS)
    return frame.assign(**{"price €": (frame["Fläche (m²)"] * 3000 + frame["rooms"] * 5000 + noise).round(0)})


def customers() -> pd.DataFrame:
    """Categories with missing values; NA means missing among the numbers and Namibia among the texts."""
    age = RANDOM.normal(40, 12, ROWS).round()
    age[RANDOM.choice(ROWS, 30, replace=False)] = np.nan
    return pd.DataFrame(
        {
            "age": ["NA" if value != value else f"{value:g}" for value in age],
            "country": RANDOM.choice(["NO", "NA", "DE"], ROWS),
            "city": RANDOM.choice(np.array(["Oslo", "Łódź", None], dtype=object), ROWS),
            "member": RANDOM.choice(["true", "false", ""], ROWS),
            "comment": [" ".join(RANDOM.choice(list("abcdefgh"), 7)) for _ in range(ROWS)],
            "constant": 1,
            "left": np.where(np.nan_to_num(age, nan=45) + RANDOM.normal(0, 5, ROWS) > 41, "yes", "no"),
        }
    )


def demand() -> pd.DataFrame:
    """A time column, and names that YAML and DVC could take for something else."""
    when = pd.date_range("2023-01-01", periods=ROWS, freq="29h", tz="UTC")
    frame = pd.DataFrame(
        {
            "when": when,
            "temp °C": 10 - 8 * np.cos(2 * np.pi * when.dayofyear / 365) + RANDOM.normal(0, 1, ROWS),
            "promo": RANDOM.random(ROWS) < 0.2,
            "${data.path}": RANDOM.random(ROWS),
            "no": RANDOM.random(ROWS),
        }
    )
    return frame.assign(demand=100 + 3 * frame["temp °C"] + 20 * frame["promo"] + RANDOM.normal(0, 3, ROWS))


TABLES = {
    "houses": (houses, "csv", "price €", [], "regression"),
    "churn": (customers, "csv", "left", [], "classification"),
    "demand": (demand, "parquet", "demand", ["--time", "when"], "regression"),
}


@pytest.mark.parametrize(
    "name", ["houses", *(pytest.param(name, marks=pytest.mark.story) for name in ("churn", "demand"))]
)
def test_a_table_becomes_a_model_without_another_edit(fresh: Repository, tmp_path: Path, name: str) -> None:
    """`init`, then every stage up to a gate that passes: strict about types, open about values."""
    make, suffix, target, options, task = TABLES[name]
    table = tmp_path / f"table of mine.{suffix}"
    make().to_csv(table, index=False) if suffix == "csv" else make().to_parquet(table, index=False)
    output = fresh.done("starter", "init", "--data", str(table), "--target", target, "--name", name, *options)
    assert "dvc repro" in output
    assert (fresh.path / f"data/{name}.{suffix}").read_bytes() == table.read_bytes()
    assert {path.name for path in (fresh.path / "gitops/models" / name).iterdir()} == {
        "production",
        "staging",
        "quarantine.yaml",
    }
    changed = fresh.git("status", "--porcelain", "--untracked-files=all").split("\n")
    assert {line[3:] for line in changed if line and "gitops" not in line} == {
        "params.yaml",
        f"data/{name}.{suffix}.dvc",
        "data/.gitignore",
    }
    # The stages of dvc.yaml in one process, in half the time; it is the dvc.yaml that test_stages.py runs.
    (fresh.path / "pipeline/all_at_once.py").write_text(ALL)
    fresh.done("pipeline.all_at_once")
    assert json.loads(fresh.read("build/verdict.json"))["outcome"] == "first-deployment"
    CHECKS[name](load(fresh.path / "params.yaml"), output, json.loads(fresh.read("build/artifact/manifest.json")))
    assert load(fresh.path / "params.yaml").model.task == task


def check_houses(params: Params, output: str, manifest: dict[str, object]) -> None:
    assert {feature.name: feature.dtype for feature in params.features} == {
        "Fläche (m²)": "float64",
        "rooms": "int64",
        "Straße": "string",
        "has balcony": "bool",
    }
    assert "left out: 'id': it numbers the rows" in output


def check_churn(params: Params, output: str, manifest: dict[str, object]) -> None:
    assert [(feature.name, feature.dtype, feature.nullable) for feature in params.features] == [
        ("age", "float64", True),
        ("country", "string", False),
        ("city", "string", True),
        ("member", "bool", True),
    ]
    assert params.data.missing == ("NA",)
    assert params.target.categories == ("no", "yes")
    assert "'comment': it is free text" in output
    assert "'constant': every row holds 1" in output


def check_demand(params: Params, output: str, manifest: dict[str, object]) -> None:
    assert (params.prepare.split.method, params.data.time) == ("time", "when")
    assert [feature.name for feature in params.features] == ["when", "temp °C", "promo", "${data.path}", "no"]
    assert params.features[0].dtype == "datetime"
    assert manifest["features"] == {}  # the graph has the calendar: no module of features/ is needed to serve


ALL = """
if __name__ == "__main__":
    from pipeline.shared import determinism

    determinism.fix()

from pipeline.data import inputs, prepare
from pipeline.engine import convert
from pipeline.evaluation import evaluate
from pipeline.gate import gate, measure
from pipeline.packaging import package
from pipeline.report import report
from pipeline.training import train, tune
from release import __main__ as release

release.main(["champion", "--out", "build/champion", "--record", "build/champion.json"])
for stage in (inputs, prepare, tune, train, convert, evaluate, package, measure, gate, report):
    stage.main([])
"""
CHECKS = {"houses": check_houses, "churn": check_churn, "demand": check_demand}

NUMBERS = "x,y\n" + "".join(f"{value},{value % 2}\n" for value in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9))
REFUSED: list[tuple[str, list[str], int, str]] = [
    (NUMBERS, ["--target", "Y"], 10, "--target 'Y' is no column"),
    (NUMBERS, ["--target", "y", "--time", "time"], 10, "--time 'time' is no column"),
    (NUMBERS, ["--target", "y", "--time", "y"], 2, "name two columns"),
    (NUMBERS, ["--target", "y", "--data", "nowhere.csv"], 2, "--data nowhere.csv does not exist, seen from /"),
    (NUMBERS, ["--target", "y", "--name", "My_Model"], 10, "cannot name a model"),
    ("x,y\n1,\n2,\n", ["--target", "y"], 40, "the target 'y' is missing in every row"),
    ("x,y\n1,a\n2,a\n3,a\n", ["--target", "y"], 40, "is 'a' in every row"),
    ("x,y\n5,a\n2,b\n3,b\n", ["--target", "y"], 40, "class 'a' of the target has 1 row"),
    ("x,y\n1,a\n2,b\n3,b\n", ["--target", "y", "--task", "regression"], 40, "a regression predicts numbers"),
    ("x,y\n1,1.5\n2,2.5\n3,.5\n", ["--target", "y", "--task", "classification"], 40, "holds fractions"),
    ("x,y\n1,a\n1,b\n1,b\n", ["--target", "y"], 40, "is left to predict 'y' from: left out: 'x': every row holds 1"),
    ("t,x,y\nsoon,3,1.5\nlater,1,2.5\n", ["--target", "y", "--time", "t"], 40, "is no date"),
    ("t,x,y\n2024-01-01,3,1.5\n,1,2.5\n", ["--target", "y", "--time", "t"], 40, "'t': the time is missing: 1 row (2)"),
]


@pytest.mark.parametrize(("text", "arguments", "code", "problem"), REFUSED)
def test_what_cannot_be_used_is_named(
    shipped: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    arguments: list[str],
    code: int,
    problem: str,
) -> None:
    """The message names the column and the remedy, and nothing is written."""
    (tmp_path / "table.csv").write_text(text)
    monkeypatch.chdir(shipped.path)
    with pytest.raises(ModelpinError) as caught:
        init.main(["--data", str(tmp_path / "table.csv"), "--name", "toy", *arguments])
    assert problem in str(caught.value)
    assert caught.value.exit_code == code
    assert shipped.git("status", "--porcelain") == ""


def listed(folder: Path) -> set[Path]:
    return {path for path in folder.glob("[a-z]*/**/*") if "__pycache__" not in path.parts}


def test_nothing_is_left_half_written(fresh: Repository, tmp_path: Path) -> None:
    """Where the last step fails, the data, its .dvc file and params.yaml are as they were."""
    (tmp_path / "table.csv").write_text(NUMBERS)
    (fresh.path / "release/commands/adopt.py").write_text("raise SystemExit('no room')\n")
    fresh.git("commit", "-q", "-a", "-m", "broken")
    files = listed(fresh.path)
    refused = fresh.run("starter", "init", "--data", str(tmp_path / "table.csv"), "--target", "y", "--name", "toy")
    assert refused.returncode == 10
    assert "no room" in refused.stderr.splitlines()[-1]
    assert fresh.git("status", "--porcelain") == ""
    assert listed(fresh.path) == files


@pytest.mark.story
def test_the_same_command_goes_on_after_a_kill(fresh: Repository, tmp_path: Path) -> None:
    """Killed at its last step, `init` has not replaced params.yaml, and ends well when it is run again."""
    (tmp_path / "table.csv").write_text(NUMBERS)
    command = ("starter", "init", "--data", str(tmp_path / "table.csv"), "--target", "y", "--name", "toy")
    adopt = fresh.path / "release/commands/adopt.py"
    code = adopt.read_text()
    adopt.write_text("import os\nos.kill(os.getppid(), 9)\n")
    assert fresh.run(*command).returncode != 0
    adopt.write_text(code)
    assert fresh.git("status", "--porcelain", "params.yaml") == ""
    assert fresh.run(*command).returncode == 0
    assert load(fresh.path / "params.yaml").model.name == "toy"


def test_edited_params_are_not_replaced_unasked(fresh: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes that are in no commit would be lost: exit 2 until --force."""
    fresh.params(package__golden=8)
    monkeypatch.chdir(fresh.path)
    with pytest.raises(ModelpinError, match="uncommitted changes"):
        init.main(["--data", "data/iris.csv", "--target", "species", "--name", "toy"])


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12))
def test_every_name_survives_the_writing(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Whatever a column is called, our reader, DVC's and PyYAML's read back that very text, as key and as item."""
    path = tmp_path_factory.getbasetemp() / "draft.yaml"
    lines = yaml_lines.entry_of(0, name, {"columns": [name, "yes", "1e3", "010"]})
    path.write_text("\n".join([*lines, f"other: {yaml_lines.flow([name])}"]) + "\n", encoding="utf-8")
    expected = {name: {"columns": [name, "yes", "1e3", "010"]}, "other": [name]}
    if name == "other":
        return
    assert yaml12.read(path) == expected
    assert load_yaml(str(path)) == expected
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == expected
