"""docs/scoring.md, docs/tuning.md and docs/lineage.md against the code they speak of."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from artifact.signature import TASKS
from artifact.tolerance import TOLERANCE
from pipeline.params import params, tune
from pipeline.params.metrics import names
from pipeline.shared import paths, progress
from pipeline.training import cluster
from scoring.__main__ import ROWS
from tests.pipeline.params.test_params import read

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("scoring", "tuning", "lineage")}
# Written by the stages, or named as an example.
OUTPUTS = {str(paths.TUNED), "build/artifact", f"{paths.TUNING}/", "scores.parquet.parts/", "s3://bucket/key"}


@pytest.mark.parametrize("name", PAGES)
def test_every_path_and_module_exists(name: str) -> None:
    """A file that the page names is here or is made; a command exists."""
    text = PAGES[name]
    named = set(re.findall(r"`([\w./:-]+/[\w./-]*)`", text)) | set(re.findall(r"\]\(([\w./-]+)", text))
    assert [path for path in named - OUTPUTS if not any((ROOT / home / path).exists() for home in ("", "docs"))] == []
    for folder, command in re.findall(r"python -m (\w+) ([\w-]+)", text):
        if folder in ("pipeline", "release", "audit", "starter"):
            assert command in importlib.import_module(f"{folder}.__main__").COMMANDS
        else:
            assert folder in ("dask", "scoring")


@pytest.mark.parametrize("command", ["scoring", "audit lineage", "audit reproduce"])
def test_every_option_exists(command: str) -> None:
    """The options that the pages name are those of the command; of scoring, all of them."""
    page = PAGES["scoring" if command == "scoring" else "lineage"]
    done = subprocess.run([sys.executable, "-m", *command.split(), "--help"], capture_output=True, text=True, cwd=ROOT)
    matches = set(re.findall(r"--[a-z][a-z-]+", done.stdout)) - {"--help"}
    if command == "scoring":
        assert set(re.findall(r"--[a-z][a-z-]+", page)) == matches
        assert f"rows of one piece: {ROWS}" in page
    else:
        assert matches <= {"--json", "--model", "--installed"}


@pytest.mark.example
def test_the_search_of_the_page_is_accepted(tmp_path: Path) -> None:
    """The example loads, and the table has every key, method and metric."""
    page = PAGES["tuning"]
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    declared = yaml.safe_load(block)["tune"]
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["train"]
    search = read(tmp_path, train__tune=declared).train.search
    assert search is not None
    assert (search.method, search.trials, len(search.axes)) == ("bayesian", 40, 3)
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == set(tune.Tune.model_fields)
    for word in (*tune.METHODS, *(name for task in TASKS for name in names(task, searched=True))):
        assert f"`{word}`" in page
    assert shipped["tune"]["method"] == "none"
    for method in tune.METHODS[1:]:
        assert read(tmp_path, train__tune={**shipped["tune"], "method": method, "factor": 3}).train.search is not None


def test_the_times_are_those_of_the_code() -> None:
    """How often a long command tells where it is, and how long it waits for a cluster."""
    assert progress._SECONDS == 10
    assert "a line every ten seconds" in PAGES["scoring"]
    assert f"within {cluster._SECONDS:g} seconds" in PAGES["tuning"]
    assert cluster.VARIABLE in PAGES["scoring"]
    assert cluster.VARIABLE in PAGES["tuning"]


def test_the_outcomes_are_those_of_the_code() -> None:
    """The three outcomes and epsilon are the ones that the command knows."""
    page, code = PAGES["lineage"], (ROOT / "audit/reproduce.py").read_text(encoding="utf-8")
    for outcome in re.findall(r"^\| `([\w-]+)` \|", page, re.M):
        assert f'"{outcome}"' in code
    assert f"within {TOLERANCE}" in page
    assert params.load(ROOT / "params.yaml").train.search is None
